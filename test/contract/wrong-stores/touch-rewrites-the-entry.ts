import { memoryStore } from "../../../src/stores/memory.ts";
import type { WrongStore } from "./wrong-store.ts";

/**
 * Reads the entry and writes it back with a new expiry, one round trip later: updates and deletes in between are
 * undone.
 */
export const wrong: WrongStore = {
  make({ clock }) {
    const inner = memoryStore({ clock });
    return {
      ...inner,
      async touch(key, expiresAt, expected) {
        const entry = inner.read(key);
        if (entry === undefined || (expected !== undefined && entry.version !== expected)) return false;
        await Promise.resolve();
        inner.delete(key);
        return inner.create(key, entry.value, { expiresAt }) !== undefined;
      },
    };
  },
  fails: [
    "touch() keeps the entry listed beyond its former expiry",
    "touch() at a version keeps the entry listed beyond its former expiry",
    "touch() racing delete() never brings the entry back",
    "touch() racing update() undoes nothing of it",
  ],
};
