import { createSessions, type SessionStore, type SessionsOptions } from "../../src/index.ts";
import { type ConnectStore, connectStore } from "../../src/stores/connect-store.ts";
import type { PropertyOptions, SubjectOf } from "./property-options.ts";
import { PropertySession } from "./property-session.ts";
import type { CookieAttributes } from "./session-cookie.ts";

/** The `cookie` of {@link ExpressSessionOptions}. */
export interface ExpressCookieOptions {
  /** Default `/`. A request outside of it has no session. */
  path?: string | undefined;
  /** Default none: the cookie goes back to the host that set it and to no other. */
  domain?: string | undefined;
  /** Always true: `false` is refused. */
  httpOnly?: true | undefined;
  /** Default `true`; `"auto"` for development and tests on http://localhost. `false` is refused. */
  secure?: true | "auto" | undefined;
  /** Default `"lax"`; `true` is `"strict"`. */
  sameSite?: "lax" | "strict" | "none" | boolean | undefined;
  /** A jar of its own for each top-level site (CHIPS). */
  partitioned?: boolean | undefined;
  /** Chromium's eviction order. */
  priority?: "low" | "medium" | "high" | undefined;
  /** Milliseconds for which a session lives without a request; its cookie then outlives the browser. */
  maxAge?: number | null | undefined;
}

/**
 * Options of {@link session}: those of express-session where they can mean the same, and those of `createSessions`
 * beside them.
 */
export interface ExpressSessionOptions<Data extends object = Record<string, unknown>>
  extends Omit<SessionsOptions, "store" | "cookie"> {
  /** Where sessions are kept: a store of ours, or one of express-session. Default: memory. */
  store?: SessionsOptions["store"] | ConnectStore;
  /** Name of the cookie. Default `__Host-Http-session`. */
  name?: string;
  /** The old word for `name`. */
  key?: string;
  /** How the cookie is sent, and how long a session lives. */
  cookie?: ExpressCookieOptions;
  /**
   * Who is signed in, from the data: for Passport `(data) => data.passport?.user`. Binds the session to that user, so
   * that `list`, `revokeAll` and `maxPerSubject` know it; `undefined` or `null` is nobody.
   */
  subject?: SubjectOf<Data>;
  /** Default `false`: nothing is stored for a visitor until there is something to store. */
  saveUninitialized?: boolean;
  /** What `req.session = null` does: `"destroy"` ends the session, `"keep"` (default) drops the request's changes. */
  unset?: "destroy" | "keep";
  /** Accepted without effect: what did not change is never stored again. */
  resave?: boolean;
  /** Accepted without effect: the expiry moves in the store with each request. */
  rolling?: boolean;
  /** Accepted without effect: the cookie is always Secure. */
  proxy?: boolean | undefined;
  /** Refused, but for `migrateFrom`: nothing is signed. */
  secret?: unknown;
}

/** Completes and checks the options. Throws `TypeError` and `RangeError` with what to write instead. */
export function resolveExpressOptions<Data extends object>(
  options: ExpressSessionOptions<Data>,
): PropertyOptions<Data> {
  const { key, name = key, cookie = {}, store, subject, saveUninitialized = false, unset = "keep", ...rest } = options;
  const { resave: _resave, rolling: _rolling, proxy: _proxy, secret: _secret, lifetime, ...own } = rest;
  refuse(options, cookie);
  if (!["destroy", "keep"].includes(unset)) throw new TypeError('unset must be "destroy" or "keep"');
  if (subject !== undefined && typeof subject !== "function") throw new TypeError("subject must be a function");
  const { maxAge = null, httpOnly: _always, sameSite, ...attributes } = cookie;
  if (maxAge !== null && !(typeof maxAge === "number" && maxAge > 0 && maxAge < Number.POSITIVE_INFINITY))
    throw new TypeError("cookie.maxAge must be a number of milliseconds above 0, or null");
  const limits = lifetimeOf(lifetime, maxAge);
  explain(options as ExpressSessionOptions<never>);
  const cookieOptions = defined({
    ...attributes,
    name,
    sameSite: sameSite === true ? "strict" : sameSite === false ? "lax" : sameSite,
    persistent: maxAge === null ? undefined : true,
  });
  const sessions = createSessions<Data>({
    ...(own as Partial<SessionsOptions>),
    ...defined({ store: storeOf(store), lifetime: limits }),
    cookie: cookieOptions,
  });
  const { path = "/", domain, secure = true, partitioned = false, priority } = attributes;
  const sent = {
    path,
    domain,
    httpOnly: true,
    secure,
    sameSite: cookieOptions.sameSite ?? "lax",
    partitioned,
    priority,
  };
  return {
    sessions,
    subject,
    Session: PropertySession,
    attributes: sent as CookieAttributes,
    maxAge,
    idle: (limits?.idle ?? 43_200) * 1000,
    saveUninitialized,
    unset,
  };
}

/** What cannot mean the same, each with what to write instead. */
function refuse(options: ExpressSessionOptions<never>, cookie: object): void {
  const given = options as Record<string, unknown>;
  const { httpOnly, secure, expires, encode, signed, sameSite } = cookie as Record<string, unknown>;
  const reasons: readonly (readonly [boolean, string])[] = [
    [given.genid !== undefined, "Leave out genid: a token is 256 random bits, and only those are accepted"],
    [
      given.secret !== undefined && given.migrateFrom === undefined,
      "Leave out secret: nothing is signed. To read old cookies give it to expressSession(), in the option migrateFrom",
    ],
    [typeof cookie === "function", "cookie must be an object: options by request are not supported"],
    [httpOnly === false, "Leave out cookie.httpOnly: the session cookie is never for scripts"],
    [secure === false, 'Write cookie.secure "auto": no Secure on http://localhost, and Secure everywhere else'],
    [sameSite === "auto", 'cookie.sameSite must be "lax", "strict" or "none"'],
    [
      expires !== undefined && expires !== null,
      "Write cookie.maxAge for cookie.expires: one date for all sessions passes",
    ],
    [
      encode !== undefined || signed !== undefined,
      "Leave out cookie.encode and cookie.signed: the cookie holds a token only",
    ],
  ];
  for (const [applies, reason] of reasons) if (applies) throw new TypeError(reason);
}

/** Once for the process: a deployment is not to be told with every application that is made. */
let explained = false;

function explain(given: Pick<ExpressSessionOptions<never>, "resave" | "rolling" | "store">): void {
  const notes = [
    given.resave === true &&
      "resave: what did not change is not stored again, so that it cannot undo another request's change",
    given.rolling === true && "rolling: each request moves the expiry in the store; the cookie is not sent again",
    isConnectStore(given.store) &&
      "store: in a store of express-session overlapping requests are merged within one process only",
  ].filter((note) => note !== false);
  if (explained || notes.length === 0) return;
  explained = true;
  process.emitWarning(notes.join("; "), {
    type: "SessionWarning",
    detail: "https://github.com/sojourn-dev/session/blob/main/docs/express.md#options",
  });
}

function isConnectStore(store: unknown): store is ConnectStore {
  const { get, set, destroy, read, createBackend } = Object(store) as Record<string, unknown>;
  return [get, set, destroy].every((method) => typeof method === "function") && read === undefined && !createBackend;
}

function storeOf(store: ExpressSessionOptions<never>["store"]): SessionStore | SessionsOptions["store"] {
  return isConnectStore(store) ? connectStore(store) : (store as SessionsOptions["store"]);
}

/**
 * `maxAge` is the idle limit of each session, unless the application sets another. The limits of `lifetime` bound both;
 * by default they allow for `maxAge` and no more.
 */
function lifetimeOf(lifetime: SessionsOptions["lifetime"], maxAge: number | null): SessionsOptions["lifetime"] {
  if (maxAge === null) return lifetime;
  const seconds = maxAge / 1000;
  const { idle = seconds, absolute = Math.max(604_800, idle) } = lifetime ?? {};
  if (seconds > idle)
    throw new RangeError(`cookie.maxAge is ${seconds} seconds, above lifetime.idle (${idle}): raise lifetime.idle`);
  return { ...lifetime, idle, absolute };
}

function defined<T extends object>(options: T): { [K in keyof T]: Exclude<T[K], undefined> } {
  const entries = Object.entries(options).filter(([, value]) => value !== undefined);
  return Object.fromEntries(entries) as { [K in keyof T]: Exclude<T[K], undefined> };
}
