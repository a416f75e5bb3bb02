import { memoryStore } from "../../../src/stores/memory.ts";
import type { WrongStore } from "./wrong-store.ts";

/** An engine with room for so many entries, in which the newest takes the place of the oldest. */
export const wrong: WrongStore = {
  make: ({ clock }) => memoryStore({ clock, maxEntries: 250 }),
  fails: ["no entry makes room for others before it ends"],
};
