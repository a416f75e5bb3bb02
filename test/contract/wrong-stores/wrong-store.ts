import type { SessionStore } from "../../../src/store.ts";
import type { StoreCapabilities } from "../../../src/testing.ts";

/** A store with one fault on purpose, and the tests of the suite that must find it: these and no others. */
export interface WrongStore {
  readonly make: (tools: { clock: () => number }) => SessionStore;
  readonly capabilities?: StoreCapabilities;
  readonly fails: readonly string[];
}
