import { checkRuntime } from "#platform";
import type { Backend, BackendSource, CreateBackend, SessionInfo } from "./backend.ts";
import type { RequestLike } from "./http/cookie-options.ts";
import { type HeadersLike, headersOf, merge, type SessionHeaders } from "./http/response.ts";
import { type Awaitable, after } from "./platform/awaitable.ts";
import { arrive, type Context, commit, load, openAlive, reload } from "./request/load.ts";
import { save } from "./request/save.ts";
import { createVisits } from "./request/visit.ts";
import { serve, serveLazily, type WrapOptions, wrapped } from "./request/wrap.ts";
import { resolveOptions, type SessionOptions, type Settings } from "./rules/options.ts";
import type { SchemaOutput, StableSchema, StandardSchema } from "./session/schema.ts";
import type { Session } from "./session/session.ts";
import type { SessionStore } from "./store.ts";
import { createServerBackend } from "./stored/backend.ts";
import { memoryStore } from "./stores/memory.ts";

/** Options of {@link createSessions}. */
export interface SessionsOptions extends SessionOptions {
  /** Where sessions are kept. Default `memoryStore()`: one process, lost with it. */
  store?: SessionStore | BackendSource;
}

/** The option that gives the data of sessions a shape. */
export interface SchemaOptions<Schema extends StandardSchema = StandardSchema> {
  /**
   * A Standard Schema, such as `z.object({ … })`. The type of the data follows from it. Stored data is validated when
   * it is read, once for each text, and as a whole before it is written. An empty session must fit: make each key
   * optional or give it a default. What the schema gives it must also take.
   */
  schema: Schema & StableSchema<Schema>;
}

/** Sessions for one application: made once, shared by all requests. */
export interface Sessions<Data extends object = Record<string, unknown>> {
  /**
   * Wraps a fetch handler: load, run, commit, answer. Platform arguments pass through, typed. Changes are saved before
   * the response is returned, whatever its status; when the handler throws nothing is saved and the error goes on,
   * unless `keepOn` says otherwise. The answer is there at once where handler and store answer at once; an error is
   * always a rejected promise. Inside another `wrap` of the same request it shares the session of that one, which
   * commits.
   * @throws TypeError for a handler that is no function
   * @throws SessionError `store_failed`, `store_timeout`, `session_conflict`, `cookie_undeliverable`,
   * `value_not_storable`, `data_invalid`
   */
  wrap<Req extends Request, Args extends unknown[]>(
    handler: (request: Req, session: Session<Data>, ...args: Args) => Response | Promise<Response>,
    options?: WrapOptions<Req, Args>,
  ): (request: Req, ...args: Args) => Awaitable<Response>;
  /**
   * As {@link Sessions.wrap}, but nothing is read until the handler asks: `const session = await open()`. After the
   * response was returned `open` gives a session that can be read and not changed.
   */
  wrapLazy<Req extends Request, Args extends unknown[]>(
    handler: (request: Req, open: () => Promise<Session<Data>>, ...args: Args) => Response | Promise<Response>,
    options?: WrapOptions<Req, Args>,
  ): (request: Req, ...args: Args) => Promise<Response>;
  /**
   * The session of a request. With {@link Sessions.commit} all that an adapter needs. A malformed, unknown or expired
   * cookie is no session, not an error. A request has one session: until it is committed, all who load it get the same.
   * @throws TypeError for what is no request
   * @throws SessionError `store_failed`, `store_timeout`; `foreign_request` under `crossOrigin: { answer: "refuse" }`
   */
  load(request: RequestLike): Promise<Session<Data>>;
  /**
   * Stores what was done to a session, once, and returns the headers to add with `addSessionHeaders`: Set-Cookie, Vary,
   * Cache-Control; often none. Without `deliverable` (default true) no cookie can be sent any more: a commit that needs
   * one throws `cookie_undeliverable` before anything is written.
   */
  commit(session: Session<Data>, options?: { deliverable?: boolean }): Promise<Headers>;
  /**
   * Stores what was done to a session so far and leaves it open: in a long handler, in the events of a socket. Returns
   * the headers to send if there is a response to send them with; the commit sends them again if there is one. A sealed
   * session is its cookie: it is kept when the browser gets these headers. What is done afterwards takes a commit, or
   * another save. Without `deliverable` (default true) as in {@link Sessions.commit}.
   * @throws SessionError as {@link Sessions.commit}
   */
  save(session: Session<Data>, options?: { deliverable?: boolean }): Promise<Headers>;
  /**
   * The session of the same request as it is stored by now, for the events of a socket: another object, which takes
   * changes for {@link Sessions.save} or {@link Sessions.commit}, whatever became of the first. `isNew` if the session
   * has ended.
   * @throws SessionError `store_failed`, `store_timeout`
   */
  reload(session: Session<Data>): Promise<Session<Data>>;
  /**
   * {@link Sessions.load} without a promise where the store answers without one, for adapters that can go on at once.
   * The request is served, which is a sign of life: an idle limit that is due is moved meanwhile, as by `wrap`. What
   * fails then is thrown rather than rejected.
   * @throws SessionError `store_failed`, `store_timeout`
   */
  loadFrom(request: RequestLike): Awaitable<Session<Data>>;
  /**
   * {@link Sessions.commit} and `addSessionHeaders` in one, without a promise where the store answers without one:
   * stores what was done to a session, and merges what the response needs into `headers`; nothing without
   * `deliverable`. Into `sessionHeaders()` where the headers of the response may still change. What fails at once is
   * thrown.
   * @throws SessionError `store_failed`, `store_timeout`, `session_conflict`, `cookie_undeliverable`,
   * `session_committed`
   * @throws TypeError when the headers are immutable; the changes are stored by then
   */
  commitTo(
    session: Session<Data>,
    headers: HeadersLike | SessionHeaders,
    options?: { deliverable?: boolean },
  ): Awaitable<void>;
  /**
   * A user's live sessions, the latest sign-in first; the one of the handle `current` is marked.
   * @throws SessionError `not_supported` when the store has no index
   */
  list(subject: string, options?: { current?: string | undefined }): Promise<SessionInfo[]>;
  /**
   * Ends the session of a handle, if it is one of this user's. True if there was one.
   * @throws SessionError `not_supported` when the store has no index
   * @throws TypeError when `subject` is not a user's id, or `handle` not a string
   */
  revoke(subject: string, handle: string): Promise<boolean>;
  /**
   * Ends all of a user's sessions but the one of the handle `except`, and returns how many. Call it when a password
   * changes (ASVS 7.4.3).
   */
  revokeAll(subject: string, options?: { except?: string | undefined }): Promise<number>;
  /** Drops expired records now, where the store does not do it by itself. Returns how many. */
  sweep(): Promise<number>;
}

/**
 * Makes sessions. Every option has a safe default.
 *
 * @throws TypeError, RangeError for options that cannot work, with what to write instead
 * @example
 * ```ts
 * const sessions = createSessions<{ cart: string[] }>();
 * export default {
 *   fetch: sessions.wrap((request, session) => {
 *     session.update("cart", (cart = []) => [...cart, "book"]);
 *     return Response.json({ cart: session.get("cart") });
 *   }),
 * };
 * ```
 */
export function createSessions<Schema extends StandardSchema>(
  options: SessionsOptions & SchemaOptions<Schema>,
): Sessions<SchemaOutput<Schema>>;
/** Without a schema, data has the type that is named, and nothing is validated. */
export function createSessions<Data extends object = Record<string, unknown>>(
  options?: SessionsOptions & { schema?: undefined },
): Sessions<Data>;
export function createSessions<Data extends object>(
  options: SessionsOptions & { schema?: StandardSchema | undefined } = {},
): Sessions<Data> {
  checkRuntime();
  const settings = resolveOptions(options);
  const context: Context = { settings, backend: resolveBackend(options, settings), visits: createVisits() };
  const { backend } = context;
  const sessions: Sessions = {
    wrap: (handler, options = {}) => {
      const call = wrapped("wrap", context, handler, options);
      return (request, ...args) => serve(call, request, args);
    },
    wrapLazy: (handler, options = {}) => {
      const call = wrapped("wrapLazy", context, handler, options);
      return (request, ...args) => serveLazily(call, request, args);
    },
    load: async (request) => load(context, request),
    loadFrom: (request) => openAlive(context, arrive(context, request)),
    commit: async (session, { deliverable = true } = {}) => headersOf(await commit(context, session, deliverable)),
    reload: async (session) => reload(context, session),
    save: async (session, { deliverable = true } = {}) => headersOf(await save(context, session, deliverable)),
    commitTo: (session, headers, { deliverable = true } = {}) =>
      after(commit(context, session, deliverable), (additions) => {
        if (deliverable) merge(headers, additions);
      }),
    list: async (subject, { current } = {}) => backend.list(subject, current),
    revoke: async (subject, handle) => backend.revoke(subject, handle),
    revokeAll: async (subject, { except } = {}) => backend.revokeAll(subject, except),
    sweep: async () => backend.sweep(),
  };
  return sessions as unknown as Sessions<Data>;
}

function resolveBackend(options: SessionsOptions, settings: Settings): Backend {
  const { store = memoryStore({ clock: settings.clock }) } = options;
  return typeof store === "object" && store !== null && "createBackend" in store
    ? (store.createBackend as CreateBackend)(settings)
    : createServerBackend(store, settings);
}
