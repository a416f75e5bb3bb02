/**
 * Sessions on Node: {@link sessionMiddleware} for Express, Connect, Fastify, Koa and plain `http`. Fetch handlers are
 * served by `toNodeListener` of `@sojourn/session/node-listener`.
 *
 * @module
 */
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Awaitable, Session, Sessions } from "../src/index.ts";
import { attachAs } from "./node/attached-session.ts";
import { holdHeaders } from "./node/hold-headers.ts";
import { canHold, commitUnsent, isPromise, throwUncaught } from "./node/no-response.ts";
import { requestOf, share } from "./node/node-request.ts";
import { unavailableSession } from "./shared/unavailable-session.ts";

export { requestOf } from "./node/node-request.ts";

/**
 * A request after {@link sessionMiddleware}. Name it in your own declarations: `declare global { namespace Express {
 * interface Request extends WithSession<Data> {} } }`; for a second kind of sessions `WithSession<Data,
 * "adminSession">`.
 */
export type WithSession<Data extends object = Record<string, unknown>, Name extends string = "session"> = {
  /** Loaded before the handler, committed before the head of the response leaves. Assigning to it throws. */
  readonly [Key in Name]: Session<Data>;
};

/** Connect-style middleware, as Express and Connect take it. */
export type SessionMiddleware = (
  request: IncomingMessage,
  response: ServerResponse,
  next: (error?: unknown) => void,
) => void;

/** Options of {@link sessionMiddleware}. */
export interface SessionMiddlewareOptions {
  /** The property of the request that holds the session, for a second kind of sessions. Default `"session"`. */
  as?: string;
}

/**
 * Middleware that puts the session on `request.session`. The session is committed before the status line and headers
 * leave, so that the page after a redirect sees what was written; a change after that throws. Where the store answers
 * with promises the response is held meanwhile, and counts as sent. A failing store goes to `next(error)`, before the
 * handler or instead of its response; an error page then finds an empty session that refuses writes. Whatever answers
 * saves what was changed, an error page as well.
 *
 * Express and Connect take it as it is. Fastify takes it in an `onRequest` hook with `request.raw` and `reply.raw`; not
 * in `@fastify/middie`, which has no way to hear of an error once the handler runs. In Koa the error goes to
 * `context.onerror`. Where no response passes, as with an upgrade to WebSocket or in socket.io, the session can be read
 * and a write throws `session_committed`: load it for each change there, with {@link requestOf}.
 *
 * @throws TypeError when `as` is not the name of a property
 * @example
 * ```ts
 * const app = express();
 * app.use(sessionMiddleware(createSessions()));
 * app.post("/login", (req, res) => {
 *   (req as unknown as WithSession).session.signIn("ada");
 *   res.redirect(303, "/");
 * });
 * ```
 */
export function sessionMiddleware<Data extends object>(
  sessions: Sessions<Data>,
  { as = "session" }: SessionMiddlewareOptions = {},
): SessionMiddleware {
  if (typeof as !== "string" || as === "")
    throw new TypeError('The option "as" of sessionMiddleware is the name of a property of the request, a string');
  const attach = attachAs<Data>(as);

  return (request, response, next) => {
    const failed = (error: unknown): void => {
      attach(request, unavailableSession());
      next(error);
    };
    const begin = (session: Session<Data>): void => {
      let committing: Awaitable<void>;
      try {
        attach(request, session);
        share(request);
        const held = canHold(request, response) && holdHeaders(response, sessions, session, next);
        committing = held ? undefined : commitUnsent(sessions, session);
      } catch (error) {
        failed(error);
        return;
      }
      if (committing === undefined) next();
      else committing.then(() => next(), failed).catch(throwUncaught);
    };
    let loading: Awaitable<Session<Data>>;
    try {
      loading = sessions.loadFrom(requestOf(request));
    } catch (error) {
      failed(error);
      return;
    }
    // At once where the store answers at once: a promise takes 4 % of a whole request on Node's server
    if (isPromise(loading)) loading.then(begin, failed).catch(throwUncaught);
    else begin(loading);
  };
}

/**
 * Moved to `@sojourn/session/node-listener`.
 *
 * @deprecated
 * @throws Error always
 */
export function toNodeListener(_fetch: (request: Request) => unknown): never {
  throw new Error('toNodeListener moved: import { toNodeListener } from "@sojourn/session/node-listener"');
}
