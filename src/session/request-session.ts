import type { SessionEvent } from "../events.ts";
import type { CookieForm } from "../http/cookie.ts";
import type { RequestLike } from "../http/cookie-options.ts";
import { known, must } from "../option-checks.ts";
import { refuseAssignment } from "./assignment.ts";
import { checkWrite } from "./check-write.ts";
import { copyOf, freeze } from "./codec.ts";
import { applyChange, type Change, contentOf, type DataRules, noData, viewOf } from "./content.ts";
import type { DeepReadonly } from "./deep-readonly.ts";
import type { Session } from "./session.ts";
import { ownLimits, type SignInOptions } from "./sign-in.ts";
import { isSubject, type Loaded, type SessionState } from "./state.ts";

/** What a session needs to know of the options of `createSessions`. */
export interface SessionRules extends DataRules {
  readonly emit: (event: SessionEvent) => void;
  /** Milliseconds. */
  readonly lifetime: { readonly idle: number; readonly absolute: number };
}

/** The state behind a session that `load` returned, for commit. */
export function stateOf(session: Session<never> | object): SessionState {
  return RequestSession.stateOf(session);
}

const NO_LINES: readonly string[] = [];

export function newSession(
  loaded: Loaded,
  request: RequestLike,
  cookie: CookieForm,
  now: number,
  keepsAlive: boolean,
  rules: SessionRules,
): Session {
  const state: SessionState = {
    loaded,
    request,
    cookie,
    now,
    keepsAlive,
    changes: [],
    content: contentOf(loaded),
    persistent: loaded.persistent,
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
    unsent: NO_LINES,
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
    const data = this.#view();
    return Object.hasOwn(data, key) ? freeze(data[key]) : undefined;
  }

  has(key: string): boolean {
    return Object.hasOwn(this.#view(), key);
  }

  set(key: string, value: unknown): void {
    const data = this.#stored();
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
    if (Object.hasOwn(this.#stored(), key) && this.has(key)) this.#change({ type: "delete", key });
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
    return freeze({ ...this.#view() });
  }

  signIn(subject: string, options: SignInOptions = {}): void {
    const state = this.#write();
    known("signIn", options, ["persistent", "lifetime"]);
    const limits = ownLimits(options.lifetime, this.#rules.lifetime);
    if (!isSubject(subject))
      throw new TypeError("signIn takes the user's id: well-formed text of 1 to 500 characters, without U+0000");
    must(/boolean|undefined/.test(typeof options.persistent), "persistent", options.persistent, "true or false");
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

  persist(on = true, options: Pick<SignInOptions, "lifetime"> = {}): void {
    must(typeof on === "boolean", "The argument of persist", on, "true or false");
    known("persist", options, ["lifetime"]);
    const state = this.#write();
    if (options.lifetime !== undefined) state.limits = ownLimits(options.lifetime, this.#rules.lifetime);
    state.persistent = on;
  }

  destroy(): void {
    if (this.#state.destroyed) return;
    const state = this.#write();
    state.destroyed = true;
    state.content = contentOf(noData(this.#rules.shape));
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
    if (state.closed) {
      const { handle, subject } = state.loaded;
      this.#rules.emit({ type: "write_after_response", handle, subject });
    }
    checkWrite(state);
    return state;
  }

  /** What the handler sees of the data. */
  #view(): Record<string, unknown> {
    return viewOf(this.#read().content, this.#rules.shape);
  }

  /** What changes apply to. */
  #stored(): Record<string, unknown> {
    const { content } = this.#write();
    viewOf(content, this.#rules.shape);
    return content.data;
  }

  #change(change: Change): void {
    const { changes, content } = this.#state;
    applyChange(content, change, this.#rules);
    changes.push(change);
  }
}

function keyOf(key: unknown): string {
  if (typeof key !== "string") throw new TypeError(`A session key is a string, not ${typeof key}`);
  return key;
}

refuseAssignment(RequestSession.prototype);
