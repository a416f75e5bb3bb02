/** Requests that no response of Node's answers. */
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Awaitable, Session, Sessions } from "../../src/index.ts";

/**
 * Whether an answer will pass through the response: not for an upgrade, whose head is written to the socket, and not in
 * socket.io, which passes an object of its own or none.
 */
export function canHold(request: IncomingMessage & { upgrade?: boolean }, response: Partial<ServerResponse>): boolean {
  if (request.upgrade === true || typeof response !== "object" || response === null) return false;
  const { writeHead, getHeaders, on } = response;
  return typeof writeHead === "function" && typeof getHeaders === "function" && typeof on === "function";
}

export function isPromise<T>(value: Awaitable<T>): value is Promise<T> {
  return typeof (value as { then?: unknown }).then === "function";
}

const committed = new WeakSet<object>();

/** No head will carry a cookie, and none will tell when the handler is done: a write must throw rather than be lost. */
export function commitUnsent<Data extends object>(sessions: Sessions<Data>, session: Session<Data>): Awaitable<void> {
  if (committed.has(session)) return undefined;
  committed.add(session);
  return sessions.commitTo(session, new Headers(), { deliverable: false });
}

/** What a handler throws is not a rejection of ours: without a promise it would be an uncaught exception. */
export function throwUncaught(error: unknown): void {
  process.nextTick(() => {
    throw error;
  });
}
