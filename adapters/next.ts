/**
 * Sessions in the App Router of Next: {@link nextSession} gives server components, server actions, route handlers and
 * the proxy the session of their request.
 *
 * @module
 */
import { canCarryCookie, type Session, type Sessions, sessionCookies, withSessionHeaders } from "../src/index.ts";
import { goesOn, next, passedOn } from "./next/passed-on.ts";
import { type IncomingHeaders, isRequest, type NextHeaders, requestFrom } from "./next/request.ts";
import { fallbackStatus, isAnswer, isRedirect } from "./next/thrown.ts";
import { isSessionError } from "./shared/session-error.ts";

export type { CookieJar, IncomingHeaders, NextHeaders } from "./next/request.ts";

/** A session that can be read. */
export type PageSession<Data extends object = Record<string, unknown>> = Pick<
  Session<Data>,
  "isNew" | "handle" | "subject" | "createdAt" | "expiresAt" | "authenticatedAt" | "get" | "has" | "all"
>;

/** What {@link nextSession} makes. */
export interface NextSession<Data extends object = Record<string, unknown>> {
  /**
   * The session of the request, to read: in server components, and in whatever a component or an action calls. Loaded
   * once for each request, which counts as a sign of life. Within {@link NextSession.withSession}, and in the page that
   * is rendered after an action, it is what the action made of it.
   * @throws SessionError `store_failed`, `store_timeout`
   */
  getSession(): Promise<PageSession<Data>>;
  /**
   * Changes the session in a server component: a message that is shown once, a counter. Only where no cookie is needed,
   * since a component cannot set one: a sign-in, or the first value of a visitor, belongs into an action. Next may
   * render a page without showing it, for a link that is prefetched in full.
   * @throws SessionError as `commit`; `cookie_undeliverable` where a cookie is needed
   */
  editSession<Result>(edit: (session: Session<Data>) => Result | Promise<Result>): Promise<Result>;
  /**
   * Gives a server action, a route handler, or the proxy its session, before its other arguments. What it does is saved
   * before anything is sent, also where it ends in Next's `redirect()`, `notFound()`, `forbidden()` or
   * `unauthorized()`; if it throws anything else nothing is. Called within another one, it shares the session of that
   * one, which saves. A proxy that returns nothing lets the request go on. A write in a route handler or proxy that
   * another origin asked for is answered with 403.
   * @throws SessionError as `load` and `commit`
   */
  withSession<Args extends unknown[], Result>(
    action: (session: Session<Data>, ...args: Args) => Result | Promise<Result>,
  ): (...args: Args) => Promise<Result>;
}

/**
 * Sessions for the App Router.
 *
 * @param sessions What `createSessions()` returned. Next evaluates modules several times: give it a store outside the
 * process, or `memoryStore({ shared: "sessions" })`.
 * @param headers The functions of `next/headers`.
 * @throws TypeError when they are not
 * @example
 * ```ts
 * import { cookies, headers } from "next/headers";
 *
 * const sessions = createSessions<{ flash: string }>({ store: memoryStore({ shared: "sessions" }) });
 * export const { getSession, editSession, withSession } = nextSession(sessions, { cookies, headers });
 * ```
 */
export function nextSession<Data extends object>(sessions: Sessions<Data>, headers: NextHeaders): NextSession<Data> {
  if (typeof headers?.cookies !== "function" || typeof headers.headers !== "function")
    throw new TypeError(
      'nextSession takes the functions of "next/headers": nextSession(sessions, { cookies, headers })',
    );
  const context: Context<Data> = { sessions, next: headers, underWay: new WeakMap(), seen: new WeakMap() };
  return {
    getSession: () => look(context),
    editSession: (edit) => change(context, edit),
    withSession:
      (action) =>
      async (...args) => {
        const incoming = await headers.headers();
        const outer = context.underWay.get(incoming);
        if (outer) return action(outer, ...args);
        const run = { incoming, call: async (session: Session<Data>) => action(session, ...args) };
        const [request] = args;
        // What a proxy or route handler returns is a Response; so is what it gets in place of it
        return isRequest(request) ? ((await answer(context, run, request)) as never) : act(context, run);
      },
  };
}

interface Context<Data extends object> {
  readonly sessions: Sessions<Data>;
  readonly next: NextHeaders;
  /** The session that a `withSession` works with, by the headers of the request. */
  readonly underWay: WeakMap<IncomingHeaders, Session<Data>>;
  /** The session that components of the request see. */
  readonly seen: WeakMap<IncomingHeaders, Promise<Session<Data>>>;
}

/** One call of what was given to `withSession`. */
interface Run<Data extends object, Result> {
  readonly incoming: IncomingHeaders;
  readonly call: (session: Session<Data>) => Promise<Result>;
}

async function look<Data extends object>(context: Context<Data>): Promise<Session<Data>> {
  const incoming = await context.next.headers();
  const { underWay, seen } = context;
  const known = underWay.get(incoming) ?? seen.get(incoming);
  if (known) return known;
  const looking = loadFor(context, incoming).then(async (session) => {
    await context.sessions.commit(session, { deliverable: false });
    return session;
  });
  seen.set(incoming, looking);
  looking.catch(() => seen.delete(incoming));
  return looking;
}

async function change<Data extends object, Result>(
  context: Context<Data>,
  edit: (session: Session<Data>) => Result | Promise<Result>,
): Promise<Result> {
  const { sessions, next, underWay, seen } = context;
  const incoming = await next.headers();
  const outer = underWay.get(incoming);
  if (outer) return edit(outer);
  const session = await loadFor(context, incoming);
  const result = await edit(session);
  await sessions.commit(session, { deliverable: false });
  seen.set(incoming, Promise.resolve(session));
  return result;
}

/** A server action: always a POST, and its cookies go into Next's jar. */
async function act<Data extends object, Result>(
  context: Context<Data>,
  { incoming, call }: Run<Data, Result>,
): Promise<Result> {
  const { underWay } = context;
  const session = await loadFor(context, incoming, "POST");
  underWay.set(incoming, session);
  try {
    const result = await call(session);
    await saveToJar(context, incoming, session);
    return result;
  } catch (thrown) {
    if (isAnswer(thrown)) await saveToJar(context, incoming, session);
    throw thrown;
  } finally {
    underWay.delete(incoming);
  }
}

/** A route handler or the proxy: with a request and a response. */
async function answer<Data extends object, Result>(
  context: Context<Data>,
  { incoming, call }: Run<Data, Result>,
  request: Request,
): Promise<Response> {
  const { sessions, underWay } = context;
  try {
    const session = await sessions.loadFrom(request);
    underWay.set(incoming, session);
    const response = await call(session).then(
      (result) => (result as Response | undefined) ?? next(),
      async (thrown) => {
        // Next makes the response of a redirect, with the cookies of its jar; that of the others gets none
        if (isRedirect(thrown)) await saveToJar(context, incoming, session);
        const status = fallbackStatus(thrown);
        if (status === undefined) throw thrown;
        return new Response(null, { status });
      },
    );
    const additions = await sessions.commit(session, { deliverable: canCarryCookie(response) });
    return goesOn(response) ? passedOn(response, request, additions) : withSessionHeaders(response, additions);
  } catch (error) {
    if (isSessionError(error, "foreign_request")) return refusal();
    throw error;
  } finally {
    underWay.delete(incoming);
  }
}

async function loadFor<Data extends object>(
  { sessions, next }: Context<Data>,
  incoming: IncomingHeaders,
  method?: string,
): Promise<Session<Data>> {
  return sessions.loadFrom(requestFrom(incoming, await next.cookies(), method));
}

/** Saves where Next itself makes the response. The page that is rendered with it sees what was made of the session. */
async function saveToJar<Data extends object>(
  { sessions, next, seen }: Context<Data>,
  incoming: IncomingHeaders,
  session: Session<Data>,
): Promise<void> {
  const jar = await next.cookies();
  for (const { name, value, ...options } of sessionCookies(await sessions.commit(session)))
    jar.set(name, value, options);
  seen.set(incoming, Promise.resolve(session));
}

function refusal(): Response {
  const headers = { "content-type": "text/plain;charset=UTF-8", "cache-control": "no-store" };
  return new Response("Forbidden: this request comes from another origin", { status: 403, headers });
}
