import type { SessionEvent } from "../events.ts";
import type { CookieForm } from "../http/cookie.ts";
import { type CookieOptions, type RequestLike, resolveCookie } from "../http/cookie-options.ts";
import { type CrossOriginOptions, type CrossOriginRules, resolveCrossOrigin } from "../http/foreign.ts";
import type { MigrationSource } from "../migration.ts";
import { boolean, isDuration, isTimeout, known, must, oneOf } from "../option-checks.ts";
import { atOnce, ignoreRejection } from "../platform/awaitable.ts";
import { type Codec, checkedCodec, jsonCodec } from "../session/codec.ts";
import type { StandardSchema } from "../session/schema.ts";
import { createShape, type DataOptions, type Shape } from "../session/shape.ts";
import type { Lifetime } from "./lifetime.ts";

/** Whether, when and how tokens are replaced. */
export interface RotationOptions {
  /** Default `false`. Seconds after which a token is replaced, or `"request"` for each request. */
  every?: false | "request" | number;
  /** Seconds for which a replaced token still works once its successor was seen. Default 30. */
  grace?: number;
  /**
   * What a replaced token does after its grace: `"revoke"` (default) ends the session, for somebody holds a copy;
   * `"ignore"` makes it no session.
   */
  onReuse?: "revoke" | "ignore";
  /** Seconds after the grace for which a replaced token is still recognized. Default 300. */
  reuseWindow?: number;
}

/** All options of `createSessions` but the store. */
export interface SessionOptions extends DataOptions {
  /** The cookie; every default is the safe one. */
  cookie?: CookieOptions;
  /** Seconds. Defaults: `idle` 43 200 (12 h), `absolute` 604 800 (7 d), `touchEvery` a tenth of `idle`. */
  lifetime?: { idle?: number; absolute?: number; touchEvery?: number };
  /**
   * Whether a request counts for the idle limit. Default: every request does. A page that asks every minute whether
   * there is news would keep a session alive for ever. A request for which this says no neither moves the expiry nor
   * rotates the token. What it writes is stored, and does not move the expiry either. Must answer at once.
   */
  keepAlive?: (request: RequestLike) => boolean;
  /** Periodic rotation of the token. Default none; sign-in makes a new token in any case. */
  rotation?: RotationOptions;
  /**
   * State-changing requests that pages of other origins send, WebSocket upgrades among them. Default: they get an empty
   * session that refuses writes, unless `trusted` or `exempt` names them. `"allow"` switches the check off.
   */
  crossOrigin?: CrossOriginOptions | "allow";
  /** How data becomes text. Default {@link jsonCodec}. */
  codec?: Codec;
  /** Whole milliseconds that one store operation may take, and the retries of one commit. Default 5000. */
  storeTimeout?: number;
  /**
   * What a request gets when the session cannot be read: an error (`"throw"`, the default) or an empty session that
   * refuses writes (`"anonymous"`).
   */
  onStoreFailure?: "throw" | "anonymous";
  /**
   * What a user shall see of a device in the list of sessions; a JSON value, at once. Called when a session is created
   * or renewed.
   */
  describe?: (request: RequestLike) => unknown;
  /** How many sessions a subject may have; sign-in ends the oldest beyond it. Default: any number. */
  maxPerSubject?: number;
  /**
   * Gets every {@link SessionEvent}. What it throws or rejects with is ignored: a hook must not keep a session alive.
   * Nobody waits for it.
   */
  observe?: (event: SessionEvent) => void;
  /**
   * Sessions of other libraries, taken over one by one as their cookies come in: sources of `@sojourn/session/migrate`.
   * Asked for requests without a session of ours, in the order given.
   */
  migrateFrom?: readonly MigrationSource[];
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
  readonly keepAlive: ((request: RequestLike) => boolean) | undefined;
  /** `undefined`: all requests are let through. */
  readonly crossOrigin: (CrossOriginRules & { readonly refuse: boolean }) | undefined;
  readonly codec: Codec;
  /** `undefined`: data may be anything. */
  readonly shape: Shape | undefined;
  readonly storeTimeout: number;
  readonly onStoreFailure: "throw" | "anonymous";
  readonly describe: ((request: RequestLike) => unknown) | undefined;
  readonly maxPerSubject: number;
  readonly migrateFrom: readonly MigrationSource[];
  readonly emit: (event: SessionEvent) => void;
  readonly clock: () => number;
}

/** Completes and checks the options. Throws `TypeError` and `RangeError` with what to write instead. */
export function resolveOptions(options: SessionOptions & { schema?: StandardSchema | undefined }): Settings {
  known("options", options, [
    "store",
    "cookie",
    "lifetime",
    "keepAlive",
    "rotation",
    "crossOrigin",
    "codec",
    "schema",
    "version",
    "migrate",
    "onInvalid",
    "storeTimeout",
    "onStoreFailure",
    "describe",
    "maxPerSubject",
    "migrateFrom",
    "observe",
    "clock",
  ]);
  const {
    cookie = {},
    lifetime = {},
    rotation = {},
    crossOrigin = {},
    codec = jsonCodec,
    storeTimeout = 5_000,
    onStoreFailure = "throw",
  } = options;
  const {
    keepAlive,
    describe,
    maxPerSubject = Number.POSITIVE_INFINITY,
    migrateFrom = [],
    observe,
    clock = () => Date.now(),
  } = options;
  known("lifetime", lifetime, ["idle", "absolute", "touchEvery"]);
  const { idle = 43_200, absolute = 604_800, touchEvery = idle / 10 } = lifetime;
  known("rotation", rotation, ["every", "grace", "onReuse", "reuseWindow"]);
  const { every = false, grace = 30, onReuse = "revoke", reuseWindow = 300 } = rotation;

  must(isDuration(absolute), "lifetime.absolute", absolute, "a number of seconds above 0");
  must(
    isDuration(idle) && idle <= absolute,
    "lifetime.idle",
    idle,
    "a number of seconds above 0, and at most lifetime.absolute",
  );
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
  must(isTimeout(storeTimeout), "storeTimeout", storeTimeout, "a whole number of milliseconds from 1 to 2147483647");
  oneOf("onStoreFailure", onStoreFailure, ["throw", "anonymous"]);
  const isLimit =
    maxPerSubject === Number.POSITIVE_INFINITY || (Number.isSafeInteger(maxPerSubject) && maxPerSubject > 0);
  must(isLimit, "maxPerSubject", maxPerSubject, "a whole number above 0");
  const areSources = Array.isArray(migrateFrom) && migrateFrom.every((source) => source?.takeOver);
  must(areSources, "migrateFrom", migrateFrom, "a list of sources made by @sojourn/session/migrate");
  for (const [name, value] of Object.entries({ clock, "codec.encode": codec?.encode, "codec.decode": codec?.decode })) {
    must(typeof value === "function", name, value, "a function");
  }
  for (const [name, value] of Object.entries({ keepAlive, describe, observe }))
    must(/function|undefined/.test(typeof value), name, value, "a function");
  must(Number.isFinite(clock()), "clock()", clock(), "a number of milliseconds");

  const safeCodec = checkedCodec(codec);
  const emit = (event: SessionEvent): void => {
    try {
      ignoreRejection(observe?.(event));
    } catch {
      // Stated at the option: the session's fate does not hang on a listener (Jetty CVE-2021-34428)
    }
  };
  return {
    cookieOf: resolveCookie(cookie),
    persistent: boolean("cookie.persistent", cookie.persistent),
    lifetime: { idle: ms(idle), absolute: ms(absolute), touchEvery: ms(touchEvery) },
    rotation: {
      every: every === "request" ? 0 : every && ms(every),
      grace: ms(grace),
      onReuse,
      reuseWindow: ms(reuseWindow),
    },
    keepAlive,
    crossOrigin: crossOrigin === "allow" ? undefined : resolveCrossOrigin(crossOrigin),
    codec: safeCodec,
    shape: createShape(options.schema, options, safeCodec, emit),
    storeTimeout,
    onStoreFailure,
    describe: describe && ((request) => atOnce("describe", describe(request))),
    maxPerSubject,
    migrateFrom,
    emit,
    clock: () => Math.floor(clock()),
  };
}

function ms(seconds: number): number {
  return Math.ceil(seconds * 1000);
}
