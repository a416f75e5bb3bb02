/**
 * Sessions as Hono middleware: `c.var.session`, typed, without module augmentation.
 *
 * @module
 */
import type { Context, MiddlewareHandler, Next } from "hono";
import type { Session, Sessions } from "../src/index.ts";

/** The variable that {@link honoSession} sets. */
export interface SessionEnv<Data extends object = Record<string, unknown>> {
  /** For `new Hono<...>()`. */
  Variables: { session: Session<Data> };
}

/** The variable that {@link honoSession} sets with `lazy`. */
export interface LazySessionEnv<Data extends object = Record<string, unknown>> {
  /** For `new Hono<...>()`. */
  Variables: { session: () => Promise<Session<Data>> };
}

/**
 * Middleware that puts the session on `c.var.session` and commits it when the handlers are done; when one threw,
 * nothing is stored. With `lazy` nothing is read until a handler asks: `const session = await c.var.session()`. Mounted
 * twice over one request, the inner one does nothing.
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
export function honoSession<Data extends object>(
  sessions: Sessions<Data>,
  options?: { lazy?: false },
): MiddlewareHandler<SessionEnv<Data>>;
/** With `lazy`: `c.var.session` is a function that opens the session. */
export function honoSession<Data extends object>(
  sessions: Sessions<Data>,
  options: { lazy: true },
): MiddlewareHandler<LazySessionEnv<Data>>;
export function honoSession<Data extends object>(
  sessions: Sessions<Data>,
  { lazy = false }: { lazy?: boolean } = {},
): MiddlewareHandler {
  const run = lazy
    ? sessions.wrapLazy((_request, open, c: Context, next: Next) => around(c, open, next))
    : sessions.wrap((_request, session, c: Context, next: Next) => around(c, session, next));
  return async (c, next) => {
    const known = mountedOn(c);
    if (known.has(sessions)) return next();
    known.add(sessions);
    try {
      const response = await run(c.req.raw, c, next);
      if (response === c.res) return;
      c.res = undefined; // or Hono would merge the headers of the immutable response into its copy
      c.res = response;
    } catch (error) {
      if (error === undefined || error !== c.error) throw error; // Hono has answered its own already
    }
  };
}

async function around(c: Context, session: unknown, next: Next): Promise<Response> {
  c.set("session", session);
  await next();
  // next() resolves when a handler threw as well; Hono keeps the error here
  if (c.error !== undefined) throw c.error;
  return c.res;
}

const mounted = new WeakMap<Context, Set<unknown>>();

function mountedOn(context: Context): Set<unknown> {
  const known = mounted.get(context);
  if (known) return known;
  const sessions = new Set();
  mounted.set(context, sessions);
  return sessions;
}
