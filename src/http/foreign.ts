import { known, must, oneOf } from "../option-checks.ts";
import { atOnce } from "../platform/awaitable.ts";
import type { RequestLike } from "./cookie-options.ts";

/** Which requests from other origins may use the session, and what the others get. */
export interface CrossOriginOptions {
  /**
   * Origins whose pages may send state-changing requests, exactly as the `Origin` header has them:
   * `"https://pay.example"`, with a port if it is not the default one. Default none.
   */
  trusted?: readonly string[];
  /** Lets a request through although another origin sent it. Called for foreign requests only. */
  exempt?: (request: RequestLike) => boolean;
  /**
   * What a foreign request gets: an empty session that refuses writes (`"anonymous"`, the default), or a 403 before the
   * handler runs (`"refuse"`).
   */
  answer?: "anonymous" | "refuse";
}

/** The options of {@link isForeign}, checked. */
export interface CrossOriginRules {
  readonly trusted: ReadonlySet<string>;
  readonly exempt: ((request: RequestLike) => boolean) | undefined;
}

/** Where a foreign request came from, as its headers say; cut, since anybody can write them. */
export interface ForeignSource {
  readonly origin: string | undefined;
  readonly site: string | undefined;
}

/**
 * Whether a page of another origin sent a request that may change something, by the headers that every browser sends
 * and no page can forge. Sessions check this by themselves; the function is for routes without one.
 *
 * 1. GET, HEAD, OPTIONS and TRACE pass, unless they open a WebSocket, which no other rule of browsers protects.
 * 2. `Sec-Fetch-Site` decides where there is one: `same-origin` and `none` (the user's own doing) pass.
 * 3. Without it (a browser before 2023, or plain http) the host of `Origin` must be the request's own. The scheme is
 *    not compared, since a proxy that ends TLS hides it. A request with neither header does not come from a browser.
 *
 * What is left passes only if `Origin` is trusted or the request exempt. A request-like object without `method` is
 * taken for a GET. Source: OWASP Cross-Site Request Forgery Prevention, "Fetch Metadata headers"; Go's
 * `http.CrossOriginProtection`.
 * @throws TypeError for options that cannot work
 */
export function isForeign(request: RequestLike, options?: CrossOriginOptions): boolean {
  return isForeignBy(request, options ? resolveCrossOrigin(options) : NOBODY_TRUSTED);
}

const NOBODY_TRUSTED: CrossOriginRules = { trusted: new Set(), exempt: undefined };

/** {@link isForeign} with options that were checked before. */
export function isForeignBy(request: RequestLike, { trusted, exempt }: CrossOriginRules): boolean {
  const { method, headers } = request;
  if ((method === undefined || SAFE_METHODS.has(method)) && !WEBSOCKET.test(headers.get("upgrade") ?? "")) return false;
  const origin = headers.get("origin");
  // First, since a page with `Referrer-Policy: no-referrer` sends `Origin: null` to its own origin too
  const site = headers.get("sec-fetch-site");
  const isOwn = site ? site === "same-origin" || site === "none" : !origin || isHostOf(origin, request);
  return !isOwn && !(origin && trusted.has(origin)) && !(exempt && isExempt(request, exempt));
}

/** Checks the options. Throws `TypeError` with what to write instead. */
export function resolveCrossOrigin(options: CrossOriginOptions): CrossOriginRules & { readonly refuse: boolean } {
  must(typeof options === "object" && options !== null, "crossOrigin", options, 'an object, or "allow"');
  known("crossOrigin", options, ["trusted", "exempt", "answer"]);
  const { trusted = [], exempt, answer = "anonymous" } = options;
  must(Array.isArray(trusted), "crossOrigin.trusted", trusted, 'a list of origins such as ["https://pay.example"]');
  for (const origin of trusted) {
    must(
      isExactOrigin(origin),
      "an origin in crossOrigin.trusted",
      origin,
      "what the Origin header says: scheme://host[:port] in lower case, without the default port, a path or a wildcard",
    );
  }
  must(exempt === undefined || typeof exempt === "function", "crossOrigin.exempt", exempt, "a function");
  oneOf("crossOrigin.answer", answer, ["anonymous", "refuse"]);
  return { trusted: new Set(trusted), exempt, refuse: answer === "refuse" };
}

/** For the event and the message. */
export function sourceOf({ headers }: RequestLike): ForeignSource {
  const value = (name: string): string | undefined => headers.get(name)?.slice(0, MAX_LENGTH) || undefined;
  return { origin: value("origin"), site: value("sec-fetch-site") };
}

/** What a foreign request's session says to a write. */
export function foreignMessage(request: RequestLike): string {
  const { origin, site } = sourceOf(request);
  const from = isExactOrigin(origin) ? origin : `another ${site === "same-site" ? "origin of this site" : "site"}`;
  const trust = isExactOrigin(origin) ? `trusted: ["${origin}"]` : "exempt: (request) => …";
  return `This request comes from ${from}, so its session is empty and takes no changes; to let it through write crossOrigin: { ${trust} }`;
}

/** RFC 9110, section 9.2.1. */
const SAFE_METHODS: ReadonlySet<string> = new Set(["GET", "HEAD", "OPTIONS", "TRACE"]);
const WEBSOCKET = /websocket/i;
/** No origin of a browser is longer. */
const MAX_LENGTH = 300;

/** The host that a browser asked: of the URL, or of the Host header where a framework put another one into the URL. */
function isHostOf(origin: string, { url, headers }: RequestLike): boolean {
  const from = parse(origin);
  if (from?.origin !== origin || !/^https?:$/.test(from.protocol)) return false;
  const host = headers.get("host");
  // Under the scheme of the origin, so that its default port is none on both sides
  return [parse(url)?.host, host].some((own) => !!own && parse(`${from.protocol}//${own}`)?.origin === from.origin);
}

/** A promise is truthy: an async function would exempt every request. */
function isExempt(request: RequestLike, exempt: (request: RequestLike) => unknown): boolean {
  const answer = atOnce("crossOrigin.exempt", exempt(request));
  if (typeof answer !== "boolean") throw new TypeError("crossOrigin.exempt must return true or false");
  return answer;
}

/** A custom scheme (`capacitor://localhost`, a browser extension) has the origin `null` for the URL parser. */
function isExactOrigin(value: unknown): value is string {
  if (typeof value !== "string" || value.includes("*")) return false;
  const { origin } = parse(value) ?? {};
  return origin === "null" ? CUSTOM_ORIGIN.test(value) : origin === value;
}

const CUSTOM_ORIGIN = /^[a-z][a-z0-9+.-]*:\/\/[a-z0-9._-]+(?::\d+)?$/;

function parse(url: string): URL | undefined {
  try {
    return new URL(url);
  } catch {
    return undefined;
  }
}
