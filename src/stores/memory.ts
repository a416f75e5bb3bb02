/** Sessions in this process's memory: the default store, and the measure of what the others do. */
import { must } from "../option-checks.ts";
import { pause } from "../platform/pause.ts";
import type { Entry, EntryMeta, SessionStore, Version } from "../store.ts";
import { sharedUnder } from "./memory/shared.ts";
import { createSlotTable, type SlotTable } from "./memory/slot-table.ts";
import { createSlots, none, type Slots } from "./memory/slots.ts";

/** Options of {@link memoryStore}. */
export interface MemoryStoreOptions {
  /**
   * How many entries are kept at most; the least recently used one makes room for the next. Default 250,000. Only the
   * list of ended sealed sessions, whose entries are never dropped, may grow beyond it.
   */
  readonly maxEntries?: number;
  /** The time in epoch milliseconds. Default `Date.now`. */
  readonly clock?: () => number;
  /**
   * A name under which this process has one store, with the options of the first call: for frameworks and development
   * servers that evaluate a module several times. Default none: each call makes a store.
   */
  readonly shared?: string;
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

/** How many entries each write looks at for expired ones: with two, a table is gone through twice as it fills. */
const looksPerWrite = 2;

/** How many entries `sweep` looks at before it lets requests have their turn: about a millisecond. */
const looksPerSlice = 2_000;

/** How many entries a `create` that finds the store full looks at before it gives up a live one. */
const looksWhenFull = 16;

/** What a memory store holds, and where it stands. */
interface Memory {
  readonly maxEntries: number;
  readonly clock: () => number;
  readonly slots: Slots;
  readonly keys: SlotTable;
  readonly subjects: SlotTable;
  /**
   * Where the search for expired entries goes on. It goes from older to newer, since what is used keeps being
   * prolonged.
   */
  hand: number;
  size: number;
  lastVersion: number;
  warned: boolean;
}

/**
 * Keeps sessions in memory, for one process: tests, development, small sites.
 *
 * It needs no timer: each write looks at a few entries and drops those that have expired. A full store drops the least
 * recently used entry, and says so once by `console.warn`; whoever that session belonged to is signed out.
 *
 * @throws {RangeError | TypeError} when `maxEntries` is no whole number above 0, `clock` no function, `shared` no name.
 */
export function memoryStore(options: MemoryStoreOptions = {}): MemoryStore {
  const { maxEntries = 250_000, clock = () => Date.now(), shared } = options;
  must(Number.isSafeInteger(maxEntries) && maxEntries > 0, "maxEntries", maxEntries, "a whole number above 0");
  must(typeof clock === "function", "clock", clock, "a function");
  return sharedUnder(shared, () => newStore(maxEntries, clock));
}

function newStore(maxEntries: number, clock: () => number): MemoryStore {
  const slots = createSlots();
  const memory: Memory = {
    maxEntries,
    clock,
    slots,
    keys: createSlotTable(slots.key),
    subjects: createSlotTable(slots.subject),
    hand: none,
    size: 0,
    lastVersion: 0,
    warned: false,
  };
  return {
    get size() {
      return memory.size;
    },
    read: (key) => read(memory, key),
    create: (key, value, meta) => create(memory, key, value, meta),
    update: (key, value, meta, expected) => update(memory, key, value, meta, expected),
    delete: (key, expected) => remove(memory, key, expected),
    touch: (key, expiresAt, expected) => touch(memory, key, expiresAt, expected),
    keysOf: (subject) => keysOf(memory, subject),
    sweep: (now) => sweep(memory, now),
  };
}

function read(memory: Memory, key: string): Entry | undefined {
  const { slots } = memory;
  const slot = find(memory, key);
  if (slot === none) return undefined;
  slots.use(slot);
  return slots.entry(slot);
}

function create(memory: Memory, key: string, value: string, meta: EntryMeta): Version | undefined {
  const { slots, keys } = memory;
  const { expiresAt, subject, lasting = false } = meta;
  dropExpired(memory, looksPerWrite);
  const former = keys.find(key);
  if (former !== none) {
    if (slots.expiresAt(former) > memory.clock()) return undefined;
    drop(memory, former);
  }
  if (memory.size >= memory.maxEntries) makeRoom(memory);
  const slot = slots.add(key, flat(value), ++memory.lastVersion, expiresAt);
  keys.add(key, slot);
  slots.setLasting(slot, lasting);
  memory.size++;
  list(memory, slot, subject);
  return memory.lastVersion;
}

function update(
  memory: Memory,
  key: string,
  value: string,
  { expiresAt, subject, lasting = false }: EntryMeta,
  expected: Version,
): Version | undefined {
  const { slots } = memory;
  dropExpired(memory, looksPerWrite);
  const slot = find(memory, key, expected);
  if (slot === none) return undefined;
  slots.use(slot);
  list(memory, slot, subject);
  slots.setLasting(slot, lasting);
  slots.write(slot, flat(value), ++memory.lastVersion, expiresAt);
  return memory.lastVersion;
}

function remove(memory: Memory, key: string, expected: Version | undefined): boolean {
  dropExpired(memory, looksPerWrite);
  const slot = find(memory, key, expected);
  if (slot === none) return false;
  drop(memory, slot);
  return true;
}

function touch(memory: Memory, key: string, expiresAt: number, expected: Version | undefined): boolean {
  const { slots } = memory;
  dropExpired(memory, looksPerWrite);
  const slot = find(memory, key, expected);
  if (slot === none) return false;
  slots.use(slot);
  slots.prolong(slot, expiresAt);
  return true;
}

function keysOf({ slots, subjects, clock }: Memory, subject: string): string[] {
  const now = clock();
  const found: string[] = [];
  for (let slot = subjects.find(subject); slot !== none; slot = subjects.find(subject, slot)) {
    if (slots.expiresAt(slot) > now) found.push(slots.key(slot));
  }
  return found;
}

/** As many looks as there are entries go around once; in slices, so that requests get their turn in between. */
async function sweep(memory: Memory, now: number): Promise<number> {
  let dropped = 0;
  for (let looks = memory.size; looks > 0; looks -= looksPerSlice) {
    dropped += dropExpired(memory, Math.min(looks, looksPerSlice) + 1, now);
    await pause();
  }
  return dropped;
}

/** The slot of the live entry, if it is at the expected version. */
function find({ slots, keys, clock }: Memory, key: string, expected?: Version): number {
  const slot = keys.find(key);
  const found =
    slot !== none && slots.expiresAt(slot) > clock() && (expected === undefined || slots.version(slot) === expected);
  return found ? slot : none;
}

/** Puts the entry under another subject, or none. */
function list({ slots, subjects }: Memory, slot: number, subject?: string): void {
  const former = slots.subject(slot);
  if (former === subject) return;
  if (former !== undefined) subjects.remove(slot);
  if (subject !== undefined) subjects.add(subject, slot);
  slots.setSubject(slot, subject);
}

function drop(memory: Memory, slot: number): void {
  const { slots, keys } = memory;
  if (memory.hand === slot) memory.hand = slots.newer(slot);
  list(memory, slot);
  keys.remove(slot);
  slots.remove(slot);
  memory.size--;
}

function dropExpired(memory: Memory, looks: number, now: number = memory.clock()): number {
  const { slots } = memory;
  const before = memory.size;
  for (let i = 0; i < looks; i++) {
    const slot = memory.hand;
    memory.hand = slots.newer(slot);
    if (slot !== none && slots.expiresAt(slot) <= now) drop(memory, slot);
  }
  return before - memory.size;
}

function makeRoom(memory: Memory): void {
  const { maxEntries } = memory;
  dropExpired(memory, looksWhenFull);
  if (memory.size < maxEntries) return;
  const { slots } = memory;
  let oldest = slots.newer(none);
  for (let looks = 0; slots.isLasting(oldest); looks++) {
    if (looks === looksWhenFull) return;
    slots.use(oldest);
    oldest = slots.newer(none);
  }
  drop(memory, oldest);
  if (!memory.warned) {
    console.warn(
      `memoryStore is at its limit of ${maxEntries} entries, and drops the least recently used. Raise maxEntries, or take another store`,
    );
  }
  memory.warned = true;
}

/**
 * V8 keeps joined text as a tree of its parts until something needs it whole, as a regular expression does; whole, it
 * takes half the memory.
 */
function flat(text: string): string {
  /^/.test(text);
  return text;
}
