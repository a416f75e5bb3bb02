import type { Entry, EntryMeta, SessionStore, Version } from "../../src/index.ts";
import { subjectDigest } from "../shared/subject-digest.ts";
import { wholeListing } from "../shared/whole-listing.ts";

/** What is called of a Workers KV namespace. */
export interface SessionKvNamespace {
  /** The text under a key, and what was put beside it. */
  getWithMetadata(key: string): Promise<{ value: string | null; metadata: unknown }>;
  /** `expiration` is in seconds since the epoch. */
  put(key: string, value: string, options: { expiration: number; metadata?: object }): Promise<void>;
  /** Does no harm when there is none. */
  delete(key: string): Promise<void>;
  /** One page of the keys that start with the prefix. */
  list(options: {
    prefix: string;
    cursor?: string;
  }): Promise<{ keys: { name: string }[]; list_complete: boolean; cursor?: string }>;
}

/** Settings of {@linkcode kvStore}. */
export interface KvStoreOptions {
  /** What every key starts with, up to 200 characters of `A-Z a-z 0-9 _ - . : /`. Default: `"session:"`. */
  prefix?: string;
  /** The time in epoch milliseconds. Default: `Date.now`. */
  clock?: () => number;
}

/** A store that cannot compare-and-set, and says so. */
export interface KvSessionStore extends SessionStore {
  /** Versions are checked before a write, but not together with it. */
  readonly consistency: "eventual";
}

/** Beside the value: what KV does not know of an entry by itself. */
interface Metadata {
  readonly version: string;
  /** KV expires to the second and not below a minute; this is exact. */
  readonly expiresAt: number;
  /** Digest of the subject, and until when (epoch milliseconds) the row that lists the entry under it is kept. */
  readonly subject?: string | undefined;
  readonly listedUntil?: number | undefined;
}

interface Found extends Metadata {
  readonly value: string;
}

/**
 * A row outlives its entry by a day, so that a session which moves its expiry with every write does not write its row
 * each time.
 */
const rowSlack = 86_400_000;

/**
 * Keeps sessions in Workers KV: cheap, read fast all over the world, and **eventually consistent**. A write is seen at
 * once where it was made and within about a minute elsewhere, and KV has no compare-and-set: versions are checked
 * before a write, but not with it. So these promises are weaker than on any other store of this package:
 *
 * - Of two writes at the same time the later one wins as a whole, and an update may be lost.
 * - After a logout another location may show the session for about a minute more, and a request in flight may bring it
 *   back. What ends a session is written over it, not removed, so that a location which knows the end does not forget
 *   it for an older copy.
 * - KV takes one write a second for each key, and rejects the others: a page that writes its session in parallel is
 *   better off elsewhere.
 *
 * Take {@linkcode durableObjectStore} or {@linkcode d1Store} for anything that a logout protects. Expired entries go by
 * themselves.
 *
 * @throws {TypeError} when `namespace` is no KV namespace, or for a prefix with other characters.
 */
export function kvStore(namespace: SessionKvNamespace, options: KvStoreOptions = {}): KvSessionStore {
  const { prefix = "session:", clock = () => Date.now() } = options;
  if (typeof namespace?.getWithMetadata !== "function") {
    throw new TypeError(
      'Cannot use this namespace: kvStore() takes a KV binding, as in kvStore(binding(env, "SESSIONS"))',
    );
  }
  if (typeof prefix !== "string" || !/^[\w\-.:/]{0,200}$/.test(prefix)) {
    throw new TypeError(`Cannot use KV prefix ${JSON.stringify(prefix)}: write up to 200 of A-Z a-z 0-9 _ - . : /`);
  }

  const entryName = (key: string): string => prefix + key;
  // A key is base64url, so no entry has a colon where a row has one
  const rowsName = (subject: string): string => `${prefix}subject:${subject}:`;

  /** The entry, live or not: KV may keep it beyond its end. */
  async function find(key: string): Promise<Found | undefined> {
    const { value, metadata } = await namespace.getWithMetadata(entryName(key));
    return value === null || metadata === null ? undefined : { ...(metadata as Metadata), value };
  }

  async function findLive(key: string): Promise<Found | undefined> {
    const found = await find(key);
    return found && found.expiresAt > clock() ? found : undefined;
  }

  /** Row first, entry second, former row last: a crash in between leaves a row that `keysOf` finds out about. */
  async function write(key: string, value: string, meta: EntryMeta, former: Found | undefined): Promise<string> {
    // UTF-8 has no lone surrogates: KV would put another character in their place, in silence
    if ((value as { isWellFormed?(): boolean }).isWellFormed?.() === false)
      throw new TypeError("Cannot store text with a lone surrogate: KV would change it");
    const version = crypto.randomUUID();
    const { expiresAt } = meta;
    const subject = meta.subject === undefined ? undefined : await subjectDigest(meta.subject);
    const stays = subject !== undefined && subject === former?.subject;
    let listedUntil = stays ? former.listedUntil : undefined;
    if (subject !== undefined && (listedUntil ?? 0) < expiresAt) {
      listedUntil = expiresAt + rowSlack;
      await namespace.put(rowsName(subject) + key, "", { expiration: expirationOf(listedUntil) });
    }
    const metadata: Metadata = { version, expiresAt, subject, listedUntil };
    await namespace.put(entryName(key), value, { expiration: expirationOf(expiresAt), metadata });
    if (!stays) await unlist(key, former);
    return version;
  }

  /**
   * A row that stays leads nowhere and goes by itself, so a failure is no reason to call the write before it failed.
   */
  async function unlist(key: string, former: Found | undefined): Promise<void> {
    if (former?.subject !== undefined) await namespace.delete(rowsName(former.subject) + key).catch(() => {});
  }

  /**
   * In seconds since the epoch. KV refuses less than a minute from now; a minute on top, because the clock decides when
   * an entry ends and KV only clears away.
   */
  function expirationOf(expiresAt: number): number {
    return Math.ceil(Math.max(expiresAt, clock(), Date.now()) / 1000) + 61;
  }

  return {
    consistency: "eventual",

    async read(key): Promise<Entry | undefined> {
      const found = await findLive(key);
      return found && { value: found.value, version: found.version, expiresAt: found.expiresAt };
    },

    async create(key, value, meta): Promise<Version | undefined> {
      const found = await find(key);
      return found && found.expiresAt > clock() ? undefined : write(key, value, meta, found);
    },

    async update(key, value, meta, expected): Promise<Version | undefined> {
      const found = await findLive(key);
      return found?.version === expected ? write(key, value, meta, found) : undefined;
    },

    async delete(key, expected): Promise<boolean> {
      const found = await findLive(key);
      if (found === undefined || (expected !== undefined && found.version !== expected)) return false;
      await namespace.delete(entryName(key));
      await unlist(key, found);
      return true;
    },

    async keysOf(subject): Promise<string[]> {
      const digest = await subjectDigest(subject);
      const prefix = rowsName(digest);
      return wholeListing(
        () => namesUnder(namespace, prefix),
        async (key) => (await findLive(key))?.subject === digest,
      );
    },
  };
}

/** What follows the prefix in each key that has it; KV lists a thousand at a time. */
async function namesUnder(namespace: SessionKvNamespace, prefix: string): Promise<string[]> {
  const names: string[] = [];
  for (let cursor: string | undefined; ; ) {
    const page = await namespace.list({ prefix, ...(cursor !== undefined && { cursor }) });
    names.push(...page.keys.map(({ name }) => name.slice(prefix.length)));
    if (page.list_complete) return names;
    cursor = page.cursor;
  }
}
