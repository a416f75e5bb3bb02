import type { OutgoingHttpHeaders, ServerResponse } from "node:http";
import type { Awaitable, HeadersLike } from "../../src/index.ts";
import { setHeaders, startOver, viewOf, type WriteHeadHeaders } from "./response-headers.ts";

type Call = () => void;
type Source = NodeJS.ReadableStream & { destroy?(): void };

/**
 * A session that waits for the head of the response: how to commit it to headers, and who decides about the answer when
 * that fails.
 */
interface Waiting {
  commitTo(headers: HeadersLike, deliverable: boolean): Awaitable<void>;
  fail(error: unknown): void;
  /** The one that was mounted before it. */
  readonly outer: Waiting | undefined;
}

/** What is known of a response whose head waits for sessions. */
interface Held {
  /** The methods as they were before ours. */
  readonly writeHead: ServerResponse["writeHead"];
  readonly write: ServerResponse["write"];
  readonly end: ServerResponse["end"];
  readonly flushHeaders: ServerResponse["flushHeaders"];
  readonly before: { readonly headers: OutgoingHttpHeaders; readonly statusCode: number };
  /** The innermost, which is committed first. */
  waiting: Waiting;
  /** What is piped into the response. */
  sources: Set<Source> | undefined;
  /**
   * The calls held; `undefined` before the first and after the release, and always where no commit has to be waited
   * for.
   */
  calls: Call[] | undefined;
  /** All is committed, or given up: calls pass. */
  open: boolean;
  ended: boolean;
  headHeld: boolean;
}

/** What went wrong, and who decides about the answer. */
type Failure = Pick<Waiting, "fail"> & { readonly error: unknown };

const HELD: unique symbol = Symbol("head held until the session is committed");

type HeldResponse = ServerResponse & { [HELD]: Held };

/**
 * Commits before the head of a response leaves. The commit starts with the first call that would send the head, since
 * from then on the handler may not change the head either. Done at once, it adds its headers and the call passes. Where
 * it has to be waited for, this call and all that follow are held, and let go in order when it is done. When it fails,
 * what the handler answered is thrown away, head and body, and `fail` decides about the answer.
 *
 * The methods put over the response's own are the same functions for all responses, with their state on the response:
 * closures would give each response a shape of its own, which doubled the CPU of a whole request.
 */
export function holdHeaders(response: ServerResponse, commitTo: Waiting["commitTo"], fail: Waiting["fail"]): void {
  const present = (response as Partial<HeldResponse>)[HELD];
  if (present) {
    present.waiting = { commitTo, fail, outer: present.waiting };
    return;
  }
  const { writeHead, write, end, flushHeaders, statusCode } = response;
  (response as HeldResponse)[HELD] = {
    writeHead,
    write,
    end,
    flushHeaders,
    before: { headers: response.getHeaders(), statusCode },
    waiting: { commitTo, fail, outer: undefined },
    sources: undefined,
    calls: undefined,
    open: false,
    ended: false,
    headHeld: false,
  };
  response.writeHead = heldWriteHead as typeof writeHead;
  response.write = heldWrite as typeof write;
  response.end = heldEnd as typeof end;
  response.flushHeaders = heldFlushHeaders;
  response.on("pipe", onPipe);
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

function heldWriteHead(this: HeldResponse, ...args: [statusCode: number, ...rest: unknown[]]): ServerResponse {
  const held = this[HELD];
  const { writeHead } = held;
  if (held.open) return writeHead.apply(this, args as Parameters<typeof writeHead>);
  const [statusCode, ...rest] = args;
  // Compression asks for the head again and again, since it does not see it go
  if (held.calls && rest.length === 0 && statusCode === this.statusCode && held.headHeld) return this;
  if (held.calls) throw headersSentError("write");
  const reason = typeof rest[0] === "string" ? rest[0] : undefined;
  // Set one by one, or they would overrule what is merged with them
  setHeaders(this, (reason === undefined ? (rest[0] ?? rest[1]) : rest[1]) as WriteHeadHeaders);
  this.statusCode = statusCode;
  const head = (reason === undefined ? [statusCode] : [statusCode, reason]) as Parameters<typeof writeHead>;
  if (passes(this)) return writeHead.apply(this, head);
  held.headHeld = true;
  hold(held, () => writeHead.apply(this, head));
  return this;
}

function heldWrite(this: HeldResponse, ...args: Parameters<ServerResponse["write"]>): boolean {
  const held = this[HELD];
  if (passes(this)) return held.write.apply(this, args);
  hold(held, () => held.write.apply(this, args));
  return false;
}

function heldEnd(this: HeldResponse, ...args: Parameters<ServerResponse["end"]>): ServerResponse {
  const held = this[HELD];
  if (passes(this)) return held.end.apply(this, args);
  hold(held, () => held.end.apply(this, args));
  held.ended = true;
  return this;
}

function heldFlushHeaders(this: HeldResponse): void {
  const held = this[HELD];
  if (passes(this)) held.flushHeaders.call(this);
  else hold(held, () => held.flushHeaders.call(this));
}

function hold({ calls, ended }: Held, call: Call): void {
  if (!ended) calls?.push(call); // as Node does, nothing after end counts
}

/** Whether a call that would send the head may do so now. The first one starts the commit. */
function passes(response: HeldResponse): boolean {
  const held = response[HELD];
  if (held.open) return true;
  if (held.calls) return false;
  const headers = viewOf(response);
  const deliverable = !response.headersSent;
  const committing = commitAll(held.waiting, headers, deliverable);
  if (committing === undefined) {
    held.open = true;
    return true;
  }
  held.calls = [];
  Object.defineProperty(response, "headersSent", HEADERS_SENT);
  settle(response, held, committing);
  return false;
}

/** From the innermost session outwards; `undefined` when all are done already. Resolves with the failure. */
function commitAll(
  waiting: Waiting,
  headers: HeadersLike,
  deliverable: boolean,
): Promise<Failure | undefined> | undefined {
  for (let each: Waiting | undefined = waiting; each; each = each.outer) {
    const { fail, outer } = each;
    try {
      const committing = each.commitTo(headers, deliverable);
      if (committing === undefined) continue;
      return committing.then(
        () => outer && commitAll(outer, headers, deliverable),
        (error) => ({ error, fail }),
      );
    } catch (error) {
      // Not at once: until the handler had its turn, what it writes still belongs to the response that is thrown away
      return Promise.resolve({ error, fail });
    }
  }
  return undefined;
}

async function settle(response: HeldResponse, held: Held, committing: Promise<Failure | undefined>): Promise<void> {
  const { statusCode } = response;
  const failure = await committing;
  if (failure) {
    abandon(response, failure);
    return;
  }
  response.statusCode = statusCode;
  release(response, held);
}

function release(response: HeldResponse, held: Held): void {
  const calls = held.calls ?? [];
  held.calls = undefined;
  held.open = true;
  try {
    for (const call of calls) call();
  } catch (error) {
    // A status or a chunk that Node refuses. The handler that named it has returned, so that nobody is left to catch
    // this.
    if (isSent(response)) response.destroy(error as Error);
    else abandon(response, { error, fail: held.waiting.fail });
    return;
  }
  if (!held.ended && !response.writableNeedDrain) response.emit("drain");
}

function abandon(response: HeldResponse, { error, fail }: Failure): void {
  const held = response[HELD];
  held.calls = undefined;
  held.open = true;
  for (const source of held.sources ?? []) {
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
    process.emitWarning(
      new Error("A session could not be committed, and the error found no handler", { cause: failure ?? error }),
    );
  }
}

function headersSentError(what: string): Error {
  return Object.assign(new Error(`Cannot ${what} headers after they are sent to the client`), {
    code: "ERR_HTTP_HEADERS_SENT",
  });
}
