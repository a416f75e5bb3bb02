import type { CookieForm } from "./http/cookie.ts";
import type { Awaitable } from "./platform/awaitable.ts";
import type { Settings } from "./rules/options.ts";
import type { Loaded, SessionState } from "./session/state.ts";

/** One entry in the list of a user's sessions. */
export interface SessionInfo {
  /** For `revoke`; it stays the same until the session ends, and opens nothing. */
  readonly handle: string;
  /** Whose session it is. */
  readonly subject: string;
  /** Epoch milliseconds, as all times here. */
  readonly createdAt: number;
  /** When the user last signed in. */
  readonly authenticatedAt: number | undefined;
  /** The last request, to within `lifetime.touchEvery`. */
  readonly lastSeenAt: number;
  /** When it ends if no further request comes. */
  readonly expiresAt: number;
  /** Whether its cookie outlives the browser. */
  readonly persistent: boolean;
  /** What the `describe` option gave at sign-in. */
  readonly meta: unknown;
  /** It is the session of the `current` handle that `list` was given. */
  readonly current?: true;
}

/** How sessions are found and kept. There are two: behind a token in a store, and sealed in the cookie itself. */
export interface Backend<Found extends Loaded = Loaded> {
  /**
   * The session that a Cookie header proves at `now`, when the request came, or none. Throws `SessionError` where the
   * store fails, and for nothing that a client can send.
   */
  find(cookieHeader: string | null, cookie: CookieForm, now: number): Awaitable<Found>;
  /**
   * Stores what the request did and returns the Set-Cookie lines to send. With `deliverable` false the response cannot
   * carry any: what needs one throws `cookie_undeliverable` before anything is written.
   */
  keep(state: SessionState<Found>, deliverable: boolean): Awaitable<readonly string[]>;
  /** {@link Backend.keep}, and where the session is from then on: the request goes on with it. */
  save(state: SessionState<Found>, deliverable: boolean): Promise<{ cookies: readonly string[]; loaded: Found }>;
  /** Where the session of a request is by now, or that it has ended. Judged anew, and no reuse of a token. */
  reload?(state: SessionState<Found>): Promise<Found>;
  /**
   * The request is a sign of life, so its session must not reach its idle limit meanwhile: moves the limit if that is
   * due, without waiting. `keep` waits for it. Called as soon as the session is loaded, unless nothing but a look was
   * asked for. Never throws, for what fails is an event and the commit goes on without it.
   */
  keepAlive?(state: SessionState<Found>): void;
  list(subject: string, current?: string): Promise<SessionInfo[]>;
  revoke(subject: string, handle: string): Promise<boolean>;
  revokeAll(subject: string, except?: string): Promise<number>;
  sweep(): Promise<number>;
}

/** Makes a backend. What {@link BackendSource} really holds. */
export type CreateBackend = (settings: Settings) => Backend;

/**
 * What the `store` option may be besides a store: a way of its own to keep sessions, such as `sealedCookies()`. Opaque
 * to all but `createSessions`.
 */
export interface BackendSource {
  /** For `createSessions` alone. */
  readonly createBackend: (settings: never) => unknown;
}
