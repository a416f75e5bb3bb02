/**
 * Sessions on Cloudflare Workers: stores on Durable Objects, D1 and KV, and a manager for workers that get their
 * bindings with the request. `sessions.wrap()` is a fetch handler of a worker as it is. None of it needs
 * `nodejs_compat`.
 *
 * @example
 * ```ts
 * import { env } from "cloudflare:workers";
 * import { createSessions } from "@sojourn/session";
 * import { durableObjectStore } from "@sojourn/session/workers";
 *
 * export { SessionObject } from "@sojourn/session/workers";
 *
 * const sessions = createSessions<{ visits: number }>({ store: durableObjectStore(env.SESSIONS) });
 *
 * export default {
 *   fetch: sessions.wrap((_request, session) => {
 *     session.update("visits", (visits = 0) => visits + 1);
 *     return new Response(`Visit ${session.get("visits")}`);
 *   }),
 * };
 * ```
 *
 * @module
 */
export { type D1Client, type D1Statement, d1Store, type SqlStore, type SqlStoreOptions } from "../src/stores/sqlite.ts";
export {
  type DurableObjectStoreOptions,
  durableObjectStore,
  type SessionObjectNamespace,
} from "./workers/durable-object-store.ts";
export { binding, type EnvSessions, sessionsFromEnv } from "./workers/env.ts";
export { type KvSessionStore, type KvStoreOptions, kvStore, type SessionKvNamespace } from "./workers/kv-store.ts";
export {
  SessionObject,
  type SessionObjectHandlers,
  type SessionObjectState,
  type SessionObjectStorage,
  sessionObject,
} from "./workers/session-object.ts";
