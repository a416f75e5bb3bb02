/**
 * What `createSessions` does with one request: the session it came with, and what the response needs in the end.
 * Everything that the functions share is in the {@link Context}.
 */

import type { Backend } from "../backend.ts";
import { isStoreFailure, SessionError } from "../errors.ts";
import type { RequestLike } from "../http/cookie-options.ts";
import type { Additions } from "../http/response.ts";
import { type Awaitable, after, atOnce, isPromise } from "../platform/awaitable.ts";
import type { Settings } from "../rules/options.ts";
import { noData } from "../session/content.ts";
import { newSession, stateOf } from "../session/request-session.ts";
import type { Session } from "../session/session.ts";
import type { Loaded, SessionState } from "../session/state.ts";
import { foreignSession } from "./foreign.ts";
import { type Visit, type Visits, visitOf } from "./visit.ts";

/** What one `createSessions` is made of. */
export interface Context {
  readonly settings: Settings;
  readonly backend: Backend;
  readonly visits: Visits;
}

/** The session of a request: the one that it has already, or the one that its cookie proves. */
export function load(context: Context, request: RequestLike): Awaitable<Session> {
  return open(context, arrive(context, request));
}

/** From here on the request has at most one session. */
export function arrive({ visits, settings }: Context, request: RequestLike): Visit {
  if (typeof request?.headers?.get !== "function") {
    throw new TypeError(
      "A session is loaded from a Request or { url, headers } with headers.get(); of node:http write requestOf(request)",
    );
  }
  return visitOf(visits, request, settings.clock);
}

/** The session of a visit, read once. A read that failed may be tried again. */
export function open(context: Context, visit: Visit): Awaitable<Session> {
  if (visit.session !== undefined) return visit.session;
  const { settings } = context;
  const { request, arrivedAt } = visit;
  const cookie = settings.cookieOf(request);
  const keepsAlive = settings.keepAlive === undefined || atOnce("keepAlive", settings.keepAlive(request));
  const found = foreignSession(settings, request, arrivedAt) ?? find(context, request, cookie, arrivedAt);
  const begin = (loaded: Loaded): Session => {
    const session = newSession(loaded, request, cookie, arrivedAt, keepsAlive, settings);
    visit.session = session;
    return session;
  };
  if (!isPromise(found)) return begin(found);
  visit.session = found.then(begin, (error) => {
    visit.session = undefined;
    throw error;
  });
  return visit.session;
}

function find(
  { settings, backend }: Context,
  request: RequestLike,
  cookie: SessionState["cookie"],
  now: number,
): Awaitable<Loaded> {
  try {
    const found = backend.find(request.headers.get("cookie"), cookie, now);
    return isPromise(found) ? found.catch((error) => unavailable(settings, error, now)) : found;
  } catch (error) {
    return unavailable(settings, error, now);
  }
}

/**
 * A store that fails is an error, or by choice a session that is empty, takes no changes and leaves the cookie alone.
 */
function unavailable({ onStoreFailure, shape }: Settings, error: unknown, now: number): Loaded {
  if (onStoreFailure === "throw" || !isStoreFailure(error)) throw error;
  return { status: "unavailable", ...noData(shape), createdAt: now, expiresAt: now, persistent: false };
}

/** The session of the same request as it is stored by now, which takes changes whatever became of the first. */
export async function reload<Data extends object>(context: Context, session: object): Promise<Session<Data>> {
  const { backend, settings } = context;
  const state = stateOf(session);
  await state.saving?.catch(() => {});
  const now = settings.clock();
  const { request, cookie, keepsAlive } = state;
  const loaded = backend.reload ? await backend.reload(state) : await find(context, request, cookie, now);
  return newSession(loaded, request, cookie, now, keepsAlive, settings) as unknown as Session<Data>;
}

/**
 * {@link open} for a request that is served: it is a sign of life, so its session must not reach the idle limit while
 * it takes its time.
 */
export function openAlive(context: Context, visit: Visit): Awaitable<Session> {
  const session = open(context, visit);
  return isPromise(session) ? session.then((opened) => keptAlive(context, opened)) : keptAlive(context, session);
}

function keptAlive({ backend }: Context, session: Session): Session {
  const state = stateOf(session);
  if (state.loaded.status === "live" && !state.closed) backend.keepAlive?.(state);
  return session;
}

/** Stores what was done to a session, and closes it. */
export function commit(
  { backend }: Context,
  session: Session<never> | object,
  deliverable: boolean,
): Awaitable<Additions> {
  const state = stateOf(session);
  if (state.closed) {
    if (state.answered) return state.answered;
    throw new SessionError("session_committed", "The session was committed already; commit it once");
  }
  state.closed = true;
  if (state.loaded.status === "unavailable" || state.loaded.status === "foreign")
    return { setCookie: [], accessed: state.accessed };
  const lines =
    state.saving === undefined
      ? backend.keep(state, deliverable)
      : state.saving.catch(() => {}).then(() => backend.keep(state, deliverable));
  return after(lines, (now) => {
    const { accessed, loaded, unsent } = state;
    const setCookie = now.length > 0 ? now : unsent;
    return { setCookie, accessed, unread: !accessed && loaded.status === "live" ? state : undefined };
  });
}

/** The request is over. A write from now on would go nowhere, so it throws. */
export function close(session: object): void {
  stateOf(session).closed = true;
}
