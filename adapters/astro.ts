// cspell:ignore prerendered
/**
 * Sessions in Astro: {@link sessionMiddleware} puts the session on `Astro.locals.session`.
 *
 * @module
 */
import { type Session, type Sessions, sessionCookies } from "../src/index.ts";
import { prerenderedSession } from "./shared/prerendered-session.ts";

/** Options of {@link sessionMiddleware}. */
export interface SessionMiddlewareOptions<Name extends string = "session"> {
  /** The property of `Astro.locals` that holds the session. Default `"session"`; a second kind needs its own name. */
  as?: Name;
}

/** What is used of Astro's `APIContext`. */
export interface AstroContext<Locals extends object> {
  /** The request of the browser, or one that another middleware rewrote it to. */
  readonly request: Request;
  /** As `App.Locals` declares it. */
  readonly locals: Locals;
  /** Whether the page is rendered while the application is built. */
  readonly isPrerendered: boolean;
}

/**
 * A middleware of Astro. It fits where `App.Locals` declares the session: `interface Locals { session: Session<Data>
 * }`.
 */
export type SessionMiddleware<Data extends object, Name extends string = "session"> = (
  context: AstroContext<{ [Key in Name]: Session<Data> }>,
  next: () => Promise<Response>,
) => Promise<Response>;

/**
 * The `onRequest` of `src/middleware.ts`, alone or in `sequence`: puts the session on `Astro.locals.session`, and
 * commits it when the page, endpoint or action has answered. When a page throws, nothing is stored. A page that
 * `Astro.rewrite()` leads to has the session of the one that it was called in; an error page has what was stored
 * before it. Where the page is prerendered the session is empty, and a change of it throws `session_unavailable`.
 *
 * @throws TypeError when `as` is not the name of a property
 * @example
 * ```ts
 * // src/middleware.ts
 * export const onRequest: MiddlewareHandler = sessionMiddleware(sessions);
 * // src/env.d.ts
 * declare namespace App {
 *   interface Locals {
 *     session: import("@sojourn/session").Session<Data>;
 *   }
 * }
 * ```
 */
export function sessionMiddleware<Data extends object, const Name extends string = "session">(
  sessions: Sessions<Data>,
  options: SessionMiddlewareOptions<Name> = {},
): SessionMiddleware<Data, Name> {
  const as: string = options.as ?? "session";
  if (typeof sessions?.wrap !== "function") throw new TypeError("Pass the sessions that createSessions() returned");
  if (typeof as !== "string" || as === "") throw new TypeError('as must be the name of a property, such as "staff"');

  // By the locals: they are the same object through rewrites and on the error page, and the request is not
  const runs = new WeakMap<object, Run>();
  const answer = sessions.wrap((_request, session, { locals }: Context, next: Next) => {
    locals[as] = session;
    return next();
  });

  const middleware = async (context: Context, next: Next): Promise<Response> => {
    const { locals, request } = context;
    const run = runs.get(locals) ?? { underWay: false, cookie: undefined };
    // Astro.rewrite() runs all middleware again, inside of the first run, which commits
    if (run.underWay) return next();
    if (context.isPrerendered) {
      locals[as] = await prerenderedSession(sessions, request.url, "export `const prerender = false` from the page");
      return next();
    }
    runs.set(locals, run);
    run.underWay = true;
    try {
      const response = await answer(withCookie(request, run.cookie), context, next);
      run.cookie = cookieAfter(run.cookie ?? request.headers.get("cookie"), response.headers);
      return response;
    } finally {
      run.underWay = false;
    }
  };
  return middleware as unknown as SessionMiddleware<Data, Name>;
}

type Context = AstroContext<Record<string, unknown>>;
type Next = () => Promise<Response>;

/** The middleware around the page of a request, and afterwards around its error page. */
interface Run {
  underWay: boolean;
  /** The Cookie header that a browser would send by now. Absent while it is that of the request. */
  cookie: string | undefined;
}

/** Of the same origin and method, since that decides whether it is foreign. Nobody reads its body. */
function withCookie(request: Request, cookie: string | undefined): Request {
  if (cookie === undefined) return request;
  const headers = new Headers(request.headers);
  headers.set("cookie", cookie);
  return new Request(request.url, { method: request.method, headers });
}

/**
 * The Cookie header for whoever renders next. A new value comes behind the old one: alone it would say that the browser
 * has got it. A cookie that was removed is left out.
 */
function cookieAfter(before: string | null, headers: Headers): string | undefined {
  const cookies = sessionCookies(headers);
  if (cookies.length === 0) return before ?? undefined;
  const removed = new Set(cookies.filter(({ value }) => value === "").map(({ name }) => name));
  const kept = (before ?? "").split(";").filter((pair) => !removed.has((pair.split("=")[0] ?? "").trim()));
  const added = cookies.filter(({ value }) => value !== "").map(({ name, value }) => `${name}=${value}`);
  return [...kept, ...added]
    .map((pair) => pair.trim())
    .filter(Boolean)
    .join("; ");
}
