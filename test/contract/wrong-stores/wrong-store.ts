import type { MakeStore, StoreCapabilities } from "../../../src/testing.ts";

/** A store with one fault on purpose, and the tests of the suite that must find it: these and no others. */
export interface WrongStore {
  readonly make: MakeStore;
  readonly capabilities?: StoreCapabilities;
  readonly fails: readonly string[];
}
