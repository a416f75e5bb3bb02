/**
 * Sessions in any driver of unstorage.
 * @module
 */

import { newNonce } from "../platform/random-text.ts";
import type { Entry, EntryMeta, SessionStore, Version } from "../store.ts";
import { subjectDigest, UNKNOWN_EXPIRY } from "./envelope.ts";
import { inTurn } from "./in-turn.ts";
import { wholeListing } from "./whole-listing.ts";

/** What we call of a `Storage` of unstorage. */
export interface UnstorageLike {
  /** What is stored, parsed; null for nothing. */
  getItem(key: string): Promise<unknown>;
  /** Stores JSON. `ttl` is in seconds; drivers that do not know it pass it over. */
  setItem(key: string, value: object, options: { ttl: number }): Promise<void>;
  /** Removes it, if it is there. */
  removeItem(key: string): Promise<void>;
  /** The full keys that begin with `<base>:`. */
  getKeys(base: string): Promise<string[]>;
}

/** Options of {@link unstorageStore}. */
export interface UnstorageStoreOptions {
  /** Epoch milliseconds; judges expiry. Default `Date.now`. */
  readonly clock?: () => number;
}

/**
 * Cannot promise, once several processes share the storage, that no update is lost and that a logout is final:
 * unstorage cannot compare-and-set. `rotation.every` is refused.
 *
 * Within one process of Node, Bun or Deno both hold, since calls for one key wait for each other, for two seconds at
 * most; between processes, and on Workers and edge runtimes, where no request may wait for another, the last writer
 * wins. A driver for a remote service may read what was there a while ago. For Redis, SQL, NATS, Deno KV, D1 and
 * Durable Objects there are stores of ours that promise it.
 *
 * A session is `session:<key>`; a subject's sessions are `subject:<digest of the subject>:<key>`. Two stores on one
 * storage have the same sessions. To share it with something else, or with the sessions of another application:
 * `prefixStorage(storage, "name")`. `keysOf` and `sweep` list keys, which is slow in a large storage. Expiry is judged
 * here; drivers that know `ttl` (redis, upstash, Cloudflare KV, ...) clear away by themselves, for the others (fs,
 * memory, db0, ...) call `sweep`.
 *
 * Errors are the driver's own. A value under our key that we did not write is handed on as it is, so that sessions
 * report it; `create` and `delete` may replace it.
 *
 * @example
 * ```ts
 * import { createStorage } from "unstorage";
 * import fsDriver from "unstorage/drivers/fs";
 * const storage = createStorage({ driver: fsDriver({ base: "./sessions" }) });
 * const sessions = createSessions({ store: unstorageStore(storage) });
 * ```
 * @throws {TypeError} for something that is no storage
 */
export function unstorageStore(storage: UnstorageLike, options: UnstorageStoreOptions = {}): SessionStore {
  const { clock = () => Date.now() } = options;
  if (typeof storage?.getItem !== "function" || typeof storage.getKeys !== "function") {
    throw new TypeError("Cannot use this as a storage: pass what createStorage() of unstorage returns");
  }
  const turn = inTurn(storage);

  /** What is stored, live or not; the text of it if it is not ours. */
  async function find(key: string): Promise<Stored | string | undefined> {
    const item = await storage.getItem(entryAt(key));
    if (item === null || item === undefined) return undefined;
    if (isStored(item)) return item;
    return typeof item === "string" ? item : JSON.stringify(item);
  }

  async function findLive(key: string): Promise<Stored | undefined> {
    const stored = await find(key);
    return typeof stored === "object" && stored.expiresAt > clock() ? stored : undefined;
  }

  async function write(key: string, value: string, meta: EntryMeta, former: Stored | undefined): Promise<Version> {
    const { expiresAt } = meta;
    const ttl = { ttl: Math.max(1, Math.ceil((expiresAt - clock()) / 1000)) };
    const subject = meta.subject === undefined ? undefined : subjectDigest(meta.subject);
    const stored: Stored = { value, version: newNonce(), expiresAt, ...(subject !== undefined && { subject }) };
    // The name first: a crash in between leaves one that leads nowhere, rather than a session that nobody can list and
    // revoke.
    if (subject !== undefined) await storage.setItem(nameOf(subject, key), { expiresAt }, ttl);
    await storage.setItem(entryAt(key), stored, ttl);
    if (former?.subject !== undefined && former.subject !== subject)
      await storage.removeItem(nameOf(former.subject, key));
    return stored.version;
  }

  async function remove(key: string, stored: Stored | string): Promise<void> {
    await storage.removeItem(entryAt(key));
    if (typeof stored === "object" && stored.subject !== undefined)
      await storage.removeItem(nameOf(stored.subject, key));
  }

  return {
    consistency: "eventual",

    // Waits too: some drivers (fs) empty a file before they write it.
    read: (key) =>
      turn(key, async () => {
        const stored = await find(key);
        if (typeof stored === "string") return { value: stored, version: DAMAGED, expiresAt: UNKNOWN_EXPIRY };
        return stored && stored.expiresAt > clock() ? toEntry(stored) : undefined;
      }),

    create: (key, value, meta) =>
      turn(key, async () => {
        const stored = await find(key);
        const former = typeof stored === "object" ? stored : undefined;
        return former && former.expiresAt > clock() ? undefined : write(key, value, meta, former);
      }),

    update: (key, value, meta, expected) =>
      turn(key, async () => {
        const former = await findLive(key);
        return former && former.version === expected ? write(key, value, meta, former) : undefined;
      }),

    delete: (key, expected) =>
      turn(key, async () => {
        const stored = await find(key);
        const isThere = typeof stored === "object" ? stored.expiresAt > clock() : stored !== undefined;
        const version = typeof stored === "object" ? stored.version : undefined;
        if (stored === undefined || !isThere || (expected !== undefined && expected !== version)) return false;
        await remove(key, stored);
        return true;
      }),

    async keysOf(subject) {
      const digest = subjectDigest(subject);
      return wholeListing(
        async () => (await storage.getKeys(`subject:${digest}`)).map(keyOf),
        (key) => turn(key, async () => (await findLive(key))?.subject === digest),
      );
    },

    async sweep(now) {
      let dropped = 0;
      for (const name of await storage.getKeys("session")) {
        const key = keyOf(name);
        await turn(key, async () => {
          const stored = await find(key);
          if (typeof stored !== "object" || stored.expiresAt > now) return;
          await remove(key, stored);
          dropped++;
        });
      }
      // Names that a crash left.
      for (const name of await storage.getKeys("subject")) {
        const item = await storage.getItem(name);
        if (isRecord(item) && Number(item.expiresAt) <= now) await storage.removeItem(name);
      }
      return dropped;
    },
  };
}

/** An object, because unstorage parses what looks like JSON or a number, and would change a text. */
interface Stored {
  readonly value: string;
  readonly version: string;
  readonly expiresAt: number;
  readonly subject?: string;
}

/** The version of something that is not ours; no nonce is as short. */
const DAMAGED = "-";

function toEntry({ value, version, expiresAt }: Stored): Entry {
  return { value, version, expiresAt };
}

function isStored(item: unknown): item is Stored {
  return (
    isRecord(item) &&
    typeof item.value === "string" &&
    typeof item.version === "string" &&
    Number.isFinite(item.expiresAt) &&
    (item.subject === undefined || typeof item.subject === "string")
  );
}

function isRecord(item: unknown): item is Record<string, unknown> {
  return typeof item === "object" && item !== null;
}

function entryAt(key: string): string {
  return `session:${key}`;
}

function nameOf(subject: string, key: string): string {
  return `subject:${subject}:${key}`;
}

/** Of a session's name, or of one in the index. */
function keyOf(name: string): string {
  return name.slice(name.lastIndexOf(":") + 1);
}
