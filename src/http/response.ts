import { nameOfSetCookie } from "./cookie.ts";

/** What a response gets: our Set-Cookie lines, and whether it depends on the session. */
export interface Additions {
  readonly setCookie: readonly string[];
  readonly accessed: boolean;
}

/** What merging needs of the headers of a response, so that an adapter need not build a `Headers`. */
export type HeadersLike = Pick<Headers, "get" | "set" | "append" | "delete" | "getSetCookie">;

/**
 * The additions as headers to merge with {@link addSessionHeaders}. Empty when the session was neither accessed nor
 * changed.
 */
export function headersOf(additions: Additions): Headers {
  const headers = new Headers();
  merge(headers, additions);
  return headers;
}

/**
 * Merges what `commit` returned into the headers of a response, for adapters. The response's own headers are kept:
 * `Vary` gains `Cookie`; `Cache-Control` becomes `no-store` if there is none; beside a Set-Cookie of ours it loses
 * `public` and `s-maxage` and gains `private`, since a shared cache may keep a Set-Cookie otherwise (RFC 9111, section
 * 3). A Set-Cookie of our name is replaced. `target` must belong to this request alone: never the headers of a
 * `Response` that a handler returned and may return again.
 * @throws TypeError when the headers are immutable
 */
export function addSessionHeaders(target: HeadersLike, additions: Headers): void {
  if (additions.has("vary")) merge(target, { setCookie: additions.getSetCookie(), accessed: true });
}

/**
 * {@link addSessionHeaders} for a whole response. A Set-Cookie goes on a copy, which streams the same body: handlers
 * share responses between requests, and a cookie left on one is sent to the next visitor. `Vary` and `Cache-Control`
 * alone are merged in place where the headers are mutable.
 */
export function withSessionHeaders(response: Response, additions: Headers): Response {
  return additions.has("vary")
    ? withAdditions(response, { setCookie: additions.getSetCookie(), accessed: true })
    : response;
}

/**
 * Whether a Set-Cookie can be put on a response. Network errors have no headers at all, and an upgrade must not be
 * copied.
 */
export function canCarryCookie(response: Response | undefined): response is Response {
  return response !== undefined && response.status !== 0 && response.status !== 101;
}

/** The response with the additions, as {@link withSessionHeaders} describes it. */
export function withAdditions(response: Response, additions: Additions): Response {
  if (!isAny(additions) || !canCarryCookie(response)) return response;
  if (additions.setCookie.length === 0) {
    try {
      merge(response.headers, additions);
      return response;
    } catch {
      // Immutable, as those of Response.redirect() and of fetch() are on Node, Deno and workerd: copied
    }
  }
  const copy = new Response(response.body, response);
  merge(copy.headers, additions);
  return copy;
}

/** Whether there is anything to add. */
function isAny({ setCookie, accessed }: Additions): boolean {
  return accessed || setCookie.length > 0;
}

/** Merges additions with headers that can be changed. */
export function merge(target: HeadersLike, additions: Additions): void {
  if (!isAny(additions)) return;
  const { setCookie } = additions;
  const vary = target.get("vary");
  if (vary === null) target.set("vary", "Cookie");
  else if (!/(?:^|,)\s*(?:cookie|\*)\s*(?:,|$)/i.test(vary)) target.append("vary", "Cookie");
  const cacheControl = target.get("cache-control");
  if (cacheControl === null) target.set("cache-control", "no-store");
  if (setCookie.length === 0) return;
  if (cacheControl !== null) target.set("cache-control", keptFromSharedCaches(cacheControl));
  replaceCookies(target, setCookie);
}

/**
 * Directives are split at commas outside of quotes: `private="set-cookie"` is one, and not the unqualified `private`.
 */
function keptFromSharedCaches(cacheControl: string): string {
  const directives = (cacheControl.match(/(?:"(?:[^"\\]|\\.)*"|[^,"])+/g) ?? [])
    .map((directive) => directive.trim())
    .filter(Boolean);
  const kept = directives.filter((directive) => !/^(?:public|s-maxage\b.*)$/i.test(directive));
  const isPrivate = kept.some((directive) => /^(?:private|no-store)$/i.test(directive));
  return (isPrivate ? kept : [...kept, "private"]).join(", ");
}

/** Exactly one Set-Cookie of each name of ours (RFC 6265bis, section 4.1.1); foreign lines keep their order. */
function replaceCookies(target: HeadersLike, ours: readonly string[]): void {
  const present = target.getSetCookie();
  if (present.length > 0) {
    const names = ours.map(nameOfSetCookie);
    const foreign = present.filter((line) => !names.includes(nameOfSetCookie(line)));
    if (foreign.length < present.length) {
      target.delete("set-cookie");
      for (const line of foreign) target.append("set-cookie", line);
    }
  }
  for (const line of ours) target.append("set-cookie", line);
}
