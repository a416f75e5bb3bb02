import { canCarryCookie, headersOf, isExposed, withAdditions } from "../http/response.ts";
import { known, must } from "../option-checks.ts";
import { type Awaitable, after, atOnce, isPromise } from "../platform/awaitable.ts";
import { stateOf } from "../session/request-session.ts";
import type { Session } from "../session/session.ts";
import { refusalOf } from "./foreign.ts";
import { arrive, type Context, close, commit, open, openAlive } from "./load.ts";
import type { Visit } from "./visit.ts";

/** Options of `wrap` and `wrapLazy`. */
export interface WrapOptions<Req extends Request = Request, Args extends unknown[] = unknown[]> {
  /**
   * Whether what the handler threw is an answer, such as a framework's redirect, rather than a failure. The session is
   * committed then, and what was thrown goes on: a `Response` as a copy with the session's headers, an error with
   * `getResponse()` (Hono's `HTTPException`) so that its response has them. Default: nothing that is thrown is kept.
   */
  keepOn?: (thrown: unknown) => boolean;
  /**
   * Gets the headers of that commit before what was thrown goes on, for frameworks that take cookies elsewhere; see
   * `sessionCookies`. Without it, what is thrown without a response cannot carry a cookie either, and a commit that
   * needs one fails with `cookie_undeliverable`.
   */
  deliver?: (headers: Headers, thrown: unknown, request: Req, ...args: Args) => void | Promise<void>;
}

/** What `wrap` and `wrapLazy` were given, checked. */
export interface Wrapped {
  readonly context: Context;
  readonly handler: (request: Request, session: unknown, ...args: unknown[]) => Awaitable<Response>;
  readonly options: WrapOptions;
}

/** Checks what `wrap` or `wrapLazy` was given. Its types are those of the caller's handler. */
export function wrapped(name: string, context: Context, handler: unknown, options: unknown): Wrapped {
  must(typeof handler === "function", `The handler of ${name}`, handler, "a function");
  known(`The options of ${name}`, options, ["keepOn", "deliver"]);
  const { keepOn, deliver } = options as WrapOptions;
  for (const [option, value] of Object.entries({ keepOn, deliver }))
    must(/function|undefined/.test(typeof value), option, value, "a function");
  return { context, handler: handler as Wrapped["handler"], options: options as WrapOptions };
}

/**
 * Load, run the handler, commit, answer. At once, where store and handler answer at once: a promise takes 8 % of a
 * request on Node's server. What fails is a rejected promise always.
 */
export function serve(wrapped: Wrapped, request: Request, args: readonly unknown[]): Awaitable<Response> {
  const { context, handler } = wrapped;
  try {
    const visit = arrive(context, request);
    // The outermost commits; its session is this one's
    if (visit.held) return after(open(context, visit), (session) => handler(request, session, ...args));
    const refusal = refusalOf(context.settings, request);
    if (refusal) return refusal;
    hold(visit, request);
    return openFirst(wrapped, visit, args);
  } catch (error) {
    return Promise.reject(error);
  }
}

/** The outermost `wrap` of a request, which commits. Middleware may have loaded the session for another object. */
function hold(visit: Visit, request: Request): void {
  visit.request = request;
  visit.held = true;
  visit.joined = visit.session !== undefined;
}

function openFirst(wrapped: Wrapped, visit: Visit, args: readonly unknown[]): Awaitable<Response> {
  let session: Awaitable<Session>;
  try {
    session = openAlive(wrapped.context, visit);
  } catch (error) {
    visit.over = true;
    throw error;
  }
  if (!isPromise(session)) return answer(wrapped, visit, session, args);
  return session.then(
    (loaded) => answer(wrapped, visit, loaded, args),
    (error) => {
      visit.over = true;
      throw error;
    },
  );
}

function answer(wrapped: Wrapped, visit: Visit, session: Session, args: readonly unknown[]): Awaitable<Response> {
  const { context, handler } = wrapped;
  let response: Awaitable<Response>;
  try {
    response = handler(visit.request as Request, session, ...args);
  } catch (thrown) {
    return rethrow(wrapped, visit, session, thrown, args);
  }
  if (isPromise(response)) return answerLater(wrapped, visit, session, response, args);
  try {
    return finish(context, visit, session, response);
  } catch (error) {
    return Promise.reject(error);
  }
}

async function answerLater(
  wrapped: Wrapped,
  visit: Visit,
  session: Session,
  answering: Promise<Response>,
  args: readonly unknown[],
): Promise<Response> {
  let response: Response;
  try {
    response = await answering;
  } catch (thrown) {
    return rethrow(wrapped, visit, session, thrown, args);
  }
  return finish(wrapped.context, visit, session, response);
}

/** Commits, and puts on the response what it needs. */
function finish(context: Context, visit: Visit, session: Session, response: Response): Awaitable<Response> {
  const additions = commit(context, session, canCarryCookie(response));
  if (visit.joined) stateOf(session).answered = additions;
  return isPromise(additions)
    ? additions.then((those) => withAdditions(response, those))
    : withAdditions(response, additions);
}

/** As {@link serve}, but nothing is read until the handler asks. */
export async function serveLazily(wrapped: Wrapped, request: Request, args: readonly unknown[]): Promise<Response> {
  const { context, handler } = wrapped;
  const visit = arrive(context, request);
  const ask = () => openLazily(context, visit);
  if (visit.held) return handler(request, ask, ...args);
  const refusal = refusalOf(context.settings, request);
  if (refusal) return refusal;
  hold(visit, request);
  let response: Response;
  try {
    response = await handler(request, ask, ...args);
  } catch (thrown) {
    const session = await opened(visit);
    visit.over = true;
    if (session === undefined) throw thrown;
    return rethrow(wrapped, visit, session, thrown, args);
  }
  const session = await opened(visit);
  visit.over = true;
  if (session !== undefined) return finish(context, visit, session, response);
  visit.exposed = canCarryCookie(response) && isExposed(response.headers);
  return response;
}

/** The session that a lazy handler opened. A load that failed was the handler's to deal with. */
async function opened(visit: Visit): Promise<Session | undefined> {
  try {
    return await visit.session;
  } catch {
    return undefined;
  }
}

/** After the response was returned the session can still be read, but is closed: nobody would commit it. */
function openLazily(context: Context, visit: Visit): Promise<Session> {
  const opening = (async () => {
    const session = await openAlive(context, visit);
    if (visit.over) {
      const state = stateOf(session);
      state.exposed ||= !state.closed && visit.exposed && state.loaded.status === "live";
      state.closed = true;
    }
    return session;
  })();
  opening.catch(() => {}); // who awaits it later shall get the error, and until then it is no unhandled rejection
  return opening;
}

/**
 * The end of a request whose handler threw: nothing is stored, unless `keepOn` says that what it threw is an answer.
 */
async function rethrow(
  { context, options }: Wrapped,
  visit: Visit,
  session: Session,
  thrown: unknown,
  args: readonly unknown[],
): Promise<never> {
  const { keepOn, deliver } = options;
  let kept = false;
  try {
    kept = keepOn !== undefined && atOnce("keepOn", keepOn(thrown));
  } finally {
    if (!kept) {
      close(session);
      if (visit.joined) stateOf(session).answered = { setCookie: [], accessed: false };
    }
  }
  if (!kept) throw thrown;
  const response = deliver ? undefined : responseOf(thrown);
  const committing = commit(context, session, deliver !== undefined || canCarryCookie(response));
  if (visit.joined) stateOf(session).answered = committing;
  const additions = await committing;
  await deliver?.(headersOf(additions), thrown, visit.request as Request, ...args);
  throw response === undefined ? thrown : carrying(thrown, response, withAdditions(response, additions));
}

type WithResponse = { getResponse(): Response };

/** The response that a thrown thing is or gives. Told by what it can do: it may be of another realm or a polyfill. */
function responseOf(thrown: unknown): Response | undefined {
  const { clone, headers, getResponse } = Object(thrown) as Partial<Response & WithResponse>;
  if (typeof clone === "function" && headers !== undefined) return thrown as Response;
  return typeof getResponse === "function" ? (thrown as WithResponse).getResponse() : undefined;
}

/** What was thrown, with `answer` in place of its response. Itself stays as it is: it may be a constant. */
function carrying(thrown: unknown, response: Response, answer: Response): unknown {
  if (thrown === response) return answer;
  return Object.create(thrown as object, { getResponse: { value: () => answer } });
}
