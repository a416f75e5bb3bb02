/** The store contract where the store lives: run inside a runtime, which writes down what came of each test. */
import { type MakeStore, type StoreCapabilities, testStore } from "../../../src/testing.ts";

/** A store of one runtime, and what it can do. */
export interface StoreUnderTest {
  readonly name: string;
  readonly makeStore: MakeStore;
  readonly capabilities?: StoreCapabilities;
}

/** Test by test: null if it passed, else what is wrong. */
export type Results = Record<string, string | null>;

/** Any other promise about a store of this runtime, in plain words. */
export type MoreTests = Record<string, () => Promise<void>>;

/** Called inside the runtime. */
export async function runStoreTests(stores: readonly StoreUnderTest[], more: MoreTests = {}): Promise<Results> {
  const results: Results = {};
  for (const [name, run] of allTests(stores, more)) {
    results[name] = await run().then(
      () => null,
      (error: unknown) => (error instanceof Error ? (error.stack ?? error.message) : String(error)),
    );
  }
  return results;
}

/** All tests, on any runtime: to list them needs none of the stores. */
export function allTests(
  stores: readonly StoreUnderTest[],
  more: MoreTests = {},
): [name: string, run: () => Promise<void>][] {
  const tests: [string, () => Promise<void>][] = [];
  for (const { name, makeStore, capabilities = {} } of stores) {
    testStore(name, makeStore, { test: (test, run) => tests.push([test, run]), capabilities });
  }
  return [...tests, ...Object.entries(more)];
}

export function equal(actual: unknown, expected: unknown, what: string): void {
  const [got, wanted] = [JSON.stringify(actual), JSON.stringify(expected)];
  if (got !== wanted) throw new Error(`${what}: expected ${wanted}, got ${got}`);
}
