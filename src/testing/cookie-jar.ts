/** A client for tests that keeps cookies as a browser does. */
import { type Cookie, domainMatches, isTrustworthy, parseSetCookie, pathMatches } from "./set-cookie.ts";

/** Where requests go and what time it is. */
export interface CookieJarOptions {
  /** What relative addresses are resolved against. Default `https://localhost`. */
  readonly origin?: string;
  /** The time in epoch milliseconds, by which cookies end. Default `Date.now`. */
  readonly clock?: () => number;
}

/** A client with a memory for cookies. */
export interface CookieJar {
  /**
   * Sends a request with the cookies kept for its address and keeps those of the response. Redirects are returned, not
   * followed.
   */
  fetch(input: string | URL | Request, init?: RequestInit): Promise<Response>;
  /** The value of a cookie kept for the origin, whatever its path. */
  get(name: string): string | undefined;
  /** The Cookie header of a request to `url`; empty when no cookie belongs there. */
  header(url: string | URL): string;
  /** Keeps the Set-Cookie lines of a response from `url`: those that a browser would keep. */
  keep(url: string | URL, headers: Headers): void;
  /** Forgets all cookies that would not outlive the browser. */
  closeBrowser(): void;
}

/**
 * A client that keeps cookies, for tests. It follows RFC 6265bis in what a server can see: domain, path, Secure, expiry
 * with its cap of 400 days, replacement, sizes, control characters, and the rules of the `__Host-`, `__Secure-` and
 * `__Http-` prefixes; and Chromium in that it refuses `SameSite=None` and `Partitioned` without `Secure`. What it
 * leaves out: SameSite in requests, since each is the user's own; partitions, since there is one page; how many cookies
 * a browser keeps for a site; and the list of public suffixes, of which it knows the top-level domains.
 *
 * @param send A fetch handler, or `fetch` itself, which is the default.
 *
 * @example
 * ```ts
 * const browser = cookieJar(app.fetch);
 * await browser.fetch("/login", { method: "POST", body: new URLSearchParams({ name: "anna" }) });
 * const response = await browser.fetch("/account");
 * ```
 */
export function cookieJar(
  send: (request: Request) => Response | Promise<Response> = (request) => fetch(request),
  options: CookieJarOptions = {},
): CookieJar {
  // Date.now is looked up with each call, since a test may replace it later
  const { origin = "https://localhost", clock = () => Date.now() } = options;
  let cookies: Cookie[] = [];

  function keep(from: string | URL, headers: Headers): void {
    const url = new URL(from, origin);
    for (const line of headers.getSetCookie()) {
      const cookie = parseSetCookie(line, url, clock());
      if (cookie === undefined || hidesSecure(cookie, cookies, url)) continue;
      const place = cookies.findIndex((other) => isSame(other, cookie));
      const ended = cookie.endsAt !== undefined && cookie.endsAt <= clock();
      // A replaced cookie keeps its place, since the older of two with one path is sent first.
      if (place >= 0) cookies.splice(place, 1, ...(ended ? [] : [cookie]));
      else if (!ended) cookies.push(cookie);
    }
  }

  function kept(url: URL): Cookie[] {
    cookies = cookies.filter(({ endsAt }) => endsAt === undefined || endsAt > clock());
    return cookies.filter(
      (cookie) => domainMatches(cookie.domain, url.hostname) && (!cookie.secure || isTrustworthy(url)),
    );
  }

  function header(to: string | URL): string {
    const url = new URL(to, origin);
    return kept(url)
      .filter(({ path }) => pathMatches(path, url.pathname))
      .sort((a, b) => b.path.length - a.path.length)
      .map(({ name, value }) => (name === "" ? value : `${name}=${value}`))
      .join("; ");
  }

  return {
    async fetch(input, init) {
      const request = new Request(isRequest(input) ? input : new URL(input, origin), {
        redirect: "manual",
        ...init,
      });
      const all = [request.headers.get("cookie"), header(request.url)].filter(Boolean).join("; ");
      if (all !== "") request.headers.set("cookie", all);
      const response = await send(request);
      keep(request.url, response.headers);
      return response;
    },
    get: (name) => kept(new URL(origin)).find((cookie) => cookie.name === name)?.value,
    header,
    keep,
    closeBrowser() {
      cookies = cookies.filter(({ endsAt }) => endsAt !== undefined);
    },
  };
}

/** Not by the class: `@hono/node-server` for one replaces the global `Request` by one of its own. */
function isRequest(input: string | URL | Request): input is Request {
  return typeof input === "object" && "headers" in input;
}

function isSame(a: Cookie, b: Cookie): boolean {
  return a.name === b.name && a.domain === b.domain && a.path === b.path;
}

/**
 * RFC 6265bis, section 5.7, "leave secure cookies alone": over plain http nobody replaces or hides a Secure cookie of
 * the name.
 */
function hidesSecure(cookie: Cookie, kept: readonly Cookie[], url: URL): boolean {
  const bare = (domain: string): string => domain.replace(/^\./, "");
  return (
    !cookie.secure &&
    !isTrustworthy(url) &&
    kept.some(
      (other) =>
        other.secure &&
        other.name === cookie.name &&
        (domainMatches(`.${bare(other.domain)}`, bare(cookie.domain)) ||
          domainMatches(`.${bare(cookie.domain)}`, bare(other.domain))) &&
        pathMatches(other.path, cookie.path),
    )
  );
}
