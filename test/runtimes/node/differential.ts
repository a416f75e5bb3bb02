/** Runs one way to answer with and without the middleware, and gives what left the socket as it came. */
import type { IncomingMessage, RequestListener, ServerResponse } from "node:http";
import { connect } from "node:net";
import { createSessions, memoryStore, type Session, type SessionStore } from "@sojourn/session";
import { type SessionMiddleware, sessionMiddleware, type WithSession } from "@sojourn/session/node";
import { serve } from "./client.ts";

type Data = { n: number };

/** A memory store that answers at once, later, or not at all once a session is there. */
export const layers: readonly string[] = ["a store that answers at once", "a store that answers later"];

/** What is observed of one request. */
export interface Observed {
  /** All that the socket received, without what names the moment or the session. */
  readonly bytes: string;
  readonly saw: readonly unknown[];
  /** The lines of ours that were taken out. */
  readonly ours: readonly string[];
}

export interface Layer {
  readonly middleware: SessionMiddleware;
  /** Changes the session, so that a cookie has to leave; does nothing on plain Node. */
  change(request: IncomingMessage): void;
}

/** Neither session nor middleware. */
export const plainNode: Layer = { middleware: (_request, _response, next) => next(), change: () => {} };

export function layer(kind: string, failing = false): Layer {
  const store = memoryStore();
  const fail = (): never => {
    throw new Error("the store is down");
  };
  const working: SessionStore = failing ? { ...store, create: fail } : store;
  const later: SessionStore = {
    read: async (key) => working.read(key),
    create: async (...args) => {
      for (let turns = 0; turns < 3; turns++) await new Promise(setImmediate);
      return working.create(...args);
    },
    update: async (...args) => working.update(...args),
    delete: async (...args) => working.delete(...args),
  };
  const sessions = createSessions<Data>({ store: kind === layers[1] ? later : working });
  return {
    middleware: sessionMiddleware(sessions),
    change(request) {
      const { session } = request as IncomingMessage & { session: Session<Data> };
      session.update("n", (n = 0) => n + 1);
    },
  };
}

export type Listen = (
  layer: Layer,
  handler: (request: IncomingMessage, response: ServerResponse) => unknown,
) => RequestListener | Promise<RequestListener>;

/** Sends a request and another one behind it on the same connection: what is out of step shows there. */
export async function observe(
  listen: Listen,
  used: Layer,
  method: string,
  answer: (response: ServerResponse, saw: (what: unknown) => void, request: IncomingMessage) => unknown,
): Promise<Observed> {
  const saw: unknown[] = [];
  const listener = await listen(used, (request, response) => {
    used.change(request);
    return answer(response, (what) => saw.push(what), request);
  });
  const { url, close } = await serve((request, response) => {
    if (request.url === "/behind") response.writeHead(200, { connection: "close" }).end("behind");
    else listener(request, response);
  });
  try {
    const text = await converse(Number(new URL(url).port), method);
    return { ...withoutOurs(text), saw };
  } finally {
    await close();
  }
}

function converse(port: number, method: string): Promise<string> {
  return new Promise((resolve) => {
    let text = "";
    const socket = connect(port, "127.0.0.1");
    socket.on("data", (chunk) => {
      text += chunk.toString("latin1");
    });
    socket.on("error", () => {}); // a connection that is cut: what came before it is compared
    socket.on("close", () => resolve(text));
    socket.write(
      `${method} / HTTP/1.1\r\nhost: a\r\naccept-encoding: gzip\r\n\r\nGET /behind HTTP/1.1\r\nhost: a\r\n\r\n`,
    );
  });
}

const OURS = /\r\n(?:set-cookie: __Host-Http-session=[^\r]*|vary: Cookie|cache-control: no-store)(?=\r\n)/gi;

function withoutOurs(text: string): Omit<Observed, "saw"> {
  const ours = (text.match(OURS) ?? []).map((line) => line.trim().toLowerCase());
  const bytes = text.replaceAll(OURS, "").replaceAll(/\r\nDate: [^\r]*/g, "\r\nDate");
  return { bytes, ours: ours.map((line) => line.replace(/=.*/, "")) };
}

/** On Node's own server. What fails is answered with the error's code. */
export const onNode =
  (
    before: (response: ServerResponse) => void = () => {},
    after: (response: ServerResponse) => void = () => {},
  ): Listen =>
  ({ middleware }, handler) =>
  (request, response) => {
    before(response);
    middleware(request, response, (error) => {
      if (error !== undefined) return void response.writeHead(503).end((error as { code: string }).code);
      after(response);
      handler(request as IncomingMessage & WithSession<Data>, response);
    });
  };
