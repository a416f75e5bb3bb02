/** A client for tests that keeps cookies as a browser does. */

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

interface Cookie {
  readonly name: string;
  readonly value: string;
  /** The host, or with a leading dot the domain whose hosts get it. */
  readonly domain: string;
  readonly path: string;
  readonly secure: boolean;
  /** Epoch milliseconds; undefined: until the browser is closed. */
  readonly endsAt: number | undefined;
}

/**
 * A client that keeps cookies, for tests. It follows RFC 6265bis in what a server can see: domain, path, Secure,
 * expiry, replacement, and the rules of the `__Host-`, `__Secure-` and `__Http-` prefixes. SameSite plays no part,
 * since every request is the user's own.
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
  const { origin = "https://localhost", clock = Date.now } = options;
  let cookies: Cookie[] = [];

  function keep(from: string | URL, headers: Headers): void {
    const url = new URL(from, origin);
    for (const line of headers.getSetCookie()) {
      const cookie = parseSetCookie(line, url, clock());
      if (cookie === undefined) continue;
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
      .map(({ name, value }) => `${name}=${value}`)
      .join("; ");
  }

  return {
    async fetch(input, init) {
      const request = new Request(input instanceof Request ? input : new URL(input, origin), {
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

/** The cookie of a Set-Cookie line (RFC 6265bis, section 5.6), or undefined where a browser would drop it. */
function parseSetCookie(line: string, url: URL, now: number): Cookie | undefined {
  const [pair = "", ...parts] = line.split(";");
  const [name, value] = split(pair);
  const attributes = new Map(parts.map(split).map(([key, text]) => [key.toLowerCase(), text]));
  const domain = (attributes.get("domain") ?? "").replace(/^\./, "").toLowerCase();
  if (domain !== "" && !domainMatches(`.${domain}`, url.hostname)) return undefined;
  const secure = attributes.has("secure");
  if (secure && !isTrustworthy(url)) return undefined;
  const path = attributes.get("path") ?? "";
  if (!prefixAllows(name, { secure, path, domain, httpOnly: attributes.has("httponly") })) return undefined;
  return {
    name,
    value,
    domain: domain === "" ? url.hostname : `.${domain}`,
    path: path.startsWith("/") ? path : url.pathname.slice(0, Math.max(1, url.pathname.lastIndexOf("/"))),
    secure,
    endsAt: endOf(attributes, now),
  };
}

function endOf(attributes: ReadonlyMap<string, string>, now: number): number | undefined {
  const maxAge = attributes.get("max-age") ?? "";
  if (/^-?\d+$/.test(maxAge)) return now + Number(maxAge) * 1000;
  const expires = Date.parse(attributes.get("expires") ?? "");
  return Number.isNaN(expires) ? undefined : expires;
}

function split(text: string): [name: string, value: string] {
  const equals = text.indexOf("=");
  return equals < 0 ? [text.trim(), ""] : [text.slice(0, equals).trim(), text.slice(equals + 1).trim()];
}

/** RFC 6265bis, section 4.1.3: what a name promises, the cookie must keep. */
function prefixAllows(
  name: string,
  { secure, path, domain, httpOnly }: Record<"secure" | "httpOnly", boolean> & Record<"path" | "domain", string>,
): boolean {
  const prefix = /^__(?:secure|host-http|host|http)-/.exec(name.toLowerCase())?.[0];
  if (prefix === undefined) return true;
  if (!secure) return false;
  if (prefix.includes("host") && (path !== "/" || domain !== "")) return false;
  return httpOnly || !prefix.includes("http");
}

function isSame(a: Cookie, b: Cookie): boolean {
  return a.name === b.name && a.domain === b.domain && a.path === b.path;
}

function domainMatches(domain: string, host: string): boolean {
  return domain === host || (domain.startsWith(".") && (host === domain.slice(1) || host.endsWith(domain)));
}

function pathMatches(cookiePath: string, path: string): boolean {
  return path === cookiePath || path.startsWith(cookiePath.endsWith("/") ? cookiePath : `${cookiePath}/`);
}

/** Browsers take Secure cookies over https, and from this machine itself. */
function isTrustworthy({ protocol, hostname }: URL): boolean {
  return protocol === "https:" || /^(?:(?:.+\.)?localhost|127(?:\.\d+){3}|\[::1\])$/.test(hostname);
}
