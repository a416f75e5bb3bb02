import { once } from "node:events";
import {
  createServer,
  type IncomingMessage,
  type RequestListener,
  type RequestOptions,
  request,
  type Server,
} from "node:http";
import type { AddressInfo } from "node:net";

/** A response as it came, with headers that may repeat. */
export interface Received {
  readonly status: number;
  readonly reason: string;
  readonly headers: Headers;
  readonly body: string;
  /** The body as it came. */
  readonly bytes: Buffer;
  /** Whether the body came to its end. */
  readonly complete: boolean;
}

export interface Served {
  readonly url: string;
  readonly server: Server;
  close(): Promise<void>;
}

export async function serve(listener: RequestListener): Promise<Served> {
  const server = createServer(listener).listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    server,
    async close() {
      server.close().closeAllConnections();
    },
  };
}

export interface Sending extends RequestOptions {
  readonly body?: string;
}

/** One request over a connection of its own. */
export function send(url: string, { body, ...options }: Sending = {}): Promise<Received> {
  return new Promise((resolve, reject) => {
    const sending = request(url, { agent: false, ...options }, (response) => receive(response).then(resolve, reject));
    sending.on("error", reject);
    sending.end(body);
  });
}

export async function receive(response: IncomingMessage): Promise<Received> {
  const chunks: Buffer[] = [];
  response.on("data", (chunk: Buffer) => chunks.push(chunk));
  response.on("error", () => {}); // a body that is cut off: `complete` tells
  await once(response, "close");
  const headers = new Headers();
  for (let at = 0; at < response.rawHeaders.length; at += 2)
    headers.append(response.rawHeaders[at]!, response.rawHeaders[at + 1]!);
  const bytes = Buffer.concat(chunks);
  return {
    status: response.statusCode ?? 0,
    reason: response.statusMessage ?? "",
    headers,
    body: bytes.toString(),
    bytes,
    complete: response.complete,
  };
}

/** The Cookie header that a browser would send after this response. */
export function cookieOf({ headers }: Pick<Received, "headers">): string {
  return headers
    .getSetCookie()
    .map((line) => line.split(";", 1)[0])
    .join("; ");
}
