/**
 * Sessions on Node: {@link sessionMiddleware} for Express, Connect, Fastify, Koa and plain `http`. Fetch handlers are
 * served by `toNodeListener` of `@sojourn/session/node-listener`.
 *
 * @module
 */
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Awaitable, RequestLike, Session, Sessions } from "../src/index.ts";
import { holdHeaders } from "./node/hold-headers.ts";

/**
 * A request after {@link sessionMiddleware}. Name it in your own declarations: `declare global { namespace Express {
 * interface Request extends WithSession<Data> {} } }`.
 */
export interface WithSession<Data extends object = Record<string, unknown>> {
  /** Loaded before the handler, committed before the head of the response leaves. */
  session: Session<Data>;
}

/** Connect-style middleware, as Express and Connect take it. */
export type SessionMiddleware = (
  request: IncomingMessage,
  response: ServerResponse,
  next: (error?: unknown) => void,
) => void;

/**
 * Middleware that puts the session on `request.session`. The session is committed before the status line and headers
 * leave, so that the page after a redirect sees what was written; a change after that throws. Where the store answers
 * with promises the response is held meanwhile. A failing store goes to `next(error)`, before the handler or instead of
 * its response. Whatever answers saves what was changed, an error page as well.
 *
 * Express and Connect take it as it is. Fastify takes it in an `onRequest` hook with `request.raw` and `reply.raw`; not
 * in `@fastify/middie`, which has no way to hear of an error once the handler runs. In Koa the error goes to
 * `context.onerror`.
 *
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
export function sessionMiddleware<Data extends object>(sessions: Sessions<Data>): SessionMiddleware {
  return (request, response, next) => {
    const begin = (session: Session<Data>): void => {
      (request as IncomingMessage & WithSession<Data>).session = session;
      holdHeaders(response, (headers, deliverable) => sessions.commitTo(session, headers, { deliverable }), next);
      next();
    };
    let loading: Awaitable<Session<Data>>;
    try {
      loading = sessions.loadFrom(new NodeRequest(request));
    } catch (error) {
      next(error);
      return;
    }
    // At once where the store answers at once: a promise takes 4 % of a whole request on Node's server
    if ("then" in loading) loading.then(begin, next);
    else begin(loading);
  };
}

/**
 * What a session needs of a request, without a `Request`: its `Headers` alone would cost several microseconds. A class
 * that is its own `headers`: two object literals, one with a getter, took a quarter of a whole request.
 */
class NodeRequest implements RequestLike {
  readonly #request: IncomingMessage & { originalUrl?: string };

  constructor(request: IncomingMessage) {
    this.#request = request;
  }

  get url(): string {
    const { headers, socket, originalUrl, url } = this.#request;
    const scheme = (socket as { encrypted?: boolean }).encrypted ? "https" : "http";
    // Express and Connect take the part of the path off `url` that led to what is mounted
    return `${scheme}://${headers.host ?? headers[":authority"] ?? "localhost"}${originalUrl ?? url}`;
  }

  get headers(): RequestLike["headers"] {
    return this;
  }

  get(name: string): string | null {
    const { headers } = this.#request;
    const key = name.toLowerCase();
    return Object.hasOwn(headers, key) ? String(headers[key]) : null;
  }
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
