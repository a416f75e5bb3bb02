/** The methods of a response that would send its head, and what waits for the sessions. */
import type { ServerResponse } from "node:http";
import { isUint8Array } from "node:util/types";
import { sessionHeaders } from "../../src/index.ts";
import { commitAll, settle } from "./commit.ts";
import {
  type Call,
  HELD,
  type Held,
  type HeldResponse,
  headersSentError,
  isHttp2,
  type Source,
  statusOf,
  type Waiting,
} from "./held-response.ts";
import { ownHeaders, sealHead } from "./own-head.ts";
import { addTo, type Head, headOf, isStatusLine, setHeaders } from "./response-headers.ts";
import { ownTakenOver, takenOver } from "./taken-over.ts";

/**
 * Commits a session before the head of a response leaves. The commit starts with the first call that would send the
 * head, since from then on the handler may not change the head either. Where it is done at once, the call passes. Where
 * it has to be waited for, this call and all that follow are held and let go in order, and the head counts as sent.
 * When it fails, what the handler answered is thrown away, head and body, and `fail` decides about the answer. What a
 * commit adds is merged immediately before the real `writeHead`.
 *
 * The methods put over the response's own are the same functions for all responses, with their state on the response:
 * closures would give each response a shape of its own, which doubled the CPU of a whole request.
 *
 * Returns false where the head is under way already.
 */
export function holdHeaders(
  response: ServerResponse,
  sessions: Waiting["sessions"],
  session: object,
  fail: Waiting["fail"],
): boolean {
  const present = (response as Partial<HeldResponse>)[HELD];
  if (present) return join(present, { sessions, session, fail, outer: undefined });
  const { writeHead, write, end, flushHeaders } = response;
  (response as HeldResponse)[HELD] = {
    writeHead,
    write,
    end,
    flushHeaders,
    ...takenOver(response),
    wrapped: Object.hasOwn(response, "writeHead"),
    before: beforeOf(response),
    additions: sessionHeaders(),
    waiting: { sessions, session, fail, outer: undefined },
    sources: undefined,
    calls: undefined,
    began: undefined,
    under: undefined,
    open: false,
    ended: false,
    drains: false,
    drainListeners: undefined,
    sending: false,
  };
  response.writeHead = heldWriteHead as typeof writeHead;
  // The old name, which calls Node's own method and not ours
  if ("writeHeader" in response) response.writeHeader = heldWriteHead;
  response.write = heldWrite as typeof write;
  response.end = heldEnd as typeof end;
  response.flushHeaders = heldFlushHeaders;
  ownTakenOver(response as HeldResponse);
  response.on("pipe", onPipe);
  return true;
}

function beforeOf(response: ServerResponse): Held["before"] {
  const { statusCode, statusMessage } = statusOf(response);
  return { headers: response.getHeaders(), sendDate: response.sendDate, statusCode, statusMessage };
}

/** A session on a response that another one waits for already. */
function join(held: Held, waiting: Waiting): boolean {
  for (let each: Waiting | undefined = held.waiting; each; each = each.outer)
    if (each.session === waiting.session) return true;
  if (held.calls) return false;
  held.waiting = held.open ? waiting : { ...waiting, outer: held.waiting };
  held.open = false;
  return true;
}

function onPipe(this: HeldResponse, source: Source): void {
  const held = this[HELD];
  if (held.sources === undefined) {
    held.sources = new Set();
    this.on("unpipe", onUnpipe);
  }
  held.sources.add(source);
}

function onUnpipe(this: HeldResponse, source: Source): void {
  this[HELD].sources?.delete(source);
}

function heldWriteHead(this: HeldResponse, ...args: unknown[]): ServerResponse {
  const held = this[HELD];
  if (held.calls) throw headersSentError(this, "write");
  if (held.open && (held.additions.isEmpty || this.headersSent)) return held.writeHead.apply(this, args as [number]);
  const head = headOf(args);
  const { statusCode, reason, headers } = head;
  if (!isStatusLine(this, statusCode, reason) || isOdd(headers)) return held.writeHead.apply(this, args as [number]);
  // Set one by one, or they would overrule what is merged with them
  setHeaders(this, headers);
  this.statusCode = statusCode;
  if (passes(this)) return sendHead(this, head);
  hold(this, () => sendHead(this, head));
  return this;
}

/** A list of names and values that ends with a name, which Node refuses. */
function isOdd(headers: Head["headers"]): boolean {
  return Array.isArray(headers) && headers.length % 2 !== 0 && !Array.isArray(headers[0]);
}

function sendHead(response: HeldResponse, { statusCode, reason }: Head): ServerResponse {
  const held = response[HELD];
  addTo(response, held.additions);
  const head = (reason === undefined ? [statusCode] : [statusCode, reason]) as [number];
  if (!held.wrapped) return held.writeHead.apply(response, head);
  ownHeaders(response);
  held.sending = true;
  try {
    return held.writeHead.apply(response, head);
  } finally {
    held.sending = false;
  }
}

function heldWrite(this: HeldResponse, ...args: Parameters<ServerResponse["write"]>): boolean {
  const held = this[HELD];
  if (held.open || !isChunk(this, args[0]) || passes(this)) return held.write.apply(this, args);
  hold(this, () => held.write.apply(this, args));
  held.drains = true;
  return false;
}

function heldEnd(this: HeldResponse, ...args: Parameters<ServerResponse["end"]>): ServerResponse {
  const held = this[HELD];
  const [chunk] = args as unknown[];
  const takes = !chunk || typeof chunk === "function" || isChunk(this, chunk);
  if (held.open || !takes || passes(this)) return held.end.apply(this, args);
  hold(this, () => held.end.apply(this, args));
  held.ended = true;
  return this;
}

function heldFlushHeaders(this: HeldResponse): void {
  const held = this[HELD];
  if (passes(this)) held.flushHeaders.call(this);
  else hold(this, () => held.flushHeaders.call(this));
}

/** Whether Node takes it; what it does not take, it refuses before it sends anything. */
function isChunk(response: ServerResponse, chunk: unknown): boolean {
  return typeof chunk === "string" || isUint8Array(chunk) || isHttp2(response);
}

function hold(response: HeldResponse, call: Call): void {
  response[HELD].calls?.push(call);
}

/** Whether a call that would send the head may do so now. The first one starts the commit. */
function passes(response: HeldResponse): boolean {
  const held = response[HELD];
  if (held.open) return true;
  if (held.calls) return false;
  const sent = response.headersSent;
  // Node refuses it here, before the commit. From `end` it would throw too late, and keep the length of the body.
  if (!sent && !isStatusLine(response, response.statusCode)) held.writeHead.call(response, response.statusCode);
  const committing = commitAll(held.waiting, held.additions, !sent);
  if (committing === undefined) {
    held.open = true;
    return true;
  }
  sealHead(response);
  settle(response, committing);
  return false;
}
