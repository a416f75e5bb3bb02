import type { RequestLike, SessionCookie } from "../../src/index.ts";

/** What is called of what Next's `headers()` gives. */
export interface IncomingHeaders {
  /** A header of the request. */
  get(name: string): string | null;
}

/** What is called of what Next's `cookies()` gives. */
export interface CookieJar {
  /** The request's cookies with what was set since, decoded. */
  getAll(): readonly { readonly name: string; readonly value: string }[];
  /** Sets a cookie; throws in a server component. */
  set(name: string, value: string, options: Omit<SessionCookie, "name" | "value">): unknown;
}

/** What is called of `next/headers`. */
export interface NextHeaders {
  /** The request's cookies, and where an action or a route handler sets them. */
  cookies(): Promise<CookieJar>;
  /** The request's headers: in one request always the same object. */
  headers(): Promise<IncomingHeaders>;
}

/**
 * The request as sessions see it, where Next hands out none. The path is left out: Next does not tell it, and nothing
 * asks for it.
 */
export function requestFrom(incoming: IncomingHeaders, jar: CookieJar, method?: string): RequestLike {
  // Next itself adds the header. Without it a session must not be taken for one of plain http.
  const scheme = incoming.get("x-forwarded-proto") === "http" ? "http" : "https";
  const cookie = cookieHeader(incoming.get("cookie") ?? "", jar);
  return {
    url: `${scheme}://${incoming.get("host") ?? "localhost"}/`,
    headers: { get: (name) => (name.toLowerCase() === "cookie" ? cookie : incoming.get(name)) },
    ...(method !== undefined && { method }),
  };
}

/**
 * The cookies that the browser sent, as it sent them, and behind them those that were set since. Behind and not
 * instead: a rotated token that is seen alone counts as one that has reached the browser.
 */
function cookieHeader(sent: string, jar: CookieJar): string {
  const known = new Set(sent.split(/; */).map((pair) => encoded(...split(pair))));
  const added = jar.getAll().map(({ name, value }) => `${name}=${encodeURIComponent(value)}`);
  return [sent, ...added.filter((pair) => !known.has(pair))].filter(Boolean).join("; ");
}

/** As Next would send it on: it decodes, and leaves out what cannot be decoded. */
function encoded(name: string, value: string): string {
  try {
    return `${name}=${encodeURIComponent(decodeURIComponent(value))}`;
  } catch {
    return `${name}=${value}`;
  }
}

function split(pair: string): [string, string] {
  const at = pair.indexOf("=");
  return at < 0 ? [pair, ""] : [pair.slice(0, at), pair.slice(at + 1)];
}

/**
 * Whether it is the `Request` that route handlers and the proxy get, rather than an argument of a server action. Those
 * come from the client, which can send many things, but none with a tag.
 */
export function isRequest(argument: unknown): argument is Request {
  return Object.prototype.toString.call(argument) === "[object Request]";
}
