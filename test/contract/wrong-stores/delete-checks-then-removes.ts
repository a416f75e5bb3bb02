import { memoryStore } from "../../../src/stores/memory.ts";
import type { WrongStore } from "./wrong-store.ts";

/** Looks whether the entry is there, and removes it one round trip later. */
export const wrong: WrongStore = {
  make({ clock }) {
    const inner = memoryStore({ clock });
    return {
      ...inner,
      async delete(key, expected) {
        const entry = inner.read(key);
        if (entry === undefined || (expected !== undefined && entry.version !== expected)) return false;
        await Promise.resolve();
        inner.delete(key);
        return true;
      },
    };
  },
  fails: [
    "of update() and delete() racing at one version exactly one wins",
    "of many delete() calls racing exactly one says true",
  ],
};
