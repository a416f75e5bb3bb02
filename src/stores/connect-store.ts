/**
 * Sessions in a store that was written for express-session.
 * @module
 */

import { isPromise } from "../platform/awaitable.ts";
import { newNonce } from "../platform/random-text.ts";
import type { Entry, EntryMeta, SessionStore, Version } from "../store.ts";
import { type InTurn, inTurn } from "./in-turn.ts";

/** What we call of an express-session store; all of them have it. */
export interface ConnectStore {
  /** Calls back with what was set; nothing, or an ENOENT, when there is nothing. */
  get(id: string, done: (error?: unknown, session?: unknown) => void): unknown;
  /** Stores the session for as long as its cookie says. */
  set(id: string, session: ConnectSession, done: (error?: unknown) => void): unknown;
  /** Removes it, if it is there. */
  destroy(id: string, done: (error?: unknown) => void): unknown;
  /** Moves its expiry to what the cookie of the session says; not every store has it. */
  touch?(id: string, session: ConnectSession, done: (error?: unknown) => void): unknown;
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
    /** The exact end of the entry, epoch milliseconds: a store's own `touch` writes the cookie and nothing else. */
    readonly sojournUntil: number;
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
 * Within one process of Node, Bun or Deno both hold, since calls for one key wait for each other, for two seconds at
 * most; between processes, and on Workers and edge runtimes, where no request may wait for another, the last writer
 * wins. `create` does not look first whether a key is taken, unless this process has lately used it: keys are random.
 * There is no index, so no list of a user's sessions, no `revokeAll` and no `maxPerSubject`. It is the way to keep an
 * engine for which there is no store of ours; the sessions that express-session left there are not read.
 *
 * Expiry is judged here; the store is told of it as by express-session, and clears away as it always did. A store's own
 * `touch` is used where a read shows what it did; many (connect-redis, connect-pg-simple, express-mysql-session) move
 * only the engine's expiry and not the one that they give back, and are written to instead. Errors are the store's own.
 * What is not of our shape is missing.
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
  const context: Context = { store, turn: inTurn(store), clock, used: new Set(), touchIsSeen: undefined };
  return {
    consistency: "eventual",
    read: (key) => read(context, key),
    create: (key, value, meta) => create(context, key, value, meta),
    update: (key, value, meta, expected) => update(context, key, value, meta, expected),
    delete: (key, expected) => remove(context, key, expected),
    touch: (key, expiresAt, expected) => touch(context, key, expiresAt, expected),
  };
}

interface Context {
  readonly store: ConnectStore;
  readonly turn: InTurn;
  readonly clock: () => number;
  /** Keys that this process has lately used. */
  readonly used: Set<string>;
  /** Whether a read shows what the store's own `touch` did; not known before the first. */
  touchIsSeen: boolean | undefined;
}

type Ours = ConnectSession["sojourn"];

/** How many keys are remembered as used. */
const REMEMBERED = 10_000;

// Waits too: some stores empty a file before they write it.
function read(context: Context, key: string): Promise<Entry | undefined> {
  return context.turn(key, async () => {
    const found = await find(context, key);
    return found && { value: found.value, version: found.version, expiresAt: found.expiresAt };
  });
}

function create(context: Context, key: string, value: string, { expiresAt }: EntryMeta): Promise<Version | undefined> {
  return context.turn(key, async () => {
    if (context.used.has(key) && (await find(context, key))) return undefined;
    const version = newNonce();
    await write(context, key, { value, version, expiresAt });
    return version;
  });
}

function update(
  context: Context,
  key: string,
  value: string,
  { expiresAt }: EntryMeta,
  expected: Version,
): Promise<Version | undefined> {
  return context.turn(key, async () => {
    const found = await find(context, key);
    if (found?.version !== expected) return undefined;
    const version = newNonce();
    await write(context, key, { value, version, expiresAt });
    return version;
  });
}

function remove(context: Context, key: string, expected: Version | undefined): Promise<boolean> {
  return context.turn(key, async () => {
    const found = await find(context, key);
    if (!found || (expected !== undefined && found.version !== expected)) return false;
    await answer((done) => context.store.destroy(key, done));
    return true;
  });
}

function touch(context: Context, key: string, expiresAt: number, expected: Version | undefined): Promise<boolean> {
  const { store } = context;
  return context.turn(key, async () => {
    const found = await find(context, key);
    if (!found || (expected !== undefined && found.version !== expected)) return false;
    const next = { ...found, expiresAt };
    if (!store.touch || context.touchIsSeen === false) {
      await write(context, key, next);
      return true;
    }
    await answer((done) => store.touch?.(key, toSession(context, next), done));
    if (context.touchIsSeen === undefined && expiresAt > context.clock()) {
      const after = await find(context, key);
      context.touchIsSeen = after?.expiresAt === expiresAt && after.version === found.version;
      if (!context.touchIsSeen) await write(context, key, next);
    }
    return true;
  });
}

async function find(context: Context, key: string): Promise<Ours | undefined> {
  const session = await answer<unknown>((done) => context.store.get(key, done)).catch((error: unknown) => {
    // As express-session takes it: the way of some stores to say that there is none.
    if (isRecord(error) && error.code === "ENOENT") return undefined;
    throw error;
  });
  const ours = isRecord(session) ? session.sojourn : undefined;
  if (!isOurs(ours)) return undefined;
  const expiresAt = touchedUntil(session) ?? ours.expiresAt;
  if (!(expiresAt > context.clock())) return undefined;
  remember(context.used, key);
  return { value: ours.value, version: ours.version, expiresAt };
}

/** What a store's own `touch` wrote: a cookie that ends at another time than the one that came with the entry. */
function touchedUntil(session: unknown): number | undefined {
  const cookie = isRecord(session) && isRecord(session.cookie) ? session.cookie : undefined;
  return typeof cookie?.sojournUntil === "number" ? cookie.sojournUntil : undefined;
}

async function write(context: Context, key: string, entry: Ours): Promise<void> {
  remember(context.used, key);
  await answer((done) => context.store.set(key, toSession(context, entry), done));
}

function remember(used: Set<string>, key: string): void {
  used.delete(key);
  used.add(key);
  if (used.size <= REMEMBERED) return;
  const [oldest] = used;
  used.delete(oldest as string);
}

const SLACK = 60_000;

function toSession({ clock }: Context, { value, version, expiresAt }: Ours): ConnectSession {
  // The store behind ours clears by its own clock: a minute later, or one that is ahead ends sessions early
  const maxAge = Math.max(1, expiresAt - clock() + SLACK);
  const cookie = {
    originalMaxAge: maxAge,
    maxAge,
    expires: new Date(expiresAt + SLACK),
    path: "/",
    httpOnly: true,
  } as const;
  return { cookie: { ...cookie, sojournUntil: expiresAt }, sojourn: { value, version, expiresAt } };
}

/**
 * The answer of a callback, a throw of the call itself, or the rejection of a store whose methods are async and threw
 * before they called back.
 */
function answer<T>(call: (done: (error?: unknown, result?: T) => void) => unknown): Promise<T | undefined> {
  return new Promise((resolve, reject) => {
    const returned = call((error, result) => (error ? reject(error) : resolve(result)));
    if (isPromise<unknown>(returned)) returned.then(undefined, reject);
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
