import { SessionError } from "../errors.ts";
import type { SessionEvent } from "../events.ts";
import type { CookieForm } from "../http/cookie.ts";
import type { RequestLike } from "../http/cookie-options.ts";
import { isDuration, known, must } from "../option-checks.ts";
import { type Codec, copyOf, freeze } from "./codec.ts";
import type { DeepReadonly } from "./deep-readonly.ts";
import { applyChange, type Change, isSubject, type Loaded, type OwnLimits, type SessionState } from "./state.ts";

/**
 * One request's view of a session. Reading and writing are synchronous; everything is stored at once by the commit,
 * before the response leaves.
 */
export interface Session<Data extends object = Record<string, unknown>> {
  /** Nothing is stored behind it yet. */
  readonly isNew: boolean;
  /**
   * Public name of the session, for lists, logs and `revoke`; it opens nothing. It stays the same until the session
   * ends, through rotation and `renew()`; `signIn()` and `signOut()` begin a new session with a new one. A new session
   * has it before anything is stored, so that a form can be bound to it; it is kept if the session is. `undefined` when
   * the store failed.
   */
  readonly handle: string | undefined;
  /** Who is signed in. */
  readonly subject: string | undefined;
  /** Epoch milliseconds; the absolute limit counts from here. Sign-in starts it anew. */
  readonly createdAt: number;
  /** Epoch milliseconds at which the session ends if no further request comes. */
  readonly expiresAt: number;
  /** Epoch milliseconds of the last `signIn`, for "please sign in again" checks (ASVS 7.5.1). */
  readonly authenticatedAt: number | undefined;
  /** The value, frozen; `undefined` if there is none. */
  get<K extends keyof Data & string>(key: K): DeepReadonly<Data[K]> | undefined;
  /** Whether there is a value. */
  has(key: keyof Data & string): boolean;
  /**
   * Stores a snapshot of the value: later changes to the argument do not count. `undefined` deletes. A blind write: of
   * two requests that set one key the later commit stays.
   * @throws SessionError `value_not_storable` where the codec would change the value in silence; `session_committed`,
   * `session_destroyed`, `session_unavailable` as every write.
   */
  set<K extends keyof Data & string>(key: K, value: Data[K] | undefined): void;
  /**
   * Changes a value from what it is. `change` gets a copy of its own, returns the new value (`undefined` deletes), and
   * runs again on the fresh value if another request came first: keep it free of effects.
   */
  update<K extends keyof Data & string>(key: K, change: (value: Data[K] | undefined) => Data[K] | undefined): void;
  /** Removes a value; nothing happens if there is none. */
  delete(key: keyof Data & string): void;
  /** Reads and deletes: flash messages. */
  take<K extends keyof Data & string>(key: K): DeepReadonly<Data[K]> | undefined;
  /** Deletes all data. Who is signed in stays signed in. */
  clear(): void;
  /** All data, frozen. */
  all(): DeepReadonly<Partial<Data>>;
  /**
   * Binds the session to a user. The commit makes a new token and the old one opens nothing from then on (ASVS 7.2.4);
   * data is kept, but another subject's is cleared. Begins a new session: a new handle, a new absolute period.
   * `lifetime`, in seconds, gives this session shorter limits than those of the options.
   * @throws TypeError when `subject` is not a string of 1 to 500 characters
   * @throws RangeError when a limit is above that of the options, or `idle` above `absolute`
   */
  signIn(subject: string, options?: SignInOptions): void;
  /**
   * Signs the user out and goes on as a visitor, with the values of `keep` and no others. The commit ends the session
   * as finally as `destroy()` does, and what is kept or written afterwards begins a new one, with a new token and a new
   * handle; nothing is stored, and the cookie is removed, if there is no such thing.
   */
  signOut(options?: { keep?: readonly (keyof Data & string)[] }): void;
  /** A new token at commit, the old one dead. Call it on any change of privilege. */
  renew(): void;
  /** "Remember me": with `true` (the default) the cookie outlives the browser, up to the absolute limit. */
  persist(on?: boolean): void;
  /** Ends the session: final, also for requests in flight. It reads as empty from here on, and a write throws. */
  destroy(): void;
}

/** Options of {@link Session.signIn}. */
export interface SignInOptions {
  /** "Remember me": the cookie outlives the browser. Default: as it is. */
  persistent?: boolean;
  /** Seconds; limits of this session alone, at most those of `createSessions`. */
  lifetime?: { idle?: number; absolute?: number };
}

/** What a session needs to know of the options of `createSessions`. */
export interface SessionRules {
  readonly codec: Codec;
  readonly emit: (event: SessionEvent) => void;
  /** Milliseconds. */
  readonly lifetime: { readonly idle: number; readonly absolute: number };
}

/** The state behind a session that `load` returned, for commit. */
export function stateOf(session: Session<never> | object): SessionState {
  return RequestSession.stateOf(session);
}

export function newSession(
  loaded: Loaded,
  request: RequestLike,
  cookie: CookieForm,
  now: number,
  keepsAlive: boolean,
  rules: SessionRules,
): Session {
  const { data, subject, persistent } = loaded;
  const state: SessionState = {
    loaded,
    request,
    cookie,
    now,
    keepsAlive,
    changes: [],
    content: { data, subject },
    persistent,
    signedIn: false,
    signedOut: false,
    limits: undefined,
    identity: undefined,
    renewed: false,
    destroyed: false,
    accessed: false,
    closed: false,
    answered: undefined,
    exposed: false,
    saving: undefined,
    unsent: [],
  };
  return new RequestSession(state, rules);
}

/** Private fields, so that neither `JSON.stringify` nor an inspector shows the token (OWASP: no session id in logs). */
class RequestSession implements Session {
  readonly #state: SessionState;
  readonly #rules: SessionRules;

  constructor(state: SessionState, rules: SessionRules) {
    this.#state = state;
    this.#rules = rules;
  }

  static stateOf(session: object): SessionState {
    if (!(#state in session)) throw new TypeError("commit takes the session that load returned");
    return session.#state;
  }

  get isNew(): boolean {
    return this.#read().loaded.status !== "live";
  }
  get handle(): string | undefined {
    const state = this.#read();
    const { loaded, identity, destroyed, closed } = state;
    if (loaded.status === "live" && !state.signedIn && !state.signedOut) return loaded.handle;
    if (!destroyed && !closed) state.identity ??= loaded.newIdentity?.();
    return (state.identity ?? identity)?.handle ?? loaded.handle;
  }
  get subject(): string | undefined {
    return this.#read().content.subject;
  }
  get createdAt(): number {
    const { signedIn, signedOut, now, loaded } = this.#read();
    return signedIn || signedOut ? now : loaded.createdAt;
  }
  get expiresAt(): number {
    const { signedIn, signedOut, limits, now, loaded } = this.#read();
    if (!signedIn && !signedOut) return loaded.expiresAt;
    const { idle, absolute } = this.#rules.lifetime;
    return now + Math.min(limits?.idle ?? idle, limits?.absolute ?? absolute);
  }
  get authenticatedAt(): number | undefined {
    const { signedIn, signedOut, now, loaded, destroyed } = this.#read();
    return destroyed || (signedOut && !signedIn) ? undefined : signedIn ? now : loaded.authenticatedAt;
  }

  get(key: string): DeepReadonly<unknown> | undefined {
    const { data } = this.#read().content;
    return Object.hasOwn(data, key) ? freeze(data[key]) : undefined;
  }

  has(key: string): boolean {
    return Object.hasOwn(this.#read().content.data, key);
  }

  set(key: string, value: unknown): void {
    const { data } = this.#write().content;
    if (value === undefined) this.delete(key);
    // A value that is there already is no change: a request that sets what it read must not undo another's
    else if (typeof value === "object" || !Object.hasOwn(data, key) || !Object.is(data[key], value)) {
      this.#change({ type: "set", key: keyOf(key), value: copyOf(this.#rules.codec, value, key) });
    }
  }

  update(key: string, change: (value: never) => unknown): void {
    this.#write();
    if (typeof change !== "function")
      throw new TypeError("update takes a function of the old value; for a plain value write set(key, value)");
    this.#change({ type: "update", key: keyOf(key), change: change as (value: unknown) => unknown });
  }

  delete(key: string): void {
    if (Object.hasOwn(this.#write().content.data, key)) this.#change({ type: "delete", key });
  }

  take(key: string): DeepReadonly<unknown> | undefined {
    const value = this.get(key);
    this.delete(key);
    return value;
  }

  clear(): void {
    if (Object.keys(this.#write().content.data).length > 0) this.#change({ type: "clear" });
  }

  all(): Record<string, DeepReadonly<unknown>> {
    return freeze({ ...this.#read().content.data });
  }

  signIn(subject: string, options: SignInOptions = {}): void {
    const state = this.#write();
    known("signIn", options, ["persistent", "lifetime"]);
    const limits = ownLimits(options.lifetime, this.#rules.lifetime);
    if (!isSubject(subject))
      throw new TypeError("signIn takes the user's id: well-formed text of 1 to 500 characters, without U+0000");
    this.#change({ type: "sign-in", subject });
    state.signedIn = true;
    state.limits = limits;
    if (options.persistent !== undefined) state.persistent = options.persistent;
  }

  signOut({ keep = [] }: { keep?: readonly string[] } = {}): void {
    const state = this.#write();
    if (!Array.isArray(keep)) throw new TypeError('signOut takes the keys to keep as a list: { keep: ["cart"] }');
    this.#change({ type: "sign-out", keep: keep.map(keyOf) });
    state.signedOut = true;
    state.signedIn = false;
    state.limits = undefined;
  }

  renew(): void {
    this.#write().renewed = true;
  }

  persist(on = true): void {
    this.#write().persistent = on;
  }

  destroy(): void {
    if (this.#state.destroyed) return;
    const state = this.#write();
    state.destroyed = true;
    state.content = { data: {}, subject: undefined };
  }

  #read(): SessionState {
    const state = this.#state;
    state.accessed = true;
    if (state.exposed) {
      state.exposed = false; // said once
      const { handle, subject } = state.loaded;
      this.#rules.emit({ type: "read_after_response", handle, subject });
    }
    return state;
  }

  #write(): SessionState {
    const state = this.#read();
    if (state.closed)
      throw new SessionError(
        "session_committed",
        "The session was committed already: change it before the response is returned",
      );
    if (state.destroyed) throw new SessionError("session_destroyed", "The session was destroyed in this request");
    if (state.loaded.status === "unavailable")
      throw new SessionError("session_unavailable", "The store failed, and this anonymous session takes no changes");
    return state;
  }

  #change(change: Change): void {
    const { changes, content, loaded } = this.#state;
    // The loaded data stays as it was: commit compares and merges with it
    if (content.data === loaded.data) content.data = { ...content.data };
    applyChange(content, change, this.#rules.codec);
    changes.push(change);
  }
}

/** The limits that a sign-in asks for, in milliseconds. */
function ownLimits(asked: SignInOptions["lifetime"], of: SessionRules["lifetime"]): OwnLimits | undefined {
  if (asked === undefined) return undefined;
  known("lifetime", asked, ["idle", "absolute"]);
  const { idle, absolute } = asked;
  for (const [name, value, most] of [
    ["idle", idle, of.idle],
    ["absolute", absolute, of.absolute],
  ] as const) {
    const what = `a number of seconds above 0, at most the ${most / 1000} of createSessions`;
    must(value === undefined || (isDuration(value) && inMs(value) <= most), `lifetime.${name}`, value, what);
  }
  const isOrdered = idle === undefined || absolute === undefined || idle <= absolute;
  must(isOrdered, "lifetime.idle", idle, "at most lifetime.absolute");
  return { idle: idle && inMs(idle), absolute: absolute && inMs(absolute) };
}

function inMs(seconds: number): number {
  return Math.ceil(seconds * 1000);
}

function keyOf(key: unknown): string {
  if (typeof key !== "string") throw new TypeError(`A session key is a string, not ${typeof key}`);
  return key;
}
