/** Sessions in this process's memory: the default store, and the measure of what the others do. */
import type { Entry, EntryMeta, SessionStore, Version } from "../store.ts";

export interface MemoryStoreOptions {
  /** How many entries are kept at most; the least recently used one makes room for the next. Default 250,000. */
  readonly maxEntries?: number;
  /** The time in epoch milliseconds. Default `Date.now`. */
  readonly clock?: () => number;
}

/** The memory store: all of the contract, and every method answers at once, without a promise. */
export interface MemoryStore extends SessionStore {
  read(key: string): Entry | undefined;
  create(key: string, value: string, meta: EntryMeta): Version | undefined;
  update(key: string, value: string, meta: EntryMeta, expected: Version): Version | undefined;
  delete(key: string, expected?: Version): boolean;
  touch(key: string, expiresAt: number, expected?: Version): boolean;
  keysOf(subject: string): string[];
  sweep(now: number): number;
  /** How many entries are held, the expired ones that were not dropped yet included. */
  readonly size: number;
}

/** An entry and its place in the order of use. Seven fields: a million of them are held, so none is added lightly. */
interface Node {
  readonly key: string;
  value: string;
  version: number;
  expiresAt: number;
  subject: string | undefined;
  /** Used just before and just after this one. */
  older: Node;
  newer: Node;
}

/** How many entries each write looks at for expired ones. With two, a table is gone through twice while it fills once. */
const looksPerWrite = 2;

/** How many entries a `create` that finds the store full looks at before it gives up a live one. */
const looksWhenFull = 16;

/**
 * Keeps sessions in memory, for one process: tests, development, small sites.
 *
 * It needs no timer: each write looks at a few entries and drops those that have expired. A full store drops the least recently used
 * entry, and says so once by `console.warn`; whoever that session belonged to is signed out.
 *
 * @throws {RangeError} when `maxEntries` is not a whole number above zero.
 * @throws {TypeError} when `clock` is not a function.
 */
export function memoryStore(options: MemoryStoreOptions = {}): MemoryStore {
  const { maxEntries = 250_000, clock = Date.now } = options;
  if (!Number.isSafeInteger(maxEntries) || maxEntries < 1) {
    throw new RangeError(`Cannot keep ${String(maxEntries)} entries: maxEntries must be a whole number above zero`);
  }
  if (typeof clock !== "function") throw new TypeError("Cannot read the time: clock must be a function that returns epoch milliseconds");

  const nodes = shardedMap<Node>();
  const index = shardedMap<Set<Node>>();
  // A ring through all entries in the order of use. The end belongs to no entry: after it comes the oldest, before it the newest.
  const end = ringEnd();
  /** Where the search for expired entries goes on. It goes from older to newer, since what is used keeps being prolonged. */
  let hand = end;
  let lastVersion = 0;
  let warned = false;

  /** The live node, if it is at the expected version. */
  function find(key: string, expected?: Version): Node | undefined {
    const node = nodes.get(key);
    if (node === undefined || node.expiresAt <= clock()) return undefined;
    return expected === undefined || node.version === expected ? node : undefined;
  }

  function use(node: Node): void {
    if (end.older === node) return;
    unlink(node);
    link(node);
  }

  function link(node: Node): void {
    node.older = end.older;
    node.newer = end;
    end.older.newer = node;
    end.older = node;
  }

  function unlink(node: Node): void {
    if (hand === node) hand = node.newer;
    node.older.newer = node.newer;
    node.newer.older = node.older;
  }

  function list(node: Node, subject: string | undefined): void {
    if (node.subject === subject) return;
    if (node.subject !== undefined) {
      const others = index.get(node.subject);
      others?.delete(node);
      if (others?.size === 0) index.delete(node.subject);
    }
    node.subject = subject;
    if (subject === undefined) return;
    const mates = index.get(subject);
    if (mates === undefined) index.set(subject, new Set([node]));
    else mates.add(node);
  }

  function drop(node: Node): void {
    list(node, undefined);
    unlink(node);
    nodes.delete(node.key);
  }

  function dropExpired(looks: number): void {
    const now = clock();
    for (let i = 0; i < looks; i++) {
      const node = hand;
      hand = node.newer;
      if (node.expiresAt <= now) drop(node);
    }
  }

  function makeRoom(): void {
    dropExpired(looksWhenFull);
    if (nodes.size < maxEntries) return;
    drop(end.newer);
    if (warned) return;
    warned = true;
    console.warn(
      `memoryStore: the limit of ${maxEntries} entries is reached, and the least recently used sessions are dropped from now on. ` +
        "Raise maxEntries, or keep sessions in a store outside this process",
    );
  }

  return {
    get size() {
      return nodes.size;
    },
    read(key) {
      const node = find(key);
      if (node === undefined) return undefined;
      use(node);
      return { value: node.value, version: node.version, expiresAt: node.expiresAt };
    },
    create(key, value, { expiresAt, subject }) {
      dropExpired(looksPerWrite);
      const former = nodes.get(key);
      if (former !== undefined) {
        if (former.expiresAt > clock()) return undefined;
        drop(former);
      }
      if (nodes.size >= maxEntries) makeRoom();
      const node: Node = { key, value: flat(value), version: ++lastVersion, expiresAt, subject: undefined, older: end, newer: end };
      nodes.set(key, node);
      link(node);
      list(node, subject);
      return node.version;
    },
    update(key, value, { expiresAt, subject }, expected) {
      dropExpired(looksPerWrite);
      const node = find(key, expected);
      if (node === undefined) return undefined;
      use(node);
      list(node, subject);
      node.value = flat(value);
      node.expiresAt = expiresAt;
      node.version = ++lastVersion;
      return node.version;
    },
    delete(key, expected) {
      dropExpired(looksPerWrite);
      const node = find(key, expected);
      if (node === undefined) return false;
      drop(node);
      return true;
    },
    touch(key, expiresAt, expected) {
      dropExpired(looksPerWrite);
      const node = find(key, expected);
      if (node === undefined) return false;
      use(node);
      node.expiresAt = expiresAt;
      return true;
    },
    keysOf(subject) {
      const now = clock();
      const keys: string[] = [];
      for (const node of index.get(subject) ?? []) if (node.expiresAt > now) keys.push(node.key);
      return keys;
    },
    sweep(now) {
      const before = nodes.size;
      for (let node = end.newer; node !== end; node = node.newer) if (node.expiresAt <= now) drop(node);
      return before - nodes.size;
    },
  };
}

function ringEnd(): Node {
  // An expiry that never comes, so that whoever walks the ring need not ask.
  const end = { key: "", value: "", version: 0, expiresAt: Number.POSITIVE_INFINITY, subject: undefined } as Node;
  end.older = end;
  end.newer = end;
  return end;
}

/** Joined text is kept by engines as a tree of its parts; asking for a character makes it one string, which takes half the memory. */
function flat(text: string): string {
  text.charCodeAt(0);
  return text;
}

interface ShardedMap<T> {
  readonly size: number;
  get(key: string): T | undefined;
  set(key: string, value: T): void;
  delete(key: string): void;
}

/** A map in 256 parts: one Map of a million entries stands still for up to a tenth of a second when it grows. */
function shardedMap<T>(): ShardedMap<T> {
  const shards = Array.from({ length: 256 }, () => new Map<string, T>());
  let size = 0;
  function shardOf(key: string): Map<string, T> {
    // Up to eight characters from all over the text: keys may share a beginning, and subjects an end.
    const step = (key.length >> 3) + 1;
    let hash = 0;
    for (let i = 0; i < key.length; i += step) hash = (hash * 31 + key.charCodeAt(i)) | 0;
    return shards[(hash ^ (hash >>> 8)) & 255] as Map<string, T>;
  }
  return {
    get size() {
      return size;
    },
    get: (key) => shardOf(key).get(key),
    set(key, value) {
      const shard = shardOf(key);
      size -= shard.size;
      shard.set(key, value);
      size += shard.size;
    },
    delete(key) {
      if (shardOf(key).delete(key)) size--;
    },
  };
}
