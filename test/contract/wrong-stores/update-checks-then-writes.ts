import { memoryStore } from "../../../src/stores/memory.ts";
import type { WrongStore } from "./wrong-store.ts";

/** The version is compared in the program, and the write comes one round trip later. */
export const wrong: WrongStore = {
  make({ clock }) {
    const inner = memoryStore({ clock });
    return {
      ...inner,
      async update(key, value, meta, expected) {
        const current = inner.read(key)?.version === expected;
        await Promise.resolve();
        const entry = inner.read(key);
        return current && entry ? inner.update(key, value, meta, entry.version) : undefined;
      },
    };
  },
  fails: [
    "of many update() calls racing at one version exactly one wins",
    "counters lose nothing when read and update() are tried again until accepted",
  ],
};
