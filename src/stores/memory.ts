/** Sessions in this process's memory: the default store, and the measure of what the others do. */
import { must } from "../option-checks.ts";
import { pause } from "../platform/pause.ts";
import type { SessionStore, Version } from "../store.ts";
import { createSlotTable } from "./memory/slot-table.ts";
import { createSlots, none } from "./memory/slots.ts";
import { createTextHash } from "./memory/text-hash.ts";

/** Options of {@link memoryStore}. */
export interface MemoryStoreOptions {
  /**
   * How many entries are kept at most; the least recently used one makes room for the next. Default 250,000. Only the
   * list of ended sealed sessions, whose entries are never dropped, may grow beyond it.
   */
  readonly maxEntries?: number;
  /** The time in epoch milliseconds. Default `Date.now`. */
  readonly clock?: () => number;
}

/** The memory store: all of the contract, and every method but `sweep` answers at once, without a promise. */
export type MemoryStore = Required<Pick<SessionStore, "sweep">> & {
  readonly [Method in "read" | "create" | "update" | "delete" | "touch" | "keysOf"]: (
    ...args: Parameters<Required<SessionStore>[Method]>
  ) => Exclude<ReturnType<Required<SessionStore>[Method]>, Promise<unknown>>;
} & {
  /** How many entries are held, the expired ones that were not dropped yet included. */
  readonly size: number;
};

/**
 * How many entries each write looks at for expired ones. With two, a table is gone through twice while it fills once.
 */
const looksPerWrite = 2;

/** How many entries `sweep` looks at before it lets requests have their turn: about a millisecond. */
const looksPerSlice = 2_000;

/** How many entries a `create` that finds the store full looks at before it gives up a live one. */
const looksWhenFull = 16;

/**
 * Keeps sessions in memory, for one process: tests, development, small sites.
 *
 * It needs no timer: each write looks at a few entries and drops those that have expired. A full store drops the least
 * recently used entry, and says so once by `console.warn`; whoever that session belonged to is signed out.
 *
 * @throws {RangeError | TypeError} when `maxEntries` is not a whole number above 0, or `clock` not a function.
 */
export function memoryStore(options: MemoryStoreOptions = {}): MemoryStore {
  const { maxEntries = 250_000, clock = () => Date.now() } = options;
  must(Number.isSafeInteger(maxEntries) && maxEntries > 0, "maxEntries", maxEntries, "a whole number above 0");
  must(typeof clock === "function", "clock", clock, "a function");

  const slots = createSlots();
  // Nobody chooses the keys, they are digests: a few characters are as good as all, and 5 % of what a session adds to a
  // read cheaper
  const keys = createSlotTable(slots.key, createTextHash(8));
  const subjects = createSlotTable(slots.subject);
  /**
   * Where the search for expired entries goes on. It goes from older to newer, since what is used keeps being
   * prolonged.
   */
  let hand = none;
  let size = 0;
  let lastVersion = 0;
  let warned = false;

  /** The slot of the live entry, if it is at the expected version. */
  function find(key: string, expected?: Version): number {
    const slot = keys.find(key);
    const found =
      slot !== none && slots.expiresAt(slot) > clock() && (expected === undefined || slots.version(slot) === expected);
    return found ? slot : none;
  }

  function list(slot: number, subject?: string): void {
    const former = slots.subject(slot);
    if (former === subject) return;
    if (former !== undefined) subjects.remove(slot);
    if (subject !== undefined) subjects.add(subject, slot);
    slots.setSubject(slot, subject);
  }

  function drop(slot: number): void {
    if (hand === slot) hand = slots.newer(slot);
    list(slot);
    keys.remove(slot);
    slots.remove(slot);
    size--;
  }

  function dropExpired(looks: number, now = clock()): number {
    const before = size;
    for (let i = 0; i < looks; i++) {
      const slot = hand;
      hand = slots.newer(slot);
      if (slot !== none && slots.expiresAt(slot) <= now) drop(slot);
    }
    return before - size;
  }

  function makeRoom(): void {
    dropExpired(looksWhenFull);
    if (size < maxEntries) return;
    let oldest = slots.newer(none);
    for (let looks = 0; slots.isLasting(oldest); looks++) {
      if (looks === looksWhenFull) return;
      slots.use(oldest);
      oldest = slots.newer(none);
    }
    drop(oldest);
    if (!warned) {
      console.warn(
        `memoryStore: the limit of ${maxEntries} entries is reached, and the least recently used sessions are dropped from now on. ` +
          "Raise maxEntries, or keep sessions in a store outside this process",
      );
    }
    warned = true;
  }

  return {
    get size() {
      return size;
    },
    read(key) {
      const slot = find(key);
      if (slot === none) return undefined;
      slots.use(slot);
      return slots.entry(slot);
    },
    create(key, value, { expiresAt, subject, lasting = false }) {
      dropExpired(looksPerWrite);
      const former = keys.find(key);
      if (former !== none) {
        if (slots.expiresAt(former) > clock()) return undefined;
        drop(former);
      }
      if (size >= maxEntries) makeRoom();
      const slot = slots.add(key, flat(value), ++lastVersion, expiresAt);
      keys.add(key, slot);
      slots.setLasting(slot, lasting);
      size++;
      list(slot, subject);
      return lastVersion;
    },
    update(key, value, { expiresAt, subject, lasting = false }, expected) {
      dropExpired(looksPerWrite);
      const slot = find(key, expected);
      if (slot === none) return undefined;
      slots.use(slot);
      list(slot, subject);
      slots.setLasting(slot, lasting);
      slots.write(slot, flat(value), ++lastVersion, expiresAt);
      return lastVersion;
    },
    delete(key, expected) {
      dropExpired(looksPerWrite);
      const slot = find(key, expected);
      if (slot === none) return false;
      drop(slot);
      return true;
    },
    touch(key, expiresAt, expected) {
      dropExpired(looksPerWrite);
      const slot = find(key, expected);
      if (slot === none) return false;
      slots.use(slot);
      slots.prolong(slot, expiresAt);
      return true;
    },
    keysOf(subject) {
      const now = clock();
      const found: string[] = [];
      for (let slot = subjects.find(subject); slot !== none; slot = subjects.find(subject, slot)) {
        if (slots.expiresAt(slot) > now) found.push(slots.key(slot));
      }
      return found;
    },
    async sweep(now) {
      let dropped = 0;
      // As many looks as there are entries go around once; in slices, so that requests get their turn in between
      for (let looks = size; looks > 0; looks -= looksPerSlice) {
        dropped += dropExpired(Math.min(looks, looksPerSlice) + 1, now);
        await pause();
      }
      return dropped;
    },
  };
}

/**
 * V8 keeps joined text as a tree of its parts until something needs it whole, as a regular expression does; whole, it
 * takes half the memory.
 */
function flat(text: string): string {
  /^/.test(text);
  return text;
}
