/**
 * The contract between sessions and the engine that keeps them. The comments are the specification;
 * `@sojourn/session/testing` is the proof.
 */

import type { Awaitable } from "./platform/awaitable.ts";

/**
 * The store's own opaque mark of one state of one entry. Sessions only ever hand it back. Every successful `update`
 * gives a new one; no two states of a key ever share one, not even across delete and create.
 */
export type Version = string | number;

/** What a store gives back for a key. */
export interface Entry {
  /** The very string that was written last. */
  readonly value: string;
  /** The state that this is; `update` wants it back. */
  readonly version: Version;
  /** Epoch milliseconds. From this moment on the entry does not exist. */
  readonly expiresAt: number;
}

/** How to read. */
export interface ReadOptions {
  /**
   * The answer must come from where entries are written, not from a copy: something is about to be concluded from what
   * it does not show. Only a store that keeps copies, such as `cachedStore`, needs to look at it.
   */
  readonly fresh?: boolean;
}

/** What a store needs to know about a value without looking into it. */
export interface EntryMeta {
  /** Epoch milliseconds at which the entry ends by itself. */
  readonly expiresAt: number;
  /** Whom the index lists the entry under; absent: nobody. */
  readonly subject?: string;
  /**
   * Its loss would open what was ended: a store that makes room by dropping live entries keeps this one. Set in the
   * list of ended sealed sessions; engines that drop by themselves are for their configuration to keep from it.
   */
  readonly lasting?: boolean;
}

/**
 * An engine that keeps sessions. Keys are 43 characters of base64url (the digest of a token, never a token), under
 * `prefixedStore` up to 20 more in front; values are text; an engine that cannot keep a lone surrogate refuses it.
 *
 * Four rules hold for every method:
 * - An expired entry is a missing entry: not read, not updated, not touched, not listed; `create` may take its key.
 * - Each method is atomic: of two calls that race on one key, one comes first, for all processes that share the engine.
 * - When a method returned (or its promise was fulfilled), the effect is there for every later call.
 * - Throw, or reject, for faults of the engine only, and then with the engine's own error. Everything else is a return
 *   value.
 */
export interface SessionStore {
  /** The live entry under `key`; `undefined` when there is none or it has expired. */
  read(key: string, options?: ReadOptions): Awaitable<Entry | undefined>;
  /** Stores a new entry and returns its version; `undefined`, and nothing changed, when the key is taken. */
  create(key: string, value: string, meta: EntryMeta): Awaitable<Version | undefined>;
  /**
   * Replaces value, expiry and subject (an absent subject takes the entry out of the index) if the entry is still at
   * version `expected`; returns the new version. `undefined`, and nothing changed, when the entry has another version
   * or is gone. Never creates.
   */
  update(key: string, value: string, meta: EntryMeta, expected: Version): Awaitable<Version | undefined>;
  /** Removes the entry, when `expected` is given only at that version. True if this call removed it. */
  delete(key: string, expected?: Version): Awaitable<boolean>;
  /**
   * Moves the expiry and nothing else, when `expected` is given only at that version; the version may stay or change.
   * False when the entry is gone or changed. Never creates. Without this method sessions `update` instead.
   */
  touch?(key: string, expiresAt: number, expected?: Version): Awaitable<boolean>;
  /**
   * The keys of all live entries written with this subject, in any order. An entry is listed from the moment its
   * `create` or `update` returned until it ends or is updated to another subject or none. Without this method there is
   * no list, no `revokeAll` and no `maxPerSubject`.
   */
  keysOf?(subject: string): Awaitable<string[]>;
  /**
   * Drops what expired at or before `now` (epoch milliseconds) and returns how many, for engines that do not do it by
   * themselves.
   */
  sweep?(now: number): Awaitable<number>;
  /**
   * `"strong"` (the default) is all of the above. `"eventual"` says that the engine cannot compare-and-set: `create`
   * and `update` check as well as they can, a read may be stale, and the promises of no lost update and final logout
   * are weakened as the store documents.
   */
  readonly consistency?: "strong" | "eventual";
}
