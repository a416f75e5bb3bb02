/**
 * Fetch handlers on Node's own server. An entry of its own, since it imports the optional peer `@hono/node-server`: a
 * bundler must not meet that import in an application which only uses `sessionMiddleware`.
 *
 * @module
 */
import type { IncomingMessage, ServerResponse } from "node:http";
import { getRequestListener, RequestError } from "@hono/node-server";
import { linkRequest } from "./node/node-request.ts";

/** A listener for `http.createServer` and the like. */
export type NodeListener = (request: IncomingMessage, response: ServerResponse) => void;

/**
 * Serves a fetch handler, such as `sessions.wrap` returns it, from Node's own server. The bridge is
 * `@hono/node-server`, which must be installed. Behind `sessionMiddleware` of the same sessions the handler has the
 * session that the middleware loaded.
 *
 * @example
 * ```ts
 * createServer(toNodeListener(sessions.wrap(() => new Response("hello")))).listen(8080);
 * ```
 */
export function toNodeListener(fetch: (request: Request) => Response | Promise<Response>): NodeListener {
  const answer = async (request: Request, { incoming, outgoing }: Bindings): Promise<Response> => {
    linkRequest(request, incoming);
    return cutOff(await fetch(request), () => outgoing.destroy());
  };
  return getRequestListener(answer, {
    overrideGlobalObjects: false,
    errorHandler: errorHandler as () => Response,
  }) as NodeListener;
}

type Bindings = { incoming: object; outgoing: { destroy(): unknown } };

function errorHandler(error: unknown): Response | undefined {
  if (error === NO_ANSWER) return undefined;
  if (error instanceof RequestError) return new Response(null, { status: 400 }); // a request that no URL can be made of
  console.error(error); // as Bun, Deno and Workers do; the bridge alone says nothing
  return new Response(null, { status: 500 });
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
