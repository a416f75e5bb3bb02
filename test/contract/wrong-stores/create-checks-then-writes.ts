import { memoryStore } from "../../../src/stores/memory.ts";
import type { WrongStore } from "./wrong-store.ts";

/** GET, then SET: between the two another create() comes in. */
export const wrong: WrongStore = {
  make({ clock }) {
    const inner = memoryStore({ clock });
    return {
      ...inner,
      async create(key, value, meta) {
        const taken = inner.read(key) !== undefined;
        await Promise.resolve();
        if (taken) return undefined;
        inner.delete(key);
        return inner.create(key, value, meta);
      },
    };
  },
  fails: [
    "of many create() calls racing for a key exactly one wins",
    "of many create() calls racing for an expired entry's key exactly one wins",
  ],
};
