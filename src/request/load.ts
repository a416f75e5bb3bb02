/**
 * What `createSessions` does with one request: the session it came with, and what the response needs in the end.
 * Everything that the functions share is in the {@link Context}.
 */

import type { Backend } from "../backend.ts";
import { SessionError } from "../errors.ts";
import type { RequestLike } from "../http/cookie-options.ts";
import type { Additions } from "../http/response.ts";
import { type Awaitable, after, isPromise } from "../platform/awaitable.ts";
import type { Settings } from "../rules/options.ts";
import { newSession, type Session, stateOf } from "../session/session.ts";
import { isUntouched, type Loaded, type SessionState } from "../session/state.ts";

/** What one `createSessions` is made of. */
export interface Context {
  readonly settings: Settings;
  readonly backend: Backend;
}

/** The session of a request. */
export function load<Data extends object>(context: Context, request: RequestLike): Awaitable<Session<Data>> {
  const { settings } = context;
  const now = settings.clock();
  const cookie = settings.cookieOf(request);
  const found = find(context, request, cookie, now);
  return after(found, (loaded) => newSession<Data>(loaded, request, cookie, now, settings.codec));
}

function find(
  { settings, backend }: Context,
  request: RequestLike,
  cookie: SessionState["cookie"],
  now: number,
): Awaitable<Loaded> {
  return orElse(
    () => backend.find(request.headers.get("cookie"), cookie, now),
    (error) => unavailable(settings, error, now),
  );
}

/** A store that fails is an error, or by choice a session that is empty, takes no changes and leaves the cookie alone. */
function unavailable({ onStoreFailure }: Settings, error: unknown, now: number): Loaded {
  if (onStoreFailure === "throw" || !isStoreFailure(error)) throw error;
  const none = { handle: undefined, subject: undefined, authenticatedAt: undefined };
  return { status: "unavailable", data: {}, ...none, createdAt: now, expiresAt: now, persistent: false };
}

/** Stores what was done to a session, and closes it. */
export function commit(
  { settings, backend }: Context,
  session: Session<never> | object,
  deliverable: boolean,
): Awaitable<Additions> {
  const state = stateOf(session);
  if (state.closed) throw new SessionError("session_committed", "The session was committed already; commit it once");
  state.closed = true;
  const setCookie =
    state.loaded.status === "unavailable"
      ? []
      : orElse(
          () => backend.keep(state, deliverable),
          (error) => forgive(settings, state, error),
        );
  return after(setCookie, (lines) => ({ setCookie: lines, accessed: state.accessed }));
}

/** Only the touch failed. With `onStoreFailure: "anonymous"` that must not fail the request. */
function forgive({ onStoreFailure }: Settings, state: SessionState, error: unknown): [] {
  if (onStoreFailure === "anonymous" && isUntouched(state) && isStoreFailure(error)) return [];
  throw error;
}

/** The request is over. A write from now on would go nowhere, so it throws. */
export function close(session: object): void {
  stateOf(session).closed = true;
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

function isStoreFailure(error: unknown): boolean {
  return error instanceof SessionError && (error.code === "store_failed" || error.code === "store_timeout");
}
