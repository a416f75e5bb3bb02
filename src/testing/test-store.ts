/** The store contract as executable tests, for any test runner on any runtime. */
import type { Awaitable } from "../platform/awaitable.ts";
import type { SessionStore } from "../store.ts";
import { entryTests } from "./entry-tests.ts";
import { settling } from "./eventual.ts";
import { expiryTests, sweepTests, touchTests } from "./expiry-tests.ts";
import { watchedIndexTests } from "./index-race-tests.ts";
import { indexTests, touchedIndexTests } from "./index-tests.ts";
import { keyTests, longKeyIndexTests, longKeyTests } from "./key-tests.ts";
import { eventualRaceTests, raceTests, touchRaceTests, wholenessTests } from "./race-tests.ts";
import { faultTests, sharedIndexTests, sharedTests } from "./shared-tests.ts";
import { type StoreTest, same, testClock } from "./tools.ts";

/**
 * One fresh, empty store for one test. The store must judge expiry by `clock` (epoch milliseconds), never by its own.
 */
export type MakeStore = (tools: { clock: () => number }) => Awaitable<SessionStore | MadeStore>;

/** A store with what belongs to it. */
export interface MadeStore {
  /** The store to be tested. */
  readonly store: SessionStore;
  /** Another store on the same engine, with caches and connections of its own: what a second server has. */
  readonly other?: SessionStore;
  /** Makes the engine unreachable for the store: closes its connection, or stops the engine. */
  cut?(): Awaitable<unknown>;
  /** Called when the test is over. */
  dispose?(): Awaitable<unknown>;
}

/** What the store can do. The suite checks that it does exactly this. */
export interface StoreCapabilities {
  /**
   * Default `"strong"`. With `"eventual"` all promises are checked one call at a time, the next when a read shows what
   * the last one wrote; of races only that they leave a whole entry.
   */
  readonly consistency?: "strong" | "eventual";
  /** Whether there is `keysOf`. Default true. */
  readonly index?: boolean;
  /** Whether there is `touch`. Default true. */
  readonly touch?: boolean;
  /** Whether there is `sweep`. Default true. */
  readonly sweep?: boolean;
  /** Whether `makeStore` gives an `other` store on the same engine. Default false. */
  readonly other?: boolean;
  /** Whether `makeStore` gives a way to `cut` the engine off. Default false. */
  readonly cut?: boolean;
  /** Whether it takes keys of 63 characters, so that `prefixedStore` can be put around it. Default true. */
  readonly longKeys?: boolean;
  /** The size in bytes up to which the engine takes a value, where that is less than the default of 200,000. */
  readonly valueBytes?: number;
}

/** How the tests are run. */
export interface StoreTestOptions {
  /**
   * The runner's own: `test` of vitest, `bun:test` or `node:test`, or `Deno.test`. Called as `test(name, async () =>
   * {})`.
   */
  test(name: string, run: () => Promise<void>): unknown;
  /** What the store can do. Default everything, strongly consistent. */
  readonly capabilities?: StoreCapabilities;
}

/**
 * Registers the tests of the store contract under `name`. Each asks `makeStore` for a store of its own and disposes of
 * it afterwards; a test that fails says what is wrong with the store.
 *
 * @example
 * ```ts
 * import { test } from "node:test";
 * import { testStore } from "@sojourn/session/testing";
 *
 * testStore("my store", ({ clock }) => myStore({ clock }), { test, capabilities: { sweep: false } });
 * ```
 */
export function testStore(name: string, makeStore: MakeStore, options: StoreTestOptions): void {
  const capabilities = options.capabilities ?? {};
  const strong = (capabilities.consistency ?? "strong") === "strong";
  const { valueBytes = 200_000 } = capabilities;
  for (const { name: promise, run } of testsFor(capabilities)) {
    options.test(`${name}: ${promise}`, async () => {
      const clock = testClock();
      const made = await makeStore({ clock: clock.now });
      const all: MadeStore = "store" in made ? made : { store: made };
      const store = strong ? all.store : settling(all.store, clock.now);
      try {
        await run({ store, other: all.other, cut: () => all.cut?.(), clock, valueBytes });
      } finally {
        await all.dispose?.();
      }
    });
  }
}

/** The tests of a store that declares these capabilities. */
function testsFor(capabilities: StoreCapabilities): StoreTest[] {
  const {
    consistency = "strong",
    index = true,
    touch = true,
    sweep = true,
    other = false,
    cut = false,
    longKeys = true,
  } = capabilities;
  const strong = consistency === "strong";
  return [
    {
      name: "the store has the methods that its capabilities declare",
      async run({ store }) {
        same(store.consistency ?? "strong", consistency, "the store's consistency is not the declared one");
        same(
          store.keysOf !== undefined,
          index,
          "whether the store has keysOf() is not as declared by the capability index",
        );
        same(
          store.touch !== undefined,
          touch,
          "whether the store has touch() is not as declared by the capability touch",
        );
        same(
          store.sweep !== undefined,
          sweep,
          "whether the store has sweep() is not as declared by the capability sweep",
        );
      },
    },
    ...entryTests,
    ...keyTests,
    ...expiryTests,
    ...(touch ? touchTests : []),
    ...(sweep ? sweepTests : []),
    ...(index ? indexTests : []),
    ...(index && touch ? touchedIndexTests : []),
    ...(index && strong ? watchedIndexTests : []),
    ...(longKeys ? longKeyTests : []),
    ...(longKeys && index ? longKeyIndexTests : []),
    ...(other && strong ? sharedTests : []),
    ...(other && strong && index ? sharedIndexTests : []),
    ...(cut ? faultTests : []),
    ...wholenessTests,
    ...(strong ? raceTests : eventualRaceTests),
    ...(strong && touch ? touchRaceTests : []),
  ];
}
