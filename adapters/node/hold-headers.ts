import type { OutgoingHttpHeader, OutgoingHttpHeaders, ServerResponse } from "node:http";
import { addSessionHeaders, type HeadersLike } from "../../src/index.ts";

type Call = () => void;
type Source = NodeJS.ReadableStream & { destroy?(): void };

/**
 * Holds everything that would send the head of a response until `commit` is done, then adds its headers and lets all go in order. The
 * commit starts with the first such call, since from then on the handler may not change the head either. When it fails, what the handler
 * answered is thrown away, head and body, and `fail` decides about the answer.
 */
export function holdHeaders(
  response: ServerResponse,
  commit: (deliverable: boolean) => Promise<Headers>,
  fail: (error: unknown) => void,
): void {
  const { writeHead, write, end, flushHeaders } = response;
  const before = { headers: response.getHeaders(), statusCode: response.statusCode };
  const sources = new Set<Source>();
  /** The calls held; `undefined` before the first and after the release. */
  let held: Call[] | undefined;
  let open = true;
  let ended = false;

  /** Takes a call while the head is held. False: it may pass. */
  function hold(call: Call): boolean {
    if (!open) return false;
    if (!held) {
      held = [];
      const deliverable = !isSent(response);
      const { statusCode } = response;
      commit(deliverable).then((additions) => {
        if (deliverable) {
          response.statusCode = statusCode;
          addSessionHeaders(viewOf(response), additions);
        }
        release();
      }, abandon);
    }
    if (!ended) held.push(call); // as Node does, nothing after end counts
    return true;
  }

  function release(): void {
    const calls = held ?? [];
    held = undefined;
    open = false;
    try {
      for (const call of calls) call();
    } catch (error) {
      // A status or a chunk that Node refuses. The handler that named it has returned, so that nobody is left to catch this.
      if (isSent(response)) response.destroy(error as Error);
      else abandon(error);
      return;
    }
    if (!ended && !response.writableNeedDrain) response.emit("drain");
  }

  function abandon(error: unknown): void {
    held = undefined;
    open = false;
    for (const source of sources) {
      source.unpipe(response);
      // Not at once: `pipeline` would take the response down with its source, before there is an answer
      response.once("close", () => source.destroy?.());
    }
    // A handler that still writes by hand meets an ended response: that is no reason to end the process
    response.on("error", () => {});
    if (!isSent(response)) startOver(response, before);
    try {
      fail(error);
    } catch (failure) {
      // Nobody answers and nobody is left to catch it: the client shall not wait, and the process shall not end
      response.destroy();
      process.emitWarning(new Error("A session could not be committed, and the error found no handler", { cause: failure ?? error }));
    }
  }

  response.on("pipe", (source: Source) => sources.add(source));
  response.on("unpipe", (source: Source) => sources.delete(source));
  // Error handlers ask this before they answer a second time
  Object.defineProperty(response, "headersSent", { get: () => held !== undefined || isSent(response), configurable: true });

  let headHeld = false;
  response.writeHead = function heldWriteHead(statusCode: number, ...rest: unknown[]): ServerResponse {
    if (!open) return writeHead.apply(response, [statusCode, ...rest] as Parameters<typeof writeHead>);
    // Compression asks for the head again and again, since it does not see it go
    if (held && rest.length === 0 && statusCode === response.statusCode && headHeld) return response;
    if (held) throw headersSentError("write");
    const reason = typeof rest[0] === "string" ? rest[0] : undefined;
    // Set one by one, or they would overrule what is merged with them
    setHeaders(response, (reason === undefined ? (rest[0] ?? rest[1]) : rest[1]) as WriteHeadHeaders);
    response.statusCode = statusCode;
    headHeld = true;
    hold(() => {
      if (reason === undefined) writeHead.call(response, statusCode);
      else (writeHead as (status: number, reason: string) => void).call(response, statusCode, reason);
    });
    return response;
  };
  response.write = function heldWrite(...args: unknown[]): boolean {
    const call = () => write.apply(response, args as Parameters<typeof write>);
    return hold(call) ? false : call();
  } as typeof write;
  response.end = function heldEnd(...args: unknown[]): ServerResponse {
    const call = () => end.apply(response, args as unknown as Parameters<typeof end>);
    if (!hold(call)) return call();
    ended = true;
    return response;
  } as typeof end;
  response.flushHeaders = function heldFlushHeaders(): void {
    const call = () => flushHeaders.call(response);
    if (!hold(call)) call();
  };
}

/** `headersSent` as the class has it, under the property that we put over it. */
function isSent(response: ServerResponse): boolean {
  return Reflect.get(Object.getPrototypeOf(response), "headersSent", response) as boolean;
}

/** What stood there before the handler ran stays: an error page needs the CORS headers as well. */
function startOver(response: ServerResponse, { headers, statusCode }: { headers: OutgoingHttpHeaders; statusCode: number }): void {
  for (const name of response.getHeaderNames()) response.removeHeader(name);
  for (const [name, value] of Object.entries(headers)) if (value !== undefined) response.setHeader(name, value);
  response.statusCode = statusCode;
  if (response.statusMessage) response.statusMessage = "";
}

function headersSentError(what: string): Error {
  return Object.assign(new Error(`Cannot ${what} headers after they are sent to the client`), { code: "ERR_HTTP_HEADERS_SENT" });
}

type WriteHeadHeaders = Record<string, OutgoingHttpHeader | undefined> | OutgoingHttpHeader[] | [string, OutgoingHttpHeader][] | undefined;

/**
 * The three shapes of headers that `writeHead` takes: an object, a flat list of names and values, a list of pairs. Lists may repeat a name.
 */
function setHeaders(response: ServerResponse, headers: WriteHeadHeaders): void {
  if (headers === undefined || headers === null) return;
  if (!Array.isArray(headers)) {
    for (const [name, value] of Object.entries(headers)) if (value !== undefined) response.setHeader(name, value);
    return;
  }
  const flat = headers.every((item) => Array.isArray(item)) ? headers.flat(1) : headers;
  const seen = new Set<string>();
  for (let at = 0; at + 1 < flat.length; at += 2) {
    const name = String(flat[at]);
    const value = flat[at + 1] as string | string[];
    if (seen.has(name.toLowerCase())) response.appendHeader(name, value);
    else response.setHeader(name, value);
    seen.add(name.toLowerCase());
  }
}

/** The headers of a response as merging wants to see them. */
function viewOf(response: ServerResponse): HeadersLike {
  return {
    get(name) {
      const value = response.getHeader(name);
      return value === undefined ? null : String(value);
    },
    set: (name, value) => void response.setHeader(name, value),
    append: (name, value) => void response.appendHeader(name, value),
    delete: (name) => response.removeHeader(name),
    getSetCookie() {
      const value = response.getHeader("set-cookie");
      return value === undefined ? [] : [value].flat().map(String);
    },
  };
}
