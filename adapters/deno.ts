/**
 * Sessions in Deno KV. `sessions.wrap()` is a handler for `Deno.serve` as it is; this entry adds the store that only
 * Deno has.
 *
 * @example
 * ```ts
 * import { createSessions } from "@sojourn/session";
 * import { denoKvStore } from "@sojourn/session/deno";
 *
 * const sessions = createSessions<{ visits: number }>({ store: denoKvStore(await Deno.openKv()) });
 * Deno.serve(sessions.wrap((_request, session) => {
 *   session.update("visits", (visits = 0) => visits + 1);
 *   return new Response(`Visit ${session.get("visits")}`);
 * }));
 * ```
 *
 * @module
 */
import type { Entry, EntryMeta, SessionStore, Version } from "../src/index.ts";
import { subjectDigest } from "./shared/subject-digest.ts";

/** A part of a key of Deno KV. */
export type DenoKvKeyPart = string | number | bigint | boolean | Uint8Array;

/** What this store calls on a `Deno.Kv`. */
export interface DenoKv {
  /** Reads one key, with strong consistency. */
  get(key: readonly DenoKvKeyPart[]): Promise<{ value: unknown; versionstamp: string | null }>;
  /** All entries whose key starts with the prefix. */
  list(
    selector: { prefix: readonly DenoKvKeyPart[] },
    options: { batchSize: number },
  ): AsyncIterable<{ key: readonly unknown[]; value: unknown }>;
  /** Starts a list of checks and changes that happen together or not at all. */
  atomic(): DenoKvAtomic;
}

/** What this store calls on a `Deno.AtomicOperation`. */
export interface DenoKvAtomic {
  /** The commit fails unless the key is at this versionstamp (`null`: absent). */
  check(check: { key: readonly DenoKvKeyPart[]; versionstamp: string | null }): unknown;
  /** Adds a write. */
  set(key: readonly DenoKvKeyPart[], value: unknown, options: { expireIn: number }): unknown;
  /** Adds a removal. */
  delete(key: readonly DenoKvKeyPart[]): unknown;
  /** Does it all, or nothing when a check failed. */
  commit(): Promise<{ ok: true; versionstamp: string } | { ok: false }>;
}

/** Settings of {@linkcode denoKvStore}. */
export interface DenoKvStoreOptions {
  /** The first parts of every key, so that sessions live beside other data. Default: `["sojourn"]`. */
  prefix?: readonly DenoKvKeyPart[];
  /** The time in epoch milliseconds. Default: `Date.now`. */
  clock?: () => number;
}

/** What lies under the key of an entry. `subject` is the digest that the index row has in its key. */
interface Stored {
  readonly value: string;
  readonly expiresAt: number;
  readonly subject: string | undefined;
}

type Found = { value: Stored | null; versionstamp: string | null };

/**
 * Milliseconds that the engine keeps an entry beyond its end. The clock of the session decides when an entry ends;
 * `expireIn` only clears away what has ended, and must not come first when two clocks differ a little.
 */
const broomDelay = 60_000;

/**
 * Keeps sessions in Deno KV, on a file or on Deno Deploy, with all the promises: a check of the versionstamp is the
 * compare-and-set, the index by subject changes in the same atomic commit, and `expireIn` clears away what has ended.
 * Several processes may share a file: what meets the lock of another is done again, for a second or so.
 *
 * Deno KV takes values of at most 64 KiB: a larger session makes the commit reject with a `RangeError`, and what was
 * stored stays as it is.
 *
 * @throws {TypeError} when `kv` is no `Deno.Kv` or `prefix` is empty.
 */
export function denoKvStore(kv: DenoKv, options: DenoKvStoreOptions = {}): SessionStore {
  const { prefix = ["sojourn"], clock = () => Date.now() } = options;
  if (typeof kv?.atomic !== "function")
    throw new TypeError("denoKvStore needs a Deno.Kv: write denoKvStore(await Deno.openKv())");
  if (!Array.isArray(prefix) || prefix.length === 0) {
    throw new TypeError('The prefix of denoKvStore must be an array of at least one key part, such as ["sojourn"]');
  }

  const entryKey = (key: string): DenoKvKeyPart[] => [...prefix, "entry", key];
  const subjectKey = (digest: string): DenoKvKeyPart[] => [...prefix, "subject", digest];
  const find = async (key: string): Promise<Found> => (await unlessLocked(() => kv.get(entryKey(key)))) as Found;
  const isLive = (stored: Stored | null): stored is Stored => stored !== null && stored.expiresAt > clock();

  function replacement(key: string, found: Found, next: Stored | undefined): DenoKvAtomic {
    const operation = kv.atomic();
    operation.check({ key: entryKey(key), versionstamp: found.versionstamp });
    const formerSubject = found.value?.subject;
    if (formerSubject !== undefined && formerSubject !== next?.subject)
      operation.delete([...subjectKey(formerSubject), key]);
    if (next === undefined) {
      operation.delete(entryKey(key));
    } else {
      const expireIn = Math.ceil(Math.max(0, next.expiresAt - clock())) + broomDelay;
      operation.set(entryKey(key), next, { expireIn });
      if (next.subject !== undefined) operation.set([...subjectKey(next.subject), key], next.expiresAt, { expireIn });
    }
    return operation;
  }

  /**
   * Puts `next` (or nothing) in the place of what was found, index included; the new version, or undefined when another
   * write came first.
   */
  async function replace(key: string, found: Found, next: Stored | undefined): Promise<string | undefined> {
    const result = await unlessLocked(() => replacement(key, found, next).commit()).catch((error: unknown) => {
      throw isTooLarge(error) ? new RangeError(tooLarge(key), { cause: error }) : error;
    });
    return result.ok ? result.versionstamp : undefined;
  }

  /** Replaces a live entry at the expected version, or, without one, whatever version it is at by then. */
  async function change(
    key: string,
    expected: Version | undefined,
    next: (now: Stored) => Stored | undefined,
  ): Promise<string | undefined> {
    for (;;) {
      const found = await find(key);
      if (!isLive(found.value) || (expected !== undefined && found.versionstamp !== expected)) return undefined;
      const version = await replace(key, found, next(found.value));
      if (version !== undefined || expected !== undefined) return version;
    }
  }

  return {
    async read(key): Promise<Entry | undefined> {
      const { value, versionstamp } = await find(key);
      if (!isLive(value) || versionstamp === null) return undefined;
      return { value: value.value, version: versionstamp, expiresAt: value.expiresAt };
    },

    async create(key, value, meta): Promise<Version | undefined> {
      const next = await toStored(value, meta);
      for (;;) {
        const found = await find(key);
        if (isLive(found.value)) return undefined;
        const version = await replace(key, found, next);
        if (version !== undefined) return version;
      }
    },

    async update(key, value, meta, expected): Promise<Version | undefined> {
      const next = await toStored(value, meta);
      return change(key, expected, () => next);
    },

    async delete(key, expected): Promise<boolean> {
      return (await change(key, expected, () => undefined)) !== undefined;
    },

    async touch(key, expiresAt, expected): Promise<boolean> {
      return (await change(key, expected, (stored) => ({ ...stored, expiresAt }))) !== undefined;
    },

    async keysOf(subject): Promise<string[]> {
      const prefix = subjectKey(await subjectDigest(subject));
      const rows = await unlessLocked(() => wholeListing(kv, prefix));
      const now = clock();
      return [...rows].flatMap(([key, expiresAt]) => (expiresAt > now ? [key] : []));
    },
  };
}

/** The largest that Deno KV takes. */
const batchSize = 1_000;

/**
 * The rows under a prefix. The engine reads them in batches, each at a moment of its own; a session that moves from a
 * key that is still to come to one that was read already is in none of them. So where one batch does not hold all rows,
 * they are read again until none has left since the time before.
 */
async function wholeListing(kv: DenoKv, prefix: readonly DenoKvKeyPart[]): Promise<Map<string, number>> {
  let before: Map<string, number> | undefined;
  for (let attempt = 1; attempt <= attempts; attempt++) {
    const rows = new Map<string, number>();
    for await (const { key, value } of kv.list({ prefix }, { batchSize }))
      rows.set(String(key.at(-1)), value as number);
    if (rows.size < batchSize || (before && [...before.keys()].every((key) => rows.has(key)))) return rows;
    before = rows;
  }
  throw new Error("The list of this user's sessions changes faster than it can be read");
}

async function toStored(value: string, meta: EntryMeta): Promise<Stored> {
  const subject = meta.subject === undefined ? undefined : await subjectDigest(meta.subject);
  return { value, expiresAt: meta.expiresAt, subject };
}

/** More of them mean that something else is wrong; the pauses between them add up to a second or so, two at most. */
const attempts = 11;

/** A database file that another process has the lock of is asked again, after a random pause: a race is no fault. */
async function unlessLocked<T>(work: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await work();
    } catch (error) {
      if (attempt === attempts || !isLocked(error)) throw error;
    }
    await new Promise((resume) => setTimeout(resume, Math.random() * 2 ** attempt));
  }
}

function isLocked(error: unknown): boolean {
  return /database is locked/.test(String((error as { message?: unknown } | undefined)?.message));
}

function isTooLarge(error: unknown): boolean {
  return /value too large/i.test(String((error as { message?: unknown } | undefined)?.message));
}

function tooLarge(key: string): string {
  return `Cannot store session ${key}: Deno KV takes values of at most 64 KiB; keep less in the session, or the bulk of it elsewhere`;
}
