/**
 * Sessions as Hono middleware: `c.var.session`, typed, without module augmentation.
 *
 * @module
 */
import type { Context, MiddlewareHandler, Next } from "hono";
import type { Session, Sessions } from "../src/index.ts";
import { unavailableSession } from "./shared/unavailable-session.ts";

/** The variable that {@link honoSession} sets; `Name` is the one of its option `as`. */
export interface SessionEnv<Data extends object = Record<string, unknown>, Name extends string = "session"> {
  /** For `new Hono<...>()`. */
  Variables: { [Key in Name]: Session<Data> };
}

/** The variable that {@link honoSession} sets with `lazy`. */
export interface LazySessionEnv<Data extends object = Record<string, unknown>, Name extends string = "session"> {
  /** For `new Hono<...>()`. */
  Variables: { [Key in Name]: () => Promise<Session<Data>> };
}

/** Options of {@link honoSession}. */
export interface HonoSessionOptions<Name extends string = "session"> {
  /** The variable that holds the session. Default `"session"`; a second kind of sessions needs a name of its own. */
  as?: Name;
  /** Default `false`. With `true` nothing is read until a handler asks: `const session = await c.var.session()`. */
  lazy?: boolean;
}

/**
 * Middleware that puts the session on `c.var.session` and commits it when the handlers are done. An `HTTPException` is
 * an answer: what was set before it is stored. When anything else was thrown nothing is. Where the load failed an error
 * page finds an empty session that refuses writes. Mounted twice over one request, the inner one uses the session of
 * the outer one, which commits.
 *
 * @example
 * ```ts
 * const app = new Hono<SessionEnv<{ visits: number }>>();
 * app.use(honoSession(createSessions<{ visits: number }>()));
 * app.get("/", (c) => {
 *   c.var.session.update("visits", (n = 0) => n + 1);
 *   return c.text(`visit ${c.var.session.get("visits")}`);
 * });
 * ```
 */
export function honoSession<Data extends object, const Name extends string = "session">(
  sessions: Sessions<Data>,
  options?: HonoSessionOptions<Name> & { lazy?: false },
): MiddlewareHandler<SessionEnv<Data, Name>>;
/** With `lazy`: `c.var.session` is a function that opens the session. */
export function honoSession<Data extends object, const Name extends string = "session">(
  sessions: Sessions<Data>,
  options: HonoSessionOptions<Name> & { lazy: true },
): MiddlewareHandler<LazySessionEnv<Data, Name>>;
export function honoSession<Data extends object>(
  sessions: Sessions<Data>,
  { as = "session", lazy = false }: HonoSessionOptions<string> = {},
): MiddlewareHandler {
  if (typeof as !== "string" || as === "") throw new TypeError('as must be the name of a variable, such as "staff"');
  const run = lazy
    ? sessions.wrapLazy((_request, open, c: Context, next: Next) => {
        mountedOn(c).set(sessions, open);
        c.set(as, open);
        return rest(c, next);
      })
    : sessions.wrap((_request, session, c: Context, next: Next) => {
        mountedOn(c).set(sessions, async () => session);
        c.set(as, session);
        return rest(c, next);
      });
  return async (c, next) => {
    const open = mountedOn(c).get(sessions);
    if (open) {
      c.set(as, lazy ? open : await open());
      return next();
    }
    try {
      const response = await run(c.req.raw, c, next);
      if (response === c.res) return;
      c.res = undefined; // or Hono would merge the headers of the immutable response into its copy
      c.res = response;
    } catch (error) {
      if (error !== undefined && error === c.error) return; // Hono has answered its own already
      if (!lazy && c.get(as) === undefined) c.set(as, unavailableSession()); // for the error page
      throw error;
    }
  };
}

async function rest(c: Context, next: Next): Promise<Response> {
  await next();
  // next() resolves when a handler threw as well: Hono has called its error handler, and keeps the error here
  if (c.error !== undefined && !isAnswer(c.error)) throw c.error;
  return c.res;
}

/** An `HTTPException`, told by what makes it one: there may be a second copy of Hono. */
function isAnswer(error: object): boolean {
  return typeof (error as { getResponse?: unknown }).getResponse === "function";
}

/**
 * The sessions of a request by their kind. By context, since middleware in between may put another request on `raw`.
 */
const mounted = new WeakMap<Context, Map<unknown, () => Promise<unknown>>>();

function mountedOn(context: Context): Map<unknown, () => Promise<unknown>> {
  let known = mounted.get(context);
  if (known === undefined) {
    known = new Map();
    mounted.set(context, known);
  }
  return known;
}
