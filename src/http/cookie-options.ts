import { boolean, known, must, oneOf } from "../option-checks.ts";
import { attributesOf, type CookieForm, scopeOf } from "./cookie.ts";

/** The least that a request must have, so that Node and framework adapters need no fake `Request`. */
export interface RequestLike {
  /** Absolute, as `Request` has it. */
  readonly url: string;
  /** As `Request` has it, in capitals. Left out, the request is taken for a GET. */
  readonly method?: string;
  /** Names in lower case are asked for. */
  readonly headers: { get(name: string): string | null };
}

/** How the cookie is named and sent. */
export interface CookieOptions {
  /**
   * Default `__Host-Http-session`; `__Secure-session` with `domain` or another `path`. A prefix is held to its rules
   * (RFC 6265bis, section 4.1.3).
   */
  name?: string;
  /** Default `/`. */
  path?: string;
  /** Default none: the cookie goes back to the host that set it and to no other. */
  domain?: string;
  /** Default `"lax"`. `"none"` sends the cookie in cross-site requests too. */
  sameSite?: "lax" | "strict" | "none";
  /**
   * Default `true`: always Secure, since behind a proxy that ends TLS a guess from the URL would drop the protection in
   * silence. `"auto"` is for development: on plain http with a loopback host, and no header of a proxy that is not on
   * this machine, the cookie is `session` without Secure, and a warning says so once. Everywhere else, and with
   * `NODE_ENV=production`, it is as by default.
   */
  secure?: true | "auto";
  /** Default `false`. A jar of its own for each top-level site (CHIPS); needs `sameSite: "none"` to be of use. */
  partitioned?: boolean;
  /** Chromium's eviction order; default none. */
  priority?: "low" | "medium" | "high";
  /** Default `false`: the cookie ends with the browser session. `persist()` decides for one session. */
  persistent?: boolean;
}

/** RFC 9110, section 5.6.2. */
const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]{1,256}$/;
/** A sealed session called `name` has its further cookies under these; another manager's cookie must not be one. */
const RESERVED = /\.\d$/;
/** RFC 6265bis, section 4.1.1: any character except controls and ";"; browsers ignore a path of over 1024. */
const PATH = /^\/[ -:<-~]{0,1023}$/;
const HOSTNAME = /^(?=.{1,253}$)[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)*$/i;

/** Checks the cookie options and says which cookie a request uses. */
export function resolveCookie(options: CookieOptions): (request: RequestLike) => CookieForm {
  known("cookie", options, ["name", "path", "domain", "sameSite", "secure", "partitioned", "priority", "persistent"]);
  const { path = "/", domain, sameSite = "lax", secure = true, priority } = options;
  const partitioned = boolean("cookie.partitioned", options.partitioned);
  const isHostOnly = domain === undefined && path === "/";
  const name = options.name ?? (isHostOnly ? "__Host-Http-session" : "__Secure-session");
  must(isText(name, TOKEN), "cookie.name", name, "1 to 256 letters, digits and !#$%&'*+-.^_`|~");
  if (RESERVED.test(name)) {
    throw new TypeError(
      `Cannot use cookie name "${name}": a name that ends in a dot and a digit is a part of a sealed session`,
    );
  }
  must(isText(path, PATH), "cookie.path", path, 'a path from "/" on, without ";" and control characters');
  must(
    domain === undefined || isText(domain, HOSTNAME),
    "cookie.domain",
    domain,
    'a host name such as "example.com", without a leading dot',
  );
  oneOf("cookie.sameSite", sameSite, ["lax", "strict", "none"]);
  oneOf("cookie.priority", priority, [undefined, "low", "medium", "high"]);
  must(
    secure === true || secure === "auto",
    "cookie.secure",
    secure,
    'true, or "auto" for development on http://localhost',
  );
  if (/^__host-/i.test(name) && !isHostOnly) {
    const obstacle = domain === undefined ? `path "${path}"` : `domain "${domain}"`;
    throw new TypeError(
      `Cannot use cookie name "${name}" with ${obstacle}: a __Host- cookie has path "/" and no domain`,
    );
  }
  const attributes = { path, domain, sameSite, partitioned, priority };
  const scope = scopeOf(attributes);
  const form: CookieForm = { name, attributes: attributesOf(attributes, true), scope };
  const prefixed = options.name !== undefined && /^__(host|secure|http)-/i.test(name);
  if (secure === true || prefixed || sameSite === "none" || partitioned || isProduction()) return () => form;
  const plain: CookieForm = { name: options.name ?? "session", attributes: attributesOf(attributes, false), scope };
  let warned = false;
  return (request) => {
    if (!isLocalDevelopment(request)) return form;
    if (!warned) console.warn(withoutSecure(request.url));
    warned = true;
    return plain;
  };
}

const HOST = String.raw`(?:(?:[^/?#@,]*\.)?localhost\.?|127\.\d+\.\d+\.\d+|\[::1\])(?::\d+)?`;
const LOOPBACK_URL = new RegExp(`^http://${HOST}(?:[/?#]|$)`, "i");
const LOOPBACK_ADDRESS = /^(?:::1|(?:::ffff:)?127\.\d+\.\d+\.\d+)$/i;

/**
 * What each header of a proxy may say where the proxy runs on this machine, as that of a framework's development server
 * does; `undefined`: nothing.
 */
const PROXY_HEADERS: [name: string, local: RegExp | undefined][] = [
  ["x-forwarded-for", LOOPBACK_ADDRESS],
  ["x-real-ip", LOOPBACK_ADDRESS],
  ["x-forwarded-host", new RegExp(`^${HOST}$`, "i")],
  ["x-forwarded-proto", /^http$/i],
  ["x-forwarded-port", /^\d+$/],
  ["forwarded", undefined],
  ["via", undefined],
];

/** Plain http to this very machine, and nothing that says somebody else passed it on. */
function isLocalDevelopment({ url, headers }: RequestLike): boolean {
  return LOOPBACK_URL.test(url) && PROXY_HEADERS.every(([name, local]) => isLocal(headers.get(name), local));
}

/** Said once, since a proxy that passes on `Host: localhost` makes production look like development. */
function withoutSecure(url: string): string {
  const [origin] = /^http:\/\/[^/?#]*/i.exec(url) ?? [];
  return `Session cookies for ${origin} are sent without Secure, as cookie.secure "auto" allows in development. In production set NODE_ENV=production or cookie.secure true`;
}

function isLocal(value: string | null, local: RegExp | undefined): boolean {
  return value === null || (local !== undefined && value.split(",").every((each) => local.test(each.trim())));
}

/** A look at `process` may throw: Next's Edge Runtime refuses it. */
function isProduction(): boolean {
  try {
    const { process } = globalThis as { process?: { env?: { NODE_ENV?: string } } };
    return process?.env?.NODE_ENV === "production";
  } catch {
    return false;
  }
}

function isText(value: unknown, pattern: RegExp): boolean {
  return typeof value === "string" && pattern.test(value);
}
