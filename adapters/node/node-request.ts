import type { IncomingMessage } from "node:http";
import type { RequestLike } from "../../src/index.ts";

const REQUEST: unique symbol = Symbol("the request as sessions see it");

/**
 * A Node request as `sessions.load` takes it: where no handler and no response is, such as in a listener of `upgrade`,
 * in `verifyClient` of ws, or with the `request` of a socket of socket.io. The same object for the same request.
 *
 * @throws TypeError for anything but a Node request
 * @example
 * ```ts
 * server.on("upgrade", async (request, socket, head) => {
 *   const session = await sessions.load(requestOf(request));
 *   if (session.subject === undefined) return void socket.end("HTTP/1.1 401 Unauthorized\r\n\r\n");
 *   wss.handleUpgrade(request, socket, head, (ws) => ws.send(`hello ${session.subject}`));
 * });
 * ```
 */
export function requestOf(incoming: IncomingMessage): RequestLike {
  const known = incoming as IncomingMessage & { [REQUEST]?: NodeRequest };
  if (typeof incoming?.headers !== "object" || incoming.headers === null || typeof incoming.headers.get === "function")
    throw new TypeError("requestOf takes Node's IncomingMessage; a Request goes to load as it is");
  known[REQUEST] ??= new NodeRequest(incoming);
  return known[REQUEST];
}

/** On the `Request` that a bridge makes of a Node request: the object under which sessions know that. */
const MADE_OF: unique symbol = Symbol.for("@sojourn/session made of");

/** From here on a fetch handler of the same sessions has the session that the middleware loaded, and commits it. */
export function share(incoming: IncomingMessage): void {
  (requestOf(incoming) as NodeRequest).isShared = true;
}

/** Marks a `Request` that was made of a Node request, so that both are one to sessions. */
export function linkRequest(request: Request, incoming: object): void {
  const known = (incoming as { [REQUEST]?: NodeRequest })[REQUEST];
  if (known?.isShared) Object.defineProperty(request, MADE_OF, { value: known });
}

/**
 * What a session needs of a request, without a `Request`: its `Headers` alone would cost several microseconds. A class
 * that is its own `headers`: two object literals, one with a getter, took a quarter of a whole request.
 */
class NodeRequest implements RequestLike {
  readonly #request: IncomingMessage & { originalUrl?: string };
  /** Not with the drop-in for express-session, which has to compare its properties before the commit. */
  isShared = false;

  constructor(request: IncomingMessage) {
    this.#request = request;
  }

  get url(): string {
    const { headers, socket, originalUrl, url } = this.#request;
    const scheme = (socket as { encrypted?: boolean }).encrypted ? "https" : "http";
    // Express and Connect take the part of the path off `url` that led to what is mounted
    return `${scheme}://${headers.host ?? headers[":authority"] ?? "localhost"}${originalUrl ?? url}`;
  }

  get method(): string {
    return this.#request.method ?? "GET";
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
