import { memoryStore } from "../../src/index.ts";
import { interleavingTests } from "../support/interleavings.ts";

/**
 * Memory answers at once, so that many orders can be tried; test/contract/interleavings.test.ts does it on every
 * engine.
 */
interleavingTests({ open: (clock) => memoryStore({ clock }), start: 1_800_000_000_000, runs: 400 });
