import { type Codec, jsonCodec } from "./codec.ts";
import { attributesOf, type CookieForm } from "./cookie.ts";
import type { SessionEvent } from "./events.ts";
import type { Lifetime } from "./lifetime.ts";

/** The least that a request must have, so that Node and framework adapters need no fake `Request`. */
export interface RequestLike {
  readonly url: string;
  readonly headers: { get(name: string): string | null };
}

export interface CookieOptions {
  /**
   * Default `__Host-Http-session`; `__Secure-session` with `domain` or another `path`. A prefix is held to its rules (RFC 6265bis, section
   * 4.1.3).
   */
  name?: string;
  /** Default `/`. */
  path?: string;
  /** Default none: the cookie goes back to the host that set it and to no other. */
  domain?: string;
  /** Default `"lax"`. `"none"` sends the cookie in cross-site requests too. */
  sameSite?: "lax" | "strict" | "none";
  /**
   * Default `true`: always Secure, since behind a proxy that ends TLS a guess from the URL would drop the protection in silence. `"auto"`
   * is for development: on plain
   * http with a loopback host and no proxy header the cookie is `session` without Secure; everywhere else as by default.
   */
  secure?: true | "auto";
  /** Default `false`. A jar of its own for each top-level site (CHIPS); needs `sameSite: "none"` to be of use. */
  partitioned?: boolean;
  /** Chromium's eviction order; default none. */
  priority?: "low" | "medium" | "high";
  /** Default `false`: the cookie ends with the browser session. `persist()` decides for one session. */
  persistent?: boolean;
}

export interface RotationOptions {
  /** Default `false`. Seconds after which a token is replaced, or `"request"` for each request. */
  every?: false | "request" | number;
  /** Seconds for which a replaced token still works once its successor was seen. Default 30. */
  grace?: number;
  /**
   * What a replaced token does after its grace: `"revoke"` (default) ends the session, for somebody holds a copy; `"ignore"` makes it no
   * session.
   */
  onReuse?: "revoke" | "ignore";
  /** Seconds after the grace for which a replaced token is still recognized. Default 300. */
  reuseWindow?: number;
}

/** All options of `createSessions` but the store. */
export interface SessionOptions {
  cookie?: CookieOptions;
  /** Seconds. Defaults: `idle` 43 200 (12 h), `absolute` 604 800 (7 d), `touchEvery` a tenth of `idle`. */
  lifetime?: { idle?: number; absolute?: number; touchEvery?: number };
  rotation?: RotationOptions;
  /** How data becomes text. Default {@link jsonCodec}. */
  codec?: Codec;
  /** Milliseconds that one store operation may take, and the retries of one commit. Default 5000. */
  storeTimeout?: number;
  /**
   * What a request gets when the session cannot be read: an error (`"throw"`, the default) or an empty session that refuses writes
   * (`"anonymous"`).
   */
  onStoreFailure?: "throw" | "anonymous";
  /** What a user shall see of a device in the list of sessions; a JSON value. Called when a session is created or renewed. */
  describe?: (request: RequestLike) => unknown;
  /** How many sessions a subject may have; sign-in ends the oldest beyond it. Default: any number. */
  maxPerSubject?: number;
  /** Gets every {@link SessionEvent}. What it throws is ignored: a hook must not keep a session alive. */
  observe?: (event: SessionEvent) => void;
  /** Epoch milliseconds. Default `Date.now`. */
  clock?: () => number;
}

/** The options, complete and checked; times in milliseconds. Read by the backends. */
export interface Settings {
  readonly cookieOf: (request: RequestLike) => CookieForm;
  readonly persistent: boolean;
  readonly lifetime: Lifetime;
  readonly rotation: {
    readonly every: number | false;
    readonly grace: number;
    readonly onReuse: "revoke" | "ignore";
    readonly reuseWindow: number;
  };
  readonly codec: Codec;
  readonly storeTimeout: number;
  readonly onStoreFailure: "throw" | "anonymous";
  readonly describe: ((request: RequestLike) => unknown) | undefined;
  readonly maxPerSubject: number;
  readonly emit: (event: SessionEvent) => void;
  readonly clock: () => number;
}

/** Completes and checks the options. Throws `TypeError` and `RangeError` with what to write instead. */
export function resolveOptions(options: SessionOptions): Settings {
  known("options", options, [
    "store",
    "cookie",
    "lifetime",
    "rotation",
    "codec",
    "storeTimeout",
    "onStoreFailure",
    "describe",
    "maxPerSubject",
    "observe",
    "clock",
  ]);
  const { cookie = {}, lifetime = {}, rotation = {}, codec = jsonCodec, storeTimeout = 5_000, onStoreFailure = "throw" } = options;
  const { describe, maxPerSubject = Number.POSITIVE_INFINITY, observe, clock = () => Date.now() } = options;
  known("lifetime", lifetime, ["idle", "absolute", "touchEvery"]);
  const { idle = 43_200, absolute = 604_800, touchEvery = idle / 10 } = lifetime;
  known("rotation", rotation, ["every", "grace", "onReuse", "reuseWindow"]);
  const { every = false, grace = 30, onReuse = "revoke", reuseWindow = 300 } = rotation;

  must(isDuration(absolute), "lifetime.absolute", absolute, "a number of seconds above 0");
  must(isDuration(idle) && idle <= absolute, "lifetime.idle", idle, "a number of seconds above 0, and at most lifetime.absolute");
  must(
    isDuration(touchEvery, 0) && touchEvery < idle,
    "lifetime.touchEvery",
    touchEvery,
    "a number of seconds from 0 to below lifetime.idle",
  );
  must(
    every === false || every === "request" || isDuration(every),
    "rotation.every",
    every,
    'a number of seconds above 0, "request" or false',
  );
  must(isDuration(grace, 0), "rotation.grace", grace, "a number of seconds from 0");
  must(isDuration(reuseWindow, 0), "rotation.reuseWindow", reuseWindow, "a number of seconds from 0");
  oneOf("rotation.onReuse", onReuse, ["revoke", "ignore"]);
  must(isDuration(storeTimeout), "storeTimeout", storeTimeout, "a number of milliseconds above 0");
  oneOf("onStoreFailure", onStoreFailure, ["throw", "anonymous"]);
  const isLimit = maxPerSubject === Number.POSITIVE_INFINITY || (Number.isSafeInteger(maxPerSubject) && maxPerSubject > 0);
  must(isLimit, "maxPerSubject", maxPerSubject, "a whole number above 0");
  for (const [name, value] of Object.entries({ clock, "codec.encode": codec?.encode, "codec.decode": codec?.decode })) {
    must(typeof value === "function", name, value, "a function");
  }
  for (const [name, value] of Object.entries({ describe, observe }))
    must(/function|undefined/.test(typeof value), name, value, "a function");

  return {
    cookieOf: resolveCookie(cookie),
    persistent: boolean("cookie.persistent", cookie.persistent),
    lifetime: { idle: ms(idle), absolute: ms(absolute), touchEvery: ms(touchEvery) },
    rotation: { every: every === "request" ? 0 : every && ms(every), grace: ms(grace), onReuse, reuseWindow: ms(reuseWindow) },
    codec,
    storeTimeout,
    onStoreFailure,
    describe,
    maxPerSubject,
    emit(event) {
      try {
        observe?.(event);
      } catch {
        // Stated at the option: the session's fate does not hang on a listener (Jetty CVE-2021-34428)
      }
    },
    clock: () => Math.floor(clock()),
  };
}

/** RFC 9110, section 5.6.2. */
const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]{1,256}$/;
/** RFC 6265bis, section 4.1.1: any character except controls and ";"; browsers ignore a path of over 1024. */
const PATH = /^\/[ -:<-~]{0,1023}$/;
const HOSTNAME = /^(?=.{1,253}$)[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)*$/i;

function resolveCookie(options: CookieOptions): (request: RequestLike) => CookieForm {
  known("cookie", options, ["name", "path", "domain", "sameSite", "secure", "partitioned", "priority", "persistent"]);
  const { path = "/", domain, sameSite = "lax", secure = true, priority } = options;
  const partitioned = boolean("cookie.partitioned", options.partitioned);
  const isHostOnly = domain === undefined && path === "/";
  const name = options.name ?? (isHostOnly ? "__Host-Http-session" : "__Secure-session");
  must(isText(name, TOKEN), "cookie.name", name, "1 to 256 letters, digits and !#$%&'*+-.^_`|~");
  must(isText(path, PATH), "cookie.path", path, 'a path from "/" on, without ";" and control characters');
  must(
    domain === undefined || isText(domain, HOSTNAME),
    "cookie.domain",
    domain,
    'a host name such as "example.com", without a leading dot',
  );
  oneOf("cookie.sameSite", sameSite, ["lax", "strict", "none"]);
  oneOf("cookie.priority", priority, [undefined, "low", "medium", "high"]);
  must(secure === true || secure === "auto", "cookie.secure", secure, 'true, or "auto" for development on http://localhost');
  if (/^__host-/i.test(name) && !isHostOnly) {
    const obstacle = domain === undefined ? `path "${path}"` : `domain "${domain}"`;
    throw new TypeError(`Cannot use cookie name "${name}" with ${obstacle}: a __Host- cookie has path "/" and no domain`);
  }
  const attributes = { path, domain, sameSite, partitioned, priority };
  const form: CookieForm = { name, attributes: attributesOf(attributes, true) };
  const prefixed = options.name !== undefined && /^__(host|secure|http)-/i.test(name);
  if (secure === true || prefixed || sameSite === "none" || partitioned) return () => form;
  const plain: CookieForm = { name: options.name ?? "session", attributes: attributesOf(attributes, false) };
  return (request) => (isLocalDevelopment(request) ? plain : form);
}

const LOOPBACK = /^http:\/\/(?:(?:[^/?#@]*\.)?localhost\.?|127\.\d+\.\d+\.\d+|\[::1\])(?::\d+)?(?:[/?#]|$)/i;
const PROXY_HEADERS = ["forwarded", "via", "x-real-ip", ...["for", "host", "proto", "port"].map((what) => `x-forwarded-${what}`)];

/** Plain http to this very machine, and nothing that says a proxy passed it on. */
function isLocalDevelopment({ url, headers }: RequestLike): boolean {
  return LOOPBACK.test(url) && PROXY_HEADERS.every((name) => headers.get(name) === null);
}

export function known(what: string, given: unknown, names: readonly string[]): void {
  must(typeof given === "object" && given !== null, what, given, "an object");
  const unknown = Object.keys(given as object).find((name) => !names.includes(name));
  if (unknown !== undefined) throw new TypeError(`${what} has no "${unknown}"; it has ${names.join(", ")}`);
}

/** Seconds or milliseconds that stay exact when they are added to a time. */
function isDuration(value: unknown, least = Number.MIN_VALUE): boolean {
  return typeof value === "number" && value >= least && value <= Number.MAX_SAFE_INTEGER / 1_000_000;
}

function isText(value: unknown, pattern: RegExp): boolean {
  return typeof value === "string" && pattern.test(value);
}

function oneOf(name: string, value: unknown, choices: readonly unknown[]): void {
  must(choices.includes(value), name, value, choices.filter(Boolean).map(show).join(" or "));
}

export function boolean(name: string, value = false): boolean {
  must(typeof value === "boolean", name, value, "true or false");
  return value;
}

function must(holds: boolean, name: string, value: unknown, what: string): void {
  const Refusal = typeof value === "number" ? RangeError : TypeError;
  if (!holds) throw new Refusal(`${name} must be ${what}, not ${show(value)}`);
}

function show(value: unknown): string {
  return typeof value === "string" ? JSON.stringify(value) : String(value);
}

function ms(seconds: number): number {
  return Math.ceil(seconds * 1000);
}
