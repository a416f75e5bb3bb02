import { nameOfSetCookie } from "./cookie.ts";

/** What a response gets: our Set-Cookie lines, and what it has to say about caching. */
export interface Additions {
  readonly setCookie: readonly string[];
  /** Whether the handler read or changed the session, so that the response depends on it. */
  readonly accessed: boolean;
  /** A live session that nobody looked at so far; a page that streams may do so after the head has left. */
  readonly unread?: Unread | undefined;
}

/** What merging notes about an unread session. */
export interface Unread {
  /** The head lets caches keep the response, so that whoever reads the session from now on made a mistake. */
  exposed: boolean;
}

/** {@link headersOf} of a session that nobody read: {@link addSessionHeaders} then leaves a Cache-Control alone. */
const unreadHeaders = new WeakMap<Headers, Unread>();

/** What merging needs of the headers of a response, so that an adapter need not build a `Headers`. */
export type HeadersLike = Pick<Headers, "get" | "set" | "append" | "delete" | "getSetCookie">;

/**
 * The additions as headers to merge with {@link addSessionHeaders}. Empty when there is no live session, and none was
 * accessed or changed.
 */
export function headersOf(additions: Additions): Headers {
  const headers = new Headers();
  merge(headers, additions);
  if (additions.unread && additions.setCookie.length === 0) unreadHeaders.set(headers, additions.unread);
  return headers;
}

/** The additions that {@link headersOf} made headers of. */
function additionsOf(headers: Headers): Additions {
  const unread = unreadHeaders.get(headers);
  return { setCookie: headers.getSetCookie(), accessed: unread === undefined && headers.has("vary"), unread };
}

/**
 * What commits add to a response whose own headers are not final: `commitTo` collects it, and {@link addSessionHeaders}
 * merges it whenever a head is about to leave. Made by {@link sessionHeaders}, and opaque.
 */
export interface SessionHeaders {
  /** Whether nothing was added. */
  readonly isEmpty: boolean;
}

/** Collects what commits add, for adapters that merge later than they commit. */
export function sessionHeaders(): SessionHeaders {
  return new Collected();
}

class Collected implements SessionHeaders {
  list: readonly Additions[] = NONE;

  get isEmpty(): boolean {
    return this.list === NONE;
  }
}

const NONE: readonly Additions[] = [];

/**
 * Merges what `commit` returned into the headers of a response, for adapters. The response's own headers are kept:
 * `Vary` gains `Cookie`; `Cache-Control` becomes `no-store` if there is none; beside a Set-Cookie of ours it loses
 * `public` and `s-maxage` and gains `private`, since a shared cache may keep a Set-Cookie otherwise (RFC 9111, section
 * 3); a `CDN-Cache-Control`, `Surrogate-Control` or the like becomes `no-store` then (RFC 9213). Where a live session
 * was loaded and nobody looked at it, a response that says nothing about caching gets `Vary: Cookie` and `no-store` as
 * well, since a page that streams may read it later; one that says how it is cached stays as it is. A Set-Cookie of our
 * name is replaced. `target` must belong to this request alone: never the headers of a `Response` that a handler
 * returned and may return again.
 * @throws TypeError when the headers are immutable
 */
export function addSessionHeaders(target: HeadersLike | SessionHeaders, additions: Headers | SessionHeaders): void {
  if (!isCollected(additions)) merge(target, additionsOf(additions as Headers));
  else for (const each of additions.list) merge(target, each);
}

/**
 * {@link addSessionHeaders} for a whole response. A Set-Cookie goes on a copy, which streams the same body: handlers
 * share responses between requests, and a cookie left on one is sent to the next visitor. `Vary` and `Cache-Control`
 * alone are merged in place where the headers are mutable.
 */
export function withSessionHeaders(response: Response, additions: Headers): Response {
  return withAdditions(response, additionsOf(additions));
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
function isAny({ setCookie, accessed, unread }: Additions): boolean {
  return accessed || setCookie.length > 0 || unread !== undefined;
}

/** Not by the class: an adapter may have another copy of this package. */
function isCollected(target: HeadersLike | SessionHeaders): target is Collected {
  return "isEmpty" in target;
}

/** Merges additions with headers that can be changed. */
export function merge(target: HeadersLike | SessionHeaders, additions: Additions): void {
  if (!isAny(additions)) return;
  if (isCollected(target)) target.list = [...target.list, additions];
  else mergeInto(target as HeadersLike, additions);
}

function mergeInto(target: HeadersLike, additions: Additions): void {
  const { setCookie, accessed, unread } = additions;
  const cacheControl = target.get("cache-control");
  if (!accessed && setCookie.length === 0 && saysHowToCache(target, cacheControl)) {
    if (unread) unread.exposed = isExposed(target);
    return;
  }
  const vary = target.get("vary");
  if (vary === null) target.set("vary", "Cookie");
  else if (!/(?:^|,)\s*(?:cookie|\*)\s*(?:,|$)/i.test(vary)) target.append("vary", "Cookie");
  if (cacheControl === null) target.set("cache-control", "no-store");
  if (setCookie.length === 0) return;
  if (cacheControl !== null) target.set("cache-control", keptFromSharedCaches(cacheControl));
  for (const name of targetedIn(target)) {
    if (!isKeptFromSharedCaches(target.get(name))) target.set(name, "no-store");
  }
  replaceCookies(target, setCookie);
}

/**
 * Cache-Control for certain caches only, which heed it in place of the general one (RFC 9213). Those caches are shared.
 */
const TARGETED = [
  "cdn-cache-control",
  "surrogate-control",
  ...["cloudflare", "vercel", "netlify"].map((vendor) => `${vendor}-cdn-cache-control`),
  "akamai-cache-control",
];

/** Whether the handler decided about caching: then a session that it did not look at changes nothing. */
function saysHowToCache(target: HeadersLike, cacheControl: string | null): boolean {
  return cacheControl !== null || target.get("expires") !== null || targetedIn(target).length > 0;
}

/**
 * Those of {@link TARGETED} that there are, mostly none. By one walk over the names where the target can do that, as
 * every `Headers` can: six questions took 1 µs of a request on Node.
 */
function targetedIn(target: HeadersLike & { keys?: () => Iterable<string> }): string[] {
  if (typeof target.keys !== "function") return TARGETED.filter((name) => target.get(name) !== null);
  const found: string[] = [];
  for (const name of target.keys()) if (TARGETED.includes(name.toLowerCase())) found.push(name);
  return found;
}

/** Whether a shared cache may keep a response that does not say `Vary: Cookie`. */
export function isExposed(headers: HeadersLike): boolean {
  return !isKeptFromSharedCaches(headers.get("cache-control"));
}

/** Whether no shared cache may keep the response. */
function isKeptFromSharedCaches(cacheControl: string | null): boolean {
  return (
    cacheControl !== null && directivesOf(cacheControl).some((directive) => /^(?:private|no-store)$/i.test(directive))
  );
}

function keptFromSharedCaches(cacheControl: string): string {
  const kept = directivesOf(cacheControl).filter((directive) => !/^(?:public|s-maxage\b.*)$/i.test(directive));
  return (isKeptFromSharedCaches(cacheControl) ? kept : [...kept, "private"]).join(", ");
}

/** Split at commas outside of quotes: `private="set-cookie"` is one, and not the unqualified `private`. */
function directivesOf(cacheControl: string): string[] {
  const directives = cacheControl.match(/(?:"(?:[^"\\]|\\.)*"|[^,"])+/g) ?? [];
  return directives.map((directive) => directive.trim()).filter(Boolean);
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
