import { memoryStore } from "../../../src/stores/memory.ts";
import type { WrongStore } from "./wrong-store.ts";

/** A blind SET: the second create() of a key wins. */
export const wrong: WrongStore = {
  make({ clock }) {
    const inner = memoryStore({ clock });
    return {
      ...inner,
      create(key, value, meta) {
        inner.delete(key);
        return inner.create(key, value, meta);
      },
    };
  },
  fails: [
    "create() refuses a key that is taken and changes nothing",
    "a refused create() or update() leaves the index as it was",
    "of many create() calls racing for a key exactly one wins",
    "of many create() calls racing for an expired entry's key exactly one wins",
  ],
};
