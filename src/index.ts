/**
 * Server-side sessions for the Fetch API. {@link createSessions} makes them, `wrap` puts them around a fetch handler,
 * and a store keeps them: memory unless you inject another.
 *
 * @module
 */
export type { BackendSource, SessionInfo } from "./backend.ts";
export { SessionError, type SessionErrorCode } from "./errors.ts";
export type { SessionEvent } from "./events.ts";
export type { CookieOptions, RequestLike } from "./http/cookie-options.ts";
export { type CrossOriginOptions, isForeign } from "./http/foreign.ts";
export {
  addSessionHeaders,
  canCarryCookie,
  type HeadersLike,
  type SessionHeaders,
  sessionHeaders,
  withSessionHeaders,
} from "./http/response.ts";
export { type SessionCookie, sessionCookies } from "./http/session-cookies.ts";
export type { Adopted, MigrationSource, OldCookie, OldSession, SourceDefinition, TakeOver } from "./migration.ts";
export type { Awaitable } from "./platform/awaitable.ts";
export type { WrapOptions } from "./request/wrap.ts";
export type { RotationOptions, SessionOptions } from "./rules/options.ts";
export { type Codec, jsonCodec } from "./session/codec.ts";
export type { DeepReadonly } from "./session/deep-readonly.ts";
export type { SchemaIssue, SchemaOutput, SchemaResult, StableSchema, StandardSchema } from "./session/schema.ts";
export type { Session } from "./session/session.ts";
export type { DataOptions } from "./session/shape.ts";
export type { SignInOptions } from "./session/sign-in.ts";
export { createSessions, type SchemaOptions, type Sessions, type SessionsOptions } from "./sessions.ts";
export type { Entry, EntryMeta, ReadOptions, SessionStore, Version } from "./store.ts";
export { type CachedStoreOptions, cachedStore } from "./stores/cached.ts";
export { type MemoryStore, type MemoryStoreOptions, memoryStore } from "./stores/memory.ts";
export { prefixedStore } from "./stores/prefixed.ts";
