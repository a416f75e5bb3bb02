/** The state of a response whose head waits for sessions, and what is asked of it. */
import type { OutgoingHttpHeaders, ServerResponse } from "node:http";
import type { SessionHeaders, Sessions } from "../../src/index.ts";

/** A session that waits for the head of the response, and who decides about the answer when its commit fails. */
export interface Waiting {
  readonly sessions: Pick<Sessions<never>, "commitTo">;
  readonly session: object;
  fail(error: unknown): void;
  /** The one that was mounted before it. */
  readonly outer: Waiting | undefined;
}

/** A call that waits until the sessions are committed. */
export type Call = () => unknown;

/** What is piped into a response. */
export type Source = NodeJS.ReadableStream & { destroy?(): void };

/** Methods that are covered only once calls are held. */
export type Under = Pick<ServerResponse, "writeEarlyHints" | "addTrailers" | "cork" | "uncork">;

/** The first line of a response. */
export interface Status {
  readonly statusCode: number;
  readonly statusMessage: string | undefined;
}

/** What is known of a response whose head waits for sessions. */
export interface Held {
  /** The methods as they were before ours. */
  readonly writeHead: ServerResponse["writeHead"];
  readonly write: ServerResponse["write"];
  readonly end: ServerResponse["end"];
  readonly flushHeaders: ServerResponse["flushHeaders"];
  /** The same of another middleware: Node's own responses have no `flush`, and keep their listeners themselves. */
  readonly flush: (() => unknown) | undefined;
  readonly on: ServerResponse["on"] | undefined;
  /** Another middleware replaced `writeHead` first, and may change headers once ours has called it. */
  readonly wrapped: boolean;
  /** What an error page starts from. */
  readonly before: Status & { readonly headers: OutgoingHttpHeaders; readonly sendDate: boolean };
  /** What the finished commits send. It is merged each time that a head is about to leave. */
  readonly additions: SessionHeaders;
  /** The innermost, which is committed first. */
  waiting: Waiting;
  /** What is piped into the response. */
  sources: Set<Source> | undefined;
  /** The calls held; `undefined` while none has to wait. */
  calls: Call[] | undefined;
  /** With which status the response began, while calls are held. */
  began: Status | undefined;
  /** All is committed, or given up: calls pass. */
  open: boolean;
  /** Further methods as they were before ours, once calls were held. */
  under: Under | undefined;
  /** `end` was called while calls were held. */
  ended: boolean;
  /** `write` returned false while calls were held, so that `drain` is owed. */
  drains: boolean;
  /** Who listens for `drain`, where `on` is another middleware's: it may keep them where ours does not reach. */
  drainListeners: ((...args: unknown[]) => void)[] | undefined;
  /** Ours has merged and called the `writeHead` that another middleware replaced. */
  sending: boolean;
}

export const HELD: unique symbol = Symbol("head held until the session is committed");

export type HeldResponse = ServerResponse & { [HELD]: Held };

/** `headersSent` as the class has it, under the property that we may have put over it. */
export function isSent(response: ServerResponse): boolean {
  return Reflect.get(Object.getPrototypeOf(response), "headersSent", response) as boolean;
}

/** HTTP/2 has no reason phrase, and warns who looks for one. */
export function isHttp2(response: ServerResponse): boolean {
  return "stream" in response;
}

export function statusOf(response: ServerResponse): Status {
  const { statusCode } = response;
  return { statusCode, statusMessage: isHttp2(response) ? undefined : response.statusMessage };
}

export function setStatus(response: ServerResponse, { statusCode, statusMessage }: Status): void {
  response.statusCode = statusCode;
  if (!isHttp2(response)) response.statusMessage = statusMessage as string;
}

/** What Node throws when a head is changed that has left. */
export function headersSentError(response: ServerResponse, what: string): Error {
  return isHttp2(response)
    ? Object.assign(new Error("Response has already been initiated."), { code: "ERR_HTTP2_HEADERS_SENT" })
    : Object.assign(new Error(`Cannot ${what} headers after they are sent to the client`), {
        code: "ERR_HTTP_HEADERS_SENT",
      });
}
