import type { OutgoingHttpHeader, OutgoingHttpHeaders, ServerResponse } from "node:http";
import type { HeadersLike } from "../../src/index.ts";

/** What stood there before the handler ran stays: an error page needs the CORS headers as well. */
export function startOver(
  response: ServerResponse,
  { headers, statusCode }: { headers: OutgoingHttpHeaders; statusCode: number },
): void {
  for (const name of response.getHeaderNames()) response.removeHeader(name);
  for (const [name, value] of Object.entries(headers)) if (value !== undefined) response.setHeader(name, value);
  response.statusCode = statusCode;
  if (response.statusMessage) response.statusMessage = "";
}

export type WriteHeadHeaders =
  | Record<string, OutgoingHttpHeader | undefined>
  | OutgoingHttpHeader[]
  | [string, OutgoingHttpHeader][]
  | undefined;

/**
 * The three shapes of headers that `writeHead` takes: an object, a flat list of names and values, a list of pairs.
 * Lists may repeat a name.
 */
export function setHeaders(response: ServerResponse, headers: WriteHeadHeaders): void {
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
export function viewOf(response: ServerResponse): HeadersLike {
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
