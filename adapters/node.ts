/**
 * Sessions on Node: {@link sessionMiddleware} for Express, Connect, Fastify, Koa and plain `http`; {@link
 * toNodeListener} for fetch handlers.
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

/** A listener for `http.createServer` and the like. */
export type NodeListener = (request: IncomingMessage, response: ServerResponse) => void;

/**
 * Serves a fetch handler, such as `sessions.wrap` returns it, from Node's own server. The bridge is
 * `@hono/node-server`, which must be installed.
 *
 * @example
 * ```ts
 * createServer(toNodeListener(sessions.wrap(() => new Response("hello")))).listen(8080);
 * ```
 */
export function toNodeListener(fetch: (request: Request) => Response | Promise<Response>): NodeListener {
  let listener: NodeListener | undefined;
  // Without the peer there is nothing to serve: the rejection ends the process at start, with a message that says what
  // to do
  const bridge = import("@hono/node-server").then(
    ({ getRequestListener, RequestError }) => {
      const errorHandler = (error: unknown): Response | undefined => {
        if (error === NO_ANSWER) return undefined;
        if (error instanceof RequestError) return new Response(null, { status: 400 }); // a request that no URL can be made of
        console.error(error); // as Bun, Deno and Workers do; the bridge alone says nothing
        return new Response(null, { status: 500 });
      };
      const answer = async (request: Request, { outgoing }: { outgoing: { destroy(): unknown } }): Promise<Response> =>
        cutOff(await fetch(request), () => outgoing.destroy());
      listener = getRequestListener(answer, {
        overrideGlobalObjects: false,
        errorHandler: errorHandler as () => Response,
      }) as NodeListener;
      return listener;
    },
    (cause) => {
      throw new Error("toNodeListener needs the package @hono/node-server: npm install @hono/node-server", { cause });
    },
  );
  return (request, response) => {
    if (listener) listener(request, response);
    else bridge.then((ready) => ready(request, response));
  };
}

const NO_ANSWER: unique symbol = Symbol("no answer");

/**
 * A network error, and a body that fails midway, are cut connections for the client. The bridge would complete them as
 * if all were well, and with the text of the error.
 */
function cutOff(response: Response, cut: () => void): Response {
  if (response.status === 0) {
    cut();
    throw NO_ANSWER;
  }
  const { body } = response;
  if (body === null) return response;
  const getReader = body.getReader.bind(body) as () => ReadableStreamDefaultReader<Uint8Array>;
  body.getReader = (() => {
    const reader = getReader();
    const read = reader.read.bind(reader);
    reader.read = () =>
      read().catch((error: unknown) => {
        console.error(error);
        cut();
        return { done: true, value: undefined };
      });
    return reader;
  }) as typeof body.getReader;
  return response;
}
