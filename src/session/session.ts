import type { DeepReadonly } from "./deep-readonly.ts";
import type { SignInOptions } from "./sign-in.ts";

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
  /**
   * Epoch milliseconds of the last `signIn`, for "please sign in again" checks (ASVS 7.5.1). Of a session that was
   * taken over from another library it is when that began, and `undefined` where that is not known.
   */
  readonly authenticatedAt: number | undefined;
  /** The value, frozen; `undefined` if there is none. */
  get<K extends keyof Data & string>(key: K): DeepReadonly<Data[K]> | undefined;
  /** Whether there is a value. */
  has(key: keyof Data & string): boolean;
  /**
   * Stores a snapshot of the value: later changes to the argument do not count. `undefined` deletes. A blind write: of
   * two requests that change one key the later commit stays. A text, number or boolean that the session holds already
   * is no change: it does not undo what another request stored meanwhile.
   * @throws SessionError `value_not_storable` where the codec would change the value in silence; `session_committed`,
   * `session_destroyed`, `session_unavailable` as every write.
   */
  set<K extends keyof Data & string>(key: K, value: Data[K] | DeepReadonly<Data[K]> | undefined): void;
  /**
   * Changes a value from what it is. `change` gets a copy of its own, returns the new value (`undefined` deletes), and
   * runs again on the fresh value if another request came first: keep it free of effects.
   */
  update<K extends keyof Data & string>(
    key: K,
    change: (value: Data[K] | undefined) => Data[K] | DeepReadonly<Data[K]> | undefined,
  ): void;
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
  /**
   * "Remember me": with `true` (the default) the cookie outlives the browser, up to the absolute limit. `lifetime`
   * gives this session shorter limits, as in `signIn`; the absolute one counts from `createdAt`.
   * @throws RangeError when a limit is above that of the options, or `idle` above `absolute`
   */
  persist(on?: boolean, options?: Pick<SignInOptions, "lifetime">): void;
  /** Ends the session: final, also for requests in flight. It reads as empty from here on, and a write throws. */
  destroy(): void;
}
