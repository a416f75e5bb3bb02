/**
 * Sessions in a store that was written for express-session.
 * @module
 */

import { newNonce } from "../platform/nonce.ts";
import type { SessionStore, Version } from "../store.ts";
import { inTurn } from "./in-turn.ts";

/** What we call of an express-session store; all of them have it. */
export interface ConnectStore {
  /** Calls back with what was set; nothing, or an ENOENT, when there is nothing. */
  get(id: string, done: (error?: unknown, session?: unknown) => void): unknown;
  /** Stores the session for as long as its cookie says. */
  set(id: string, session: ConnectSession, done: (error?: unknown) => void): unknown;
  /** Removes it, if it is there. */
  destroy(id: string, done: (error?: unknown) => void): unknown;
}

/**
 * What such a store is given: a session of express-session's shape, whose `cookie` says how long to keep it, and ours
 * in one property.
 */
export interface ConnectSession {
  /** How long to keep it, in all the forms that stores look for: milliseconds and a date. */
  readonly cookie: {
    readonly originalMaxAge: number;
    readonly maxAge: number;
    readonly expires: Date;
    readonly path: "/";
    readonly httpOnly: true;
  };
  /** The entry. */
  readonly sojourn: { readonly value: string; readonly version: string; readonly expiresAt: number };
}

/** Options of {@link connectStore}. */
export interface ConnectStoreOptions {
  /** Epoch milliseconds; judges expiry. Default `Date.now`. */
  readonly clock?: () => number;
}

/**
 * Cannot promise, once several processes share the store, that no update is lost and that a logout is final: stores for
 * express-session cannot compare-and-set. `rotation.every` is refused.
 *
 * Within one process both hold, since calls for one key wait for each other; between processes the last writer wins.
 * There is no index, so no list of a user's sessions, no `revokeAll` and no `maxPerSubject`. It is the way to keep an
 * engine for which there is no store of ours; the sessions that express-session left there are not read.
 *
 * Expiry is judged here; the store is told of it as by express-session, and clears away as it always did. Errors are
 * the store's own. What is not of our shape is missing.
 *
 * @example
 * ```ts
 * import session from "express-session";
 * import createMemoryStore from "memorystore";
 * const MemoryStore = createMemoryStore(session);
 * const sessions = createSessions({ store: connectStore(new MemoryStore({ checkPeriod: 86_400_000 })) });
 * ```
 * @throws {TypeError} for something that is no such store
 */
export function connectStore(store: ConnectStore, options: ConnectStoreOptions = {}): SessionStore {
  const { clock = () => Date.now() } = options;
  if (typeof store?.get !== "function" || typeof store.set !== "function" || typeof store.destroy !== "function") {
    throw new TypeError(
      "Cannot use this as an express-session store: pass an instance, with get(), set() and destroy()",
    );
  }
  const turn = inTurn();

  async function find(key: string): Promise<ConnectSession["sojourn"] | undefined> {
    const session = await answer<unknown>((done) => store.get(key, done)).catch((error: unknown) => {
      // As express-session takes it: the way of some stores to say that there is none.
      if (isRecord(error) && error.code === "ENOENT") return undefined;
      throw error;
    });
    const ours = isRecord(session) ? session.sojourn : undefined;
    return isOurs(ours) && ours.expiresAt > clock() ? ours : undefined;
  }

  async function write(key: string, value: string, expiresAt: number): Promise<Version> {
    const version = newNonce();
    const maxAge = Math.max(1, expiresAt - clock());
    const cookie = { originalMaxAge: maxAge, maxAge, expires: new Date(expiresAt), path: "/", httpOnly: true } as const;
    await answer((done) => store.set(key, { cookie, sojourn: { value, version, expiresAt } }, done));
    return version;
  }

  return {
    consistency: "eventual",

    // Waits too: some stores empty a file before they write it.
    read: (key) =>
      turn(key, async () => {
        const found = await find(key);
        return found && { value: found.value, version: found.version, expiresAt: found.expiresAt };
      }),

    create: (key, value, { expiresAt }) =>
      turn(key, async () => ((await find(key)) ? undefined : write(key, value, expiresAt))),

    update: (key, value, { expiresAt }, expected) =>
      turn(key, async () => {
        const found = await find(key);
        return found && found.version === expected ? write(key, value, expiresAt) : undefined;
      }),

    delete: (key, expected) =>
      turn(key, async () => {
        const found = await find(key);
        if (!found || (expected !== undefined && found.version !== expected)) return false;
        await answer((done) => store.destroy(key, done));
        return true;
      }),
  };
}

/**
 * The answer of a callback, a throw of the call itself, or the rejection of a store whose methods are async and threw
 * before they called back.
 */
function answer<T>(call: (done: (error?: unknown, result?: T) => void) => unknown): Promise<T | undefined> {
  return new Promise((resolve, reject) => {
    const returned = call((error, result) => (error ? reject(error) : resolve(result)));
    if (returned instanceof Promise) returned.catch(reject);
  });
}

function isOurs(value: unknown): value is ConnectSession["sojourn"] {
  return (
    isRecord(value) &&
    typeof value.value === "string" &&
    typeof value.version === "string" &&
    Number.isFinite(value.expiresAt)
  );
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null;
}
