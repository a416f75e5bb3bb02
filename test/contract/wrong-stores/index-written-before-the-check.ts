import { memoryStore } from "../../../src/stores/memory.ts";
import type { WrongStore } from "./wrong-store.ts";

/** Puts the key into the index first, and finds out afterwards that the write is refused. */
export const wrong: WrongStore = {
  make: ({ clock }) => {
    const inner = memoryStore({ clock });
    const early = new Map<string, string>();
    return {
      ...inner,
      create(key, value, meta) {
        if (meta.subject !== undefined) early.set(key, meta.subject);
        const version = inner.create(key, value, meta);
        if (version !== undefined) early.delete(key);
        return version;
      },
      keysOf(subject) {
        const keys = inner.keysOf(subject);
        for (const [key, other] of early) if (other === subject) keys.push(key);
        return keys;
      },
    };
  },
  fails: ["a refused create() or update() leaves the index as it was"],
};
