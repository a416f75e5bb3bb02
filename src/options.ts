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

  positive("lifetime.idle", idle, "seconds, for example 1800");
  positive("lifetime.absolute", absolute, "seconds, for example 86400");
  atLeastZero("lifetime.touchEvery", touchEvery, "seconds, or 0 to move the expiry with every request");
  if (idle > absolute)
    throw new RangeError(`lifetime.idle (${idle} s) is longer than lifetime.absolute (${absolute} s); raise absolute or lower idle`);
  if (touchEvery >= idle)
    throw new RangeError(
      `lifetime.touchEvery (${touchEvery} s) must be less than lifetime.idle (${idle} s), or sessions in use would expire`,
    );
  if (every !== false && every !== "request") positive("rotation.every", every, 'seconds, "request" or false');
  atLeastZero("rotation.grace", grace, "seconds");
  atLeastZero("rotation.reuseWindow", reuseWindow, "seconds");
  oneOf("rotation.onReuse", onReuse, ["revoke", "ignore"]);
  positive("storeTimeout", storeTimeout, "milliseconds");
  oneOf("onStoreFailure", onStoreFailure, ["throw", "anonymous"]);
  if (maxPerSubject !== Number.POSITIVE_INFINITY && !(Number.isSafeInteger(maxPerSubject) && maxPerSubject > 0)) {
    throw new RangeError(`maxPerSubject must be a whole number above 0, not ${show(maxPerSubject)}; leave it out for any number`);
  }
  for (const [name, value] of Object.entries({ describe, observe, clock, "codec.encode": codec?.encode, "codec.decode": codec?.decode })) {
    const optional = name === "describe" || name === "observe";
    if (typeof value !== "function" && !(optional && value === undefined))
      throw new TypeError(`${name} must be a function, not ${show(value)}`);
  }

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

function ms(seconds: number): number {
  return Math.ceil(seconds * 1000);
}

/** RFC 9110, section 5.6.2. */
const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;
/** RFC 6265bis, section 4.1.1: any character except controls and ";"; non-ASCII would be bytes of no known encoding. */
const ATTRIBUTE_VALUE = /^[ -:<-~]{1,1024}$/;
const HOSTNAME = /^(?=.{1,253}$)[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)*$/i;

function resolveCookie(options: CookieOptions): (request: RequestLike) => CookieForm {
  known("cookie", options, ["name", "path", "domain", "sameSite", "secure", "partitioned", "priority", "persistent"]);
  const { path = "/", domain, sameSite = "lax", secure = true, priority } = options;
  const partitioned = boolean("cookie.partitioned", options.partitioned);
  const name = options.name ?? (domain === undefined && path === "/" ? "__Host-Http-session" : "__Secure-session");
  oneOf("cookie.sameSite", sameSite, ["lax", "strict", "none"]);
  if (priority !== undefined) oneOf("cookie.priority", priority, ["low", "medium", "high"]);
  if (secure !== true && secure !== "auto") {
    throw new TypeError(`cookie.secure must be true, or "auto" for development on http://localhost, not ${show(secure)}`);
  }
  if (typeof name !== "string" || name.length > 256 || !TOKEN.test(name)) {
    throw new TypeError(`cookie.name must be 1 to 256 letters, digits and !#$%&'*+-.^_\`|~, not ${show(name)}`);
  }
  if (typeof path !== "string" || !path.startsWith("/") || !ATTRIBUTE_VALUE.test(path)) {
    throw new TypeError(`cookie.path must start with "/" and have no ";" or control characters, not ${show(path)}`);
  }
  if (domain !== undefined && (typeof domain !== "string" || !HOSTNAME.test(domain))) {
    throw new TypeError(`cookie.domain must be a host name such as "example.com", without a leading dot, not ${show(domain)}`);
  }
  if (/^__host-/i.test(name) && (domain !== undefined || path !== "/")) {
    throw new TypeError(
      `Cannot use cookie name "${name}" with ${domain === undefined ? `path "${path}"` : `domain "${domain}"`}: a __Host- cookie has path "/" and no domain`,
    );
  }
  const attributes = { path, domain, sameSite, partitioned, priority };
  const form: CookieForm = { name, attributes: attributesOf(attributes, true) };
  const prefixed = options.name !== undefined && /^__(host|secure|http)-/i.test(name);
  if (secure === true || prefixed || sameSite === "none" || partitioned) return () => form;
  const plain: CookieForm = { name: options.name ?? "session", attributes: attributesOf(attributes, false) };
  return (request) => (isLocalDevelopment(request) ? plain : form);
}

const LOOPBACK = /^http:\/\/(?:(?:[^/?#@]*\.)?localhost\.?|127\.\d+\.\d+\.\d+|\[::1\])(?::\d+)?(?:[/?#]|$)/i;
const PROXY_HEADERS = ["forwarded", "via", "x-forwarded-for", "x-forwarded-host", "x-forwarded-proto", "x-forwarded-port", "x-real-ip"];

/** Plain http to this very machine, and nothing that says a proxy passed it on. */
function isLocalDevelopment({ url, headers }: RequestLike): boolean {
  return LOOPBACK.test(url) && PROXY_HEADERS.every((name) => headers.get(name) === null);
}

export function known(what: string, given: unknown, names: readonly string[]): void {
  if (typeof given !== "object" || given === null || Array.isArray(given))
    throw new TypeError(`${what} must be an object, not ${show(given)}`);
  const unknown = Object.keys(given).find((name) => !names.includes(name));
  if (unknown !== undefined) throw new TypeError(`${what} has no "${unknown}"; it has ${names.join(", ")}`);
}

function positive(name: string, value: unknown, unit: string): void {
  if (!(typeof value === "number" && value > 0 && value <= Number.MAX_SAFE_INTEGER / 1000))
    throw new RangeError(`${name} must be a number above 0 (${unit}), not ${show(value)}`);
}

function atLeastZero(name: string, value: unknown, unit: string): void {
  if (value !== 0) positive(name, value, unit);
}

function oneOf(name: string, value: unknown, choices: readonly string[]): void {
  if (!choices.includes(value as string))
    throw new TypeError(`${name} must be ${choices.map((choice) => `"${choice}"`).join(" or ")}, not ${show(value)}`);
}

export function boolean(name: string, value: unknown = false): boolean {
  if (typeof value !== "boolean") throw new TypeError(`${name} must be true or false, not ${show(value)}`);
  return value;
}

function show(value: unknown): string {
  return typeof value === "string" ? JSON.stringify(value) : String(value);
}
