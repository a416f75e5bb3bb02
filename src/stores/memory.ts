/** Sessions in this process's memory: the default store, and the measure of what the others do. */
import type { SessionStore, Version } from "../store.ts";
import { shardedMap } from "./memory/sharded-map.ts";
import { createSlots, none } from "./memory/slots.ts";
import { createSubjects } from "./memory/subjects.ts";

/** Options of {@link memoryStore}. */
export interface MemoryStoreOptions {
  /** How many entries are kept at most; the least recently used one makes room for the next. Default 250,000. */
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

/** How many entries each write looks at for expired ones. With two, a table is gone through twice while it fills once. */
const looksPerWrite = 2;

/** How many entries `sweep` looks at before it lets requests have their turn: about a millisecond. */
const looksPerSlice = 2_000;

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

  const slots = createSlots();
  const slotOf = shardedMap<number>();
  const subjects = createSubjects();
  /** Where the search for expired entries goes on. It goes from older to newer, since what is used keeps being prolonged. */
  let hand = none;
  let lastVersion = 0;
  let warned = false;

  /** The slot of the live entry, if it is at the expected version. */
  function find(key: string, expected?: Version): number | undefined {
    const slot = slotOf.get(key);
    if (slot === undefined || slots.expiresAt(slot) <= clock()) return undefined;
    return expected === undefined || slots.version(slot) === expected ? slot : undefined;
  }

  function list(slot: number, subject: string | undefined): void {
    const former = slots.subject(slot);
    if (former === subject) return;
    if (former !== undefined) subjects.remove(former, slot);
    if (subject !== undefined) subjects.add(subject, slot);
    slots.setSubject(slot, subject);
  }

  function drop(slot: number): void {
    if (hand === slot) hand = slots.newer(slot);
    list(slot, undefined);
    slotOf.delete(slots.key(slot));
    slots.remove(slot);
  }

  function dropExpired(looks: number, now = clock()): number {
    let dropped = 0;
    for (let i = 0; i < looks; i++) {
      const slot = hand;
      hand = slots.newer(slot);
      if (slot === none || slots.expiresAt(slot) > now) continue;
      drop(slot);
      dropped++;
    }
    return dropped;
  }

  function makeRoom(): void {
    dropExpired(looksWhenFull);
    if (slotOf.size < maxEntries) return;
    drop(slots.newer(none));
    if (warned) return;
    warned = true;
    console.warn(
      `memoryStore: the limit of ${maxEntries} entries is reached, and the least recently used sessions are dropped from now on. ` +
        "Raise maxEntries, or keep sessions in a store outside this process",
    );
  }

  return {
    get size() {
      return slotOf.size;
    },
    read(key) {
      const slot = find(key);
      if (slot === undefined) return undefined;
      slots.use(slot);
      return slots.entry(slot);
    },
    create(key, value, { expiresAt, subject }) {
      dropExpired(looksPerWrite);
      const former = slotOf.get(key);
      if (former !== undefined) {
        if (slots.expiresAt(former) > clock()) return undefined;
        drop(former);
      }
      if (slotOf.size >= maxEntries) makeRoom();
      const slot = slots.add(key, flat(value), ++lastVersion, expiresAt);
      slotOf.set(key, slot);
      list(slot, subject);
      return lastVersion;
    },
    update(key, value, { expiresAt, subject }, expected) {
      dropExpired(looksPerWrite);
      const slot = find(key, expected);
      if (slot === undefined) return undefined;
      slots.use(slot);
      list(slot, subject);
      slots.write(slot, flat(value), ++lastVersion, expiresAt);
      return lastVersion;
    },
    delete(key, expected) {
      dropExpired(looksPerWrite);
      const slot = find(key, expected);
      if (slot === undefined) return false;
      drop(slot);
      return true;
    },
    touch(key, expiresAt, expected) {
      dropExpired(looksPerWrite);
      const slot = find(key, expected);
      if (slot === undefined) return false;
      slots.use(slot);
      slots.prolong(slot, expiresAt);
      return true;
    },
    keysOf(subject) {
      const now = clock();
      const keys: string[] = [];
      for (const slot of subjects.slots(subject)) if (slots.expiresAt(slot) > now) keys.push(slots.key(slot));
      return keys;
    },
    async sweep(now) {
      let dropped = 0;
      // As many looks as there are entries go around once; in slices, so that requests get their turn in between
      for (let looks = slotOf.size; looks > 0; looks -= looksPerSlice) {
        dropped += dropExpired(Math.min(looks, looksPerSlice) + 1, now);
        await new Promise((resolve) => setTimeout(resolve));
      }
      return dropped;
    },
  };
}

/** V8 keeps joined text as a tree of its parts until something needs it whole, as a regular expression does; whole, it takes half the memory. */
function flat(text: string): string {
  /^/.test(text);
  return text;
}
