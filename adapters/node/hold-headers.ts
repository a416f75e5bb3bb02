import type { OutgoingHttpHeaders, ServerResponse } from "node:http";
import { addSessionHeaders } from "../../src/index.ts";
import { setHeaders, startOver, viewOf, type WriteHeadHeaders } from "./response-headers.ts";

type Call = () => void;
type Source = NodeJS.ReadableStream & { destroy?(): void };

/** A session that waits for the head of the response: how to commit it, and who decides about the answer when that fails. */
interface Waiting {
  commit(deliverable: boolean): Promise<Headers>;
  fail(error: unknown): void;
}

/** What is known of a response whose head is held. */
interface Held {
  /** The methods as they were before ours. */
  readonly writeHead: ServerResponse["writeHead"];
  readonly write: ServerResponse["write"];
  readonly end: ServerResponse["end"];
  readonly flushHeaders: ServerResponse["flushHeaders"];
  readonly before: { readonly headers: OutgoingHttpHeaders; readonly statusCode: number };
  /** The innermost first: it was mounted last. */
  readonly waiting: Waiting[];
  readonly sources: Set<Source>;
  /** The calls held; `undefined` before the first and after the release. */
  calls: Call[] | undefined;
  open: boolean;
  ended: boolean;
  headHeld: boolean;
}

const HELD: unique symbol = Symbol("head held until the session is committed");

type HeldResponse = ServerResponse & { [HELD]: Held };

/**
 * Holds everything that would send the head of a response until `commit` is done, then adds its headers and lets all go in order. The
 * commit starts with the first such call, since from then on the handler may not change the head either. When it fails, what the handler
 * answered is thrown away, head and body, and `fail` decides about the answer.
 *
 * The methods put over the response's own are the same functions for all responses, with their state on the response: closures would give
 * each response a shape of its own, which doubled the CPU of a whole request.
 */
export function holdHeaders(response: ServerResponse, commit: Waiting["commit"], fail: Waiting["fail"]): void {
  const present = (response as Partial<HeldResponse>)[HELD];
  if (present) {
    present.waiting.unshift({ commit, fail });
    return;
  }
  const { writeHead, write, end, flushHeaders, statusCode } = response;
  const before = { headers: response.getHeaders(), statusCode };
  const state = { calls: undefined, open: true, ended: false, headHeld: false };
  (response as HeldResponse)[HELD] = {
    writeHead,
    write,
    end,
    flushHeaders,
    before,
    waiting: [{ commit, fail }],
    sources: new Set(),
    ...state,
  };
  response.writeHead = heldWriteHead as typeof writeHead;
  response.write = heldWrite as typeof write;
  response.end = heldEnd as typeof end;
  response.flushHeaders = heldFlushHeaders;
  response.on("pipe", onPipe);
  response.on("unpipe", onUnpipe);
  Object.defineProperty(response, "headersSent", HEADERS_SENT);
}

/** Error handlers ask this before they answer a second time. */
const HEADERS_SENT: PropertyDescriptor & ThisType<HeldResponse> = {
  get() {
    return this[HELD].calls !== undefined || isSent(this);
  },
  configurable: true,
};

/** `headersSent` as the class has it, under the property that we put over it. */
function isSent(response: ServerResponse): boolean {
  return Reflect.get(Object.getPrototypeOf(response), "headersSent", response) as boolean;
}

function onPipe(this: HeldResponse, source: Source): void {
  this[HELD].sources.add(source);
}

function onUnpipe(this: HeldResponse, source: Source): void {
  this[HELD].sources.delete(source);
}

function heldWriteHead(this: HeldResponse, statusCode: number, ...rest: unknown[]): ServerResponse {
  const held = this[HELD];
  const { writeHead } = held;
  if (!held.open) return writeHead.apply(this, [statusCode, ...rest] as Parameters<typeof writeHead>);
  // Compression asks for the head again and again, since it does not see it go
  if (held.calls && rest.length === 0 && statusCode === this.statusCode && held.headHeld) return this;
  if (held.calls) throw headersSentError("write");
  const reason = typeof rest[0] === "string" ? rest[0] : undefined;
  // Set one by one, or they would overrule what is merged with them
  setHeaders(this, (reason === undefined ? (rest[0] ?? rest[1]) : rest[1]) as WriteHeadHeaders);
  this.statusCode = statusCode;
  held.headHeld = true;
  hold(this, () => {
    if (reason === undefined) writeHead.call(this, statusCode);
    else (writeHead as (status: number, reason: string) => void).call(this, statusCode, reason);
  });
  return this;
}

function heldWrite(this: HeldResponse, ...args: unknown[]): boolean {
  const { write } = this[HELD];
  const call = () => write.apply(this, args as Parameters<typeof write>);
  return hold(this, call) ? false : call();
}

function heldEnd(this: HeldResponse, ...args: unknown[]): ServerResponse {
  const held = this[HELD];
  const call = () => held.end.apply(this, args as unknown as Parameters<typeof held.end>);
  if (!hold(this, call)) return call();
  held.ended = true;
  return this;
}

function heldFlushHeaders(this: HeldResponse): void {
  const call = () => this[HELD].flushHeaders.call(this);
  if (!hold(this, call)) call();
}

/** Takes a call while the head is held. False: it may pass. */
function hold(response: HeldResponse, call: Call): boolean {
  const held = response[HELD];
  if (!held.open) return false;
  if (!held.calls) {
    held.calls = [];
    commitAll(response, held);
  }
  if (!held.ended) held.calls.push(call); // as Node does, nothing after end counts
  return true;
}

async function commitAll(response: HeldResponse, held: Held): Promise<void> {
  const deliverable = !isSent(response);
  const { statusCode } = response;
  for (const { commit, fail } of held.waiting) {
    let additions: Headers;
    try {
      additions = await commit(deliverable);
    } catch (error) {
      abandon(response, error, fail);
      return;
    }
    if (!deliverable) continue;
    response.statusCode = statusCode;
    addSessionHeaders(viewOf(response), additions);
  }
  release(response, held);
}

function release(response: HeldResponse, held: Held): void {
  const calls = held.calls ?? [];
  held.calls = undefined;
  held.open = false;
  try {
    for (const call of calls) call();
  } catch (error) {
    // A status or a chunk that Node refuses. The handler that named it has returned, so that nobody is left to catch this.
    if (isSent(response)) response.destroy(error as Error);
    else abandon(response, error, (held.waiting[0] as Waiting).fail);
    return;
  }
  if (!held.ended && !response.writableNeedDrain) response.emit("drain");
}

function abandon(response: HeldResponse, error: unknown, fail: Waiting["fail"]): void {
  const held = response[HELD];
  held.calls = undefined;
  held.open = false;
  for (const source of held.sources) {
    source.unpipe(response);
    // Not at once: `pipeline` would take the response down with its source, before there is an answer
    response.once("close", () => source.destroy?.());
  }
  // A handler that still writes by hand meets an ended response: that is no reason to end the process
  response.on("error", () => {});
  if (!isSent(response)) startOver(response, held.before);
  try {
    fail(error);
  } catch (failure) {
    // Nobody answers and nobody is left to catch it: the client shall not wait, and the process shall not end
    response.destroy();
    process.emitWarning(new Error("A session could not be committed, and the error found no handler", { cause: failure ?? error }));
  }
}

function headersSentError(what: string): Error {
  return Object.assign(new Error(`Cannot ${what} headers after they are sent to the client`), { code: "ERR_HTTP_HEADERS_SENT" });
}
