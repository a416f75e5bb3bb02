import type { OutgoingHttpHeader, ServerResponse } from "node:http";
import { addSessionHeaders, type HeadersLike, type SessionHeaders } from "../../src/index.ts";
import { type Held, isHttp2, setStatus } from "./held-response.ts";

/** What stood there before the handler ran stays: an error page needs the CORS headers as well. */
export function startOver(response: ServerResponse, { before }: Held): void {
  removeAll(response);
  for (const [name, value] of Object.entries(before.headers)) if (value !== undefined) response.setHeader(name, value);
  response.sendDate = before.sendDate;
  response.addTrailers({});
  setStatus(response, before);
}

/**
 * Removes all headers and what Node has concluded from them: that headers which were removed are to be missing, and how
 * long a body is that was never sent.
 */
function removeAll(response: ServerResponse): void {
  const concluded = response as unknown as Record<string, unknown>;
  const { _removedConnection, _removedContLen, _removedTE } = concluded;
  for (const name of response.getHeaderNames()) response.removeHeader(name);
  if (Object.hasOwn(concluded, "_contentLength"))
    Object.assign(concluded, { _removedConnection, _removedContLen, _removedTE, _contentLength: null });
}

export type WriteHeadHeaders =
  | Record<string, OutgoingHttpHeader | undefined>
  | OutgoingHttpHeader[]
  | [string, OutgoingHttpHeader][]
  | undefined;

/** The arguments of `writeHead`, sorted. */
export interface Head {
  readonly statusCode: number;
  readonly reason: string | undefined;
  readonly headers: WriteHeadHeaders;
}

export function headOf([statusCode, second, third]: readonly unknown[]): Head {
  const status = (statusCode as number) | 0;
  return typeof second === "string"
    ? { statusCode: status, reason: second, headers: third as WriteHeadHeaders }
    : { statusCode: status, reason: undefined, headers: (third ?? second) as WriteHeadHeaders };
}

/** Whether Node takes the status line of a response. What it refuses must fail before the commit, not after. */
export function isStatusLine(response: ServerResponse, statusCode: number, reason?: string): boolean {
  const code = statusCode | 0;
  if (code < 100 || code > 999) return false;
  const phrase = reason ?? (isHttp2(response) ? undefined : response.statusMessage);
  return !phrase || !/[^\t\x20-\x7e\x80-\xff]/.test(phrase);
}

/**
 * The three shapes of headers that `writeHead` takes: an object, a flat list of names and values, a list of pairs.
 * Lists may repeat a name. Of a list that Node refuses nothing stays.
 */
export function setHeaders(response: ServerResponse, headers: WriteHeadHeaders): void {
  if (headers === undefined || headers === null) return;
  const first = response.getHeaderNames().length === 0;
  try {
    if (Array.isArray(headers)) setList(response, headers);
    else for (const [name, value] of Object.entries(headers)) response.setHeader(name, value as OutgoingHttpHeader);
  } catch (error) {
    if (first) removeAll(response);
    throw error;
  }
}

function setList(response: ServerResponse, headers: OutgoingHttpHeader[] | [string, OutgoingHttpHeader][]): void {
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

/**
 * What commits add is merged with what stands on a response. More than once, if need be: whoever writes headers after
 * the commit, such as `on-headers`, is merged with as well, and so is an error page.
 */
export function addTo(response: ServerResponse, additions: SessionHeaders): void {
  if (!additions.isEmpty) addSessionHeaders(new HeadersOf(response), additions);
}

/** The headers of a response as merging wants to see them. A class: five closures per response cost more. */
class HeadersOf implements HeadersLike {
  private readonly response: ServerResponse;

  constructor(response: ServerResponse) {
    this.response = response;
  }
  get(name: string): string | null {
    const value = this.response.getHeader(name);
    return value === undefined ? null : String(value);
  }
  set(name: string, value: string): void {
    this.response.setHeader(name, value);
  }
  append(name: string, value: string): void {
    this.response.appendHeader(name, value);
  }
  delete(name: string): void {
    this.response.removeHeader(name);
  }
  getSetCookie(): string[] {
    const value = this.response.getHeader("set-cookie");
    return value === undefined ? [] : [value].flat().map(String);
  }
}
