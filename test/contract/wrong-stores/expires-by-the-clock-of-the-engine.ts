import { memoryStore } from "../../../src/stores/memory.ts";
import type { WrongStore } from "./wrong-store.ts";

/** PEXPIREAT at the very expiry: a server whose clock is ahead clears what still lives. */
export const wrong: WrongStore = {
  make: ({ clock }) => memoryStore({ clock: () => Math.max(clock(), Date.now()) }),
  fails: ["an entry lives by the clock given, also where the engine's own is half a minute ahead"],
};
