/**
 * What the tests of the store contract are made of: the shape of a test, its fake clock, and assertions that need no
 * test runner.
 */
import type { Entry, EntryMeta, SessionStore, Version } from "../store.ts";

/** Time that stands still until the test moves it forward. */
export interface TestClock {
  /** Epoch milliseconds; starts at the real time, so that no engine's own expiry is ever ahead of it. */
  now(): number;
  forward(milliseconds: number): void;
}

/** What a test gets. */
export interface StoreTestTools {
  readonly store: SessionStore;
  /** Another store on the same engine, where the maker gives one. */
  readonly other?: SessionStore | undefined;
  /** Makes the engine unreachable, where the maker can. */
  readonly cut?: (() => unknown) | undefined;
  readonly clock: TestClock;
  /** The size in bytes that a value may have at least. */
  readonly valueBytes: number;
}

/** One promise of the contract; the name says what is wrong with a store that fails it. */
export interface StoreTest {
  readonly name: string;
  run(tools: StoreTestTools): Promise<void>;
}

export const hour = 3_600_000;

/** How many calls race. More than a connection pool usually holds, so that some wait for one. */
export const racers = 20;

export function testClock(): TestClock {
  let now = Date.now();
  return {
    now: () => now,
    forward(milliseconds) {
      now += milliseconds;
    },
  };
}

const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/**
 * A key as sessions use them: 43 characters of base64url. Random, so that leftovers of an earlier run in an engine do
 * no harm.
 */
export function newKey(): string {
  let key = "";
  for (let i = 0; i < 42; i++) key += alphabet[Math.floor(Math.random() * 64)];
  // 32 bytes leave four bits for the last character.
  return key + alphabet[Math.floor(Math.random() * 16) * 4];
}

/** Throws unless the two are the same primitive. `fault` completes the sentence "The store is wrong: ...". */
export function same(actual: unknown, expected: unknown, fault: string): void {
  if (!Object.is(actual, expected)) throw new Error(`${fault}: expected ${show(expected)}, got ${show(actual)}`);
}

export function sameKeys(actual: readonly string[] | undefined, expected: readonly string[], fault: string): void {
  same([...(actual ?? [])].sort().join(" "), [...expected].sort().join(" "), fault);
}

export function holds(condition: boolean, fault: string): asserts condition {
  if (!condition) throw new Error(fault);
}

/** Creates an entry that the test needs, and returns its version. */
export async function created(store: SessionStore, key: string, value: string, meta: EntryMeta): Promise<Version> {
  const version = await store.create(key, value, meta);
  holds(version !== undefined, "create() refused a key that was free");
  return version;
}

/** Updates an entry as the test needs, and returns its version. */
export async function updated(
  store: SessionStore,
  key: string,
  value: string,
  meta: EntryMeta,
  expected: Version,
): Promise<Version> {
  const version = await store.update(key, value, meta, expected);
  holds(version !== undefined, "update() refused the current version of an entry");
  return version;
}

/** Reads an entry that must be there. */
export async function found(store: SessionStore, key: string, fault: string): Promise<Entry> {
  const entry = await store.read(key);
  holds(entry !== undefined, fault);
  return entry;
}

export async function missing(store: SessionStore, key: string, fault: string): Promise<void> {
  same((await store.read(key))?.value, undefined, fault);
}

/** Starts all calls before it waits for any. */
export function race<T>(count: number, call: (index: number) => T | Promise<T>): Promise<T[]> {
  // An async function, so that a store that throws synchronously is a rejection like any other.
  return Promise.all(Array.from({ length: count }, async (_, index) => call(index)));
}

function show(value: unknown): string {
  const text = typeof value === "string" ? JSON.stringify(value) : String(value);
  return text.length > 200 ? `${text.slice(0, 200)}... (${text.length} characters)` : text;
}
