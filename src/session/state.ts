import type { CookieForm } from "../http/cookie.ts";
import type { RequestLike } from "../http/cookie-options.ts";
import type { Additions } from "../http/response.ts";
import { type Awaitable, atOnce } from "../platform/awaitable.ts";
import { type Codec, copyOf, put } from "./codec.ts";

/**
 * One thing done to a session. Commit applies the list to what is stored by then, so that no other request's change is
 * lost.
 */
export type Change =
  | { readonly type: "set"; readonly key: string; readonly value: unknown }
  | { readonly type: "update"; readonly key: string; readonly change: (value: unknown) => unknown }
  | { readonly type: "delete"; readonly key: string }
  | { readonly type: "clear" }
  | { readonly type: "sign-in"; readonly subject: string }
  | { readonly type: "sign-out"; readonly keep: readonly string[] };

/** What changes apply to. */
export interface Content {
  data: Record<string, unknown>;
  subject: string | undefined;
}

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
   * read-only by choice.
   */
  readonly status: "none" | "live" | "ended" | "unavailable";
  readonly data: Record<string, unknown>;
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
  /** What the sign-in asked for. */
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

/**
 * Applies one change. The same function serves the view of the request and the merge with what another request stored.
 */
export function applyChange(content: Content, change: Change, codec: Codec): void {
  switch (change.type) {
    case "set":
      put(content.data, change.key, change.value);
      return;
    case "update": {
      const before = Object.hasOwn(content.data, change.key) ? content.data[change.key] : undefined;
      const copy = before === undefined ? undefined : copyOf(codec, before, change.key);
      const value = atOnce("The function for update", change.change(copy));
      if (value === undefined) delete content.data[change.key];
      else put(content.data, change.key, copyOf(codec, value, change.key));
      return;
    }
    case "delete":
      delete content.data[change.key];
      return;
    case "clear":
      content.data = {};
      return;
    case "sign-in":
      if (content.subject !== undefined && content.subject !== change.subject) content.data = {};
      content.subject = change.subject;
      return;
    case "sign-out": {
      const { data } = content;
      content.data = {};
      content.subject = undefined;
      for (const key of change.keep) if (Object.hasOwn(data, key)) put(content.data, key, data[key]);
    }
  }
}

/** The changes applied to stored data: what shall be stored next. */
export function applyChanges(
  data: Record<string, unknown>,
  subject: string | undefined,
  changes: readonly Change[],
  codec: Codec,
): Content {
  const content = { data: { ...data }, subject };
  for (const change of changes) applyChange(content, change, codec);
  return content;
}

/** Whether the request left everything as it was. */
export function isUntouched({ changes, destroyed, renewed, persistent, loaded }: SessionState): boolean {
  return changes.length === 0 && !destroyed && !renewed && persistent === loaded.persistent;
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
export function goOnWith(state: SessionState, part: SessionState, loaded: Loaded, codec: Codec): void {
  state.loaded = loaded;
  if (state.persistent === part.persistent) state.persistent = loaded.persistent;
  const { data, subject } = loaded;
  if (!state.destroyed)
    state.content = state.changes.length === 0 ? { data, subject } : applyChanges(data, subject, state.changes, codec);
}
