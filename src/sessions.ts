import type { Backend, BackendSource, CreateBackend, SessionInfo } from "./backend.ts";
import { SessionError } from "./errors.ts";
import type { RequestLike } from "./http/cookie-options.ts";
import { type Additions, canCarryCookie, type HeadersLike, headersOf, merge, withAdditions } from "./http/response.ts";
import type { Awaitable } from "./platform/awaitable.ts";
import { after, isPromise } from "./platform/awaitable.ts";
import { resolveOptions, type SessionOptions, type Settings } from "./rules/options.ts";
import { newSession, type Session, stateOf } from "./session/session.ts";
import { isUntouched, type Loaded } from "./session/state.ts";
import type { SessionStore } from "./store.ts";
import { createServerBackend } from "./stored/backend.ts";
import { memoryStore } from "./stores/memory.ts";

/** Options of {@link createSessions}. */
export interface SessionsOptions extends SessionOptions {
  /** Where sessions are kept. Default `memoryStore()`: one process, lost with it. */
  store?: SessionStore | BackendSource;
}

/** Sessions for one application: made once, shared by all requests. */
export interface Sessions<Data extends object = Record<string, unknown>> {
  /**
   * Wraps a fetch handler: load, run, commit, answer. Platform arguments pass through, typed. Changes are saved before
   * the response is returned, whatever its status; when the handler throws nothing is saved and the error goes on. The
   * answer is there at once where handler and store answer at once; an error is always a rejected promise.
   * @throws SessionError `store_failed`, `store_timeout`, `session_conflict`, `cookie_undeliverable`,
   * `value_not_storable`
   */
  wrap<Args extends unknown[]>(
    handler: (request: Request, session: Session<Data>, ...args: Args) => Response | Promise<Response>,
  ): (request: Request, ...args: Args) => Awaitable<Response>;
  /** As {@link Sessions.wrap}, but nothing is read until the handler asks: `const session = await open()`. */
  wrapLazy<Args extends unknown[]>(
    handler: (request: Request, open: () => Promise<Session<Data>>, ...args: Args) => Response | Promise<Response>,
  ): (request: Request, ...args: Args) => Promise<Response>;
  /**
   * The session of a request. With {@link Sessions.commit} all that an adapter needs. A malformed, unknown or expired
   * cookie is no session, not an error.
   */
  load(request: RequestLike): Promise<Session<Data>>;
  /**
   * Stores what was done to a session, once, and returns the headers to add with `addSessionHeaders`: Set-Cookie, Vary,
   * Cache-Control; often none. Without `deliverable` (default true) no cookie can be sent any more: a commit that needs
   * one throws `cookie_undeliverable` before anything is written.
   */
  commit(session: Session<Data>, options?: { deliverable?: boolean }): Promise<Headers>;
  /**
   * {@link Sessions.load} without a promise where the store answers without one, for adapters that can go on at once.
   * What fails then is thrown rather than rejected.
   * @throws SessionError `store_failed`, `store_timeout`
   */
  loadFrom(request: RequestLike): Awaitable<Session<Data>>;
  /**
   * {@link Sessions.commit} and `addSessionHeaders` in one, without a promise where the store answers without one:
   * stores what was done to a session, and merges what the response needs into `headers`; nothing without
   * `deliverable`. What fails at once is thrown.
   * @throws SessionError `store_failed`, `store_timeout`, `session_conflict`, `cookie_undeliverable`,
   * `session_committed`
   * @throws TypeError when the headers are immutable; the changes are stored by then
   */
  commitTo(session: Session<Data>, headers: HeadersLike, options?: { deliverable?: boolean }): Awaitable<void>;
  /**
   * A user's live sessions, the latest sign-in first; the one of the handle `current` is marked.
   * @throws SessionError `not_supported` when the store has no index
   */
  list(subject: string, options?: { current?: string | undefined }): Promise<SessionInfo[]>;
  /**
   * Ends the session of a handle, also if it has rotated since. True if there was one. The caller must know that the
   * handle is the user's own.
   */
  revoke(handle: string): Promise<boolean>;
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
export function createSessions<Data extends object = Record<string, unknown>>(
  options: SessionsOptions = {},
): Sessions<Data> {
  const settings = resolveOptions(options);
  const backend = resolveBackend(options, settings);

  function load(request: RequestLike): Awaitable<Session<Data>> {
    const now = settings.clock();
    const cookie = settings.cookieOf(request);
    const found = orElse(
      () => backend.find(request.headers.get("cookie"), cookie, now),
      (error) => unavailable(error, now),
    );
    return after(found, (loaded) => newSession<Data>(loaded, request, cookie, now, settings.codec));
  }

  /**
   * A store that fails is an error, or by choice a session that is empty, takes no changes and leaves the cookie alone.
   */
  function unavailable(error: unknown, now: number): Loaded {
    if (settings.onStoreFailure === "throw" || !isStoreFailure(error)) throw error;
    const none = { handle: undefined, subject: undefined, authenticatedAt: undefined };
    return { status: "unavailable", data: {}, ...none, createdAt: now, expiresAt: now, persistent: false };
  }

  function commit(session: Session<Data>, deliverable: boolean): Awaitable<Additions> {
    const state = stateOf(session);
    if (state.closed) throw new SessionError("session_committed", "The session was committed already; commit it once");
    state.closed = true;
    const setCookie =
      state.loaded.status === "unavailable" ? [] : orElse(() => backend.keep(state, deliverable), forgive);
    return after(setCookie, (lines) => ({ setCookie: lines, accessed: state.accessed }));

    /** Only the expiry did not move: who chose to go on without a store does not want the response refused for that. */
    function forgive(error: unknown): [] {
      if (settings.onStoreFailure === "anonymous" && isUntouched(state) && isStoreFailure(error)) return [];
      throw error;
    }
  }

  /**
   * Handler and commit at once, where both are: a promise takes 8 % of a request on Node's server. What fails is a
   * rejected promise always.
   */
  function answer(
    session: Session<Data>,
    respond: (session: Session<Data>) => Awaitable<Response>,
  ): Awaitable<Response> {
    try {
      const response = respond(session);
      if (isPromise(response)) return answerLater(session, response);
      const additions = commit(session, canCarryCookie(response));
      return isPromise(additions) ? answerLater(session, response, additions) : withAdditions(response, additions);
    } catch (error) {
      close(session);
      return Promise.reject(error);
    }
  }

  async function answerLater(
    session: Session<Data>,
    answering: Awaitable<Response>,
    committing?: Promise<Additions>,
  ): Promise<Response> {
    try {
      const response = await answering;
      return withAdditions(response, await (committing ?? commit(session, canCarryCookie(response))));
    } catch (error) {
      close(session);
      throw error;
    }
  }

  return {
    wrap: (handler) =>
      function fetch(request, ...args) {
        const respond = (session: Session<Data>): Awaitable<Response> => handler(request, session, ...args);
        try {
          return after(load(request), (session) => answer(session, respond));
        } catch (error) {
          return Promise.reject(error);
        }
      },
    wrapLazy: (handler) =>
      async function fetch(request, ...args) {
        let opened: Promise<Session<Data>> | undefined;
        const open = () => (opened ??= (async () => load(request))());
        try {
          const response = await handler(request, open, ...args);
          // A load that failed was the handler's to deal with
          const session = await opened?.catch(() => undefined);
          return session ? withAdditions(response, await commit(session, canCarryCookie(response))) : response;
        } catch (error) {
          opened?.then(close, () => {});
          throw error;
        }
      },
    load: async (request) => load(request),
    loadFrom: load,
    commit: async (session, { deliverable = true } = {}) => headersOf(await commit(session, deliverable)),
    commitTo: (session, headers, { deliverable = true } = {}) =>
      after(commit(session, deliverable), (additions) => {
        if (deliverable) merge(headers, additions);
      }),
    list: async (subject, { current } = {}) => backend.list(subject, current),
    revoke: async (handle) => backend.revoke(handle),
    revokeAll: async (subject, { except } = {}) => backend.revokeAll(subject, except),
    sweep: async () => backend.sweep(),
  };
}

function resolveBackend(options: SessionsOptions, settings: Settings): Backend {
  const { store = memoryStore({ clock: settings.clock }) } = options;
  return typeof store === "object" && store !== null && "createBackend" in store
    ? (store.createBackend as CreateBackend)(settings)
    : createServerBackend(store, settings);
}

/** `try`/`catch` for what may be synchronous or a promise. */
function orElse<T, U>(attempt: () => Awaitable<T>, otherwise: (error: unknown) => U): Awaitable<T | U> {
  try {
    const result = attempt();
    return isPromise(result) ? result.catch(otherwise) : result;
  } catch (error) {
    return otherwise(error);
  }
}

/** The request is over: a write from now on throws, for it would go nowhere. */
function close(session: object): void {
  stateOf(session).closed = true;
}

function isStoreFailure(error: unknown): boolean {
  return error instanceof SessionError && (error.code === "store_failed" || error.code === "store_timeout");
}
