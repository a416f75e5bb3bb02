import type { CookieForm } from "../http/cookie.ts";
import type { RequestLike } from "../http/cookie-options.ts";
import type { Additions } from "../http/response.ts";
import type { Awaitable } from "../platform/awaitable.ts";
import { applyChanges, type Change, type Content, type DataRules } from "./content.ts";

/** What a session will be called and opened by, drawn before it is stored. */
export interface Identity {
  readonly handle: string;
  readonly token: string;
}

/** Limits that one session has of its own, in milliseconds; never above those of the options. */
export interface OwnLimits {
  readonly idle?: number | undefined;
  readonly absolute?: number | undefined;
}

/** What a backend found for a request. */
export interface Loaded {
  /**
   * `ended`: the token opens nothing but was ours a moment ago. `unavailable`: the store failed, and the session is
   * read-only by choice. `foreign`: a page of another origin sent the request, so it is read-only too.
   */
  readonly status: "none" | "live" | "ended" | "unavailable" | "foreign";
  readonly data: Record<string, unknown>;
  /** The version of the data's shape. */
  readonly version: number;
  readonly handle: string | undefined;
  readonly subject: string | undefined;
  readonly authenticatedAt: number | undefined;
  readonly createdAt: number;
  readonly expiresAt: number;
  readonly persistent: boolean;
  /** Draws what a new session will be called, for a handle that is read before the commit. */
  readonly newIdentity?: () => Identity;
}

/**
 * All that a commit needs to know of a session. `Found` is what the backend itself wants to remember from load to
 * commit.
 */
export interface SessionState<Found extends Loaded = Loaded> {
  loaded: Found;
  readonly request: RequestLike;
  readonly cookie: CookieForm;
  /** Epoch ms of the load. */
  readonly now: number;
  /** Whether the request counts for the idle limit. */
  readonly keepsAlive: boolean;
  changes: Change[];
  content: Content;
  persistent: boolean;
  signedIn: boolean;
  signedOut: boolean;
  /** What the sign-in asked for, or `persist`. */
  limits: OwnLimits | undefined;
  /** Of the new session that a first write, a sign-in or a sign-out makes, once it was drawn. */
  identity: Identity | undefined;
  renewed: boolean;
  destroyed: boolean;
  /** Whether the response depends on the session. */
  accessed: boolean;
  /** Committed, or given up because the handler threw. */
  closed: boolean;
  /** Loaded by one and committed by a `wrap` further in: what that came to, for a commit by the first. */
  answered: Awaitable<Additions> | undefined;
  /** The head left in a form that caches may keep, since nobody had looked at the session by then. */
  exposed: boolean;
  /** The save that is under way; the next one, and the commit, wait for it. */
  saving: Promise<unknown> | undefined;
  /** Set-Cookie lines of the last save, which nobody may have sent: the commit sends them if it has none of its own. */
  unsent: readonly string[];
}

/** Whether the request left everything as it was. */
export function isUntouched({ changes, destroyed, renewed, persistent, limits, loaded }: SessionState): boolean {
  return changes.length === 0 && !destroyed && !renewed && limits === undefined && persistent === loaded.persistent;
}

/**
 * Whether something can name a user: text of 1 to 500 characters that every engine keeps as it is. U+0000 and lone
 * surrogates are not such: PostgreSQL refuses the one, and UTF-8 makes all of the other equal.
 */
export function isSubject(subject: unknown): subject is string {
  return typeof subject === "string" && subject !== "" && subject.length <= 500 && !/[\0\p{Surrogate}]/u.test(subject);
}

/** The part of a state that a save stores. What comes after it is collected anew. */
export function takeChanges(state: SessionState): SessionState {
  const part = { ...state };
  state.changes = [];
  // What comes after it must not change what is being stored
  state.content = { ...part.content, own: false };
  state.signedIn = false;
  state.signedOut = false;
  state.renewed = false;
  state.limits = undefined;
  state.identity = undefined;
  return part;
}

/** The save failed: its part comes before what was done since. */
export function takeBack(state: SessionState, part: SessionState): void {
  state.changes = [...part.changes, ...state.changes];
  state.signedIn ||= part.signedIn;
  state.signedOut ||= part.signedOut;
  state.renewed ||= part.renewed;
  state.limits ??= part.limits;
  state.identity ??= part.identity;
}

/** The save is done: the request goes on with what is stored now, and with what was done since. */
export function goOnWith(state: SessionState, part: SessionState, loaded: Loaded, rules: DataRules): void {
  state.loaded = loaded;
  if (state.persistent === part.persistent) state.persistent = loaded.persistent;
  if (!state.destroyed) state.content = applyChanges(loaded, state.changes, rules);
}
