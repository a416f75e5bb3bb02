import { memoryStore } from "../../../src/stores/memory.ts";
import type { WrongStore } from "./wrong-store.ts";

/** A touch() written as an update() that forgets the subject. */
export const wrong: WrongStore = {
  make({ clock }) {
    const inner = memoryStore({ clock });
    return {
      ...inner,
      touch(key, expiresAt, expected) {
        const entry = inner.read(key);
        if (entry === undefined) return false;
        return inner.update(key, entry.value, { expiresAt }, expected ?? entry.version) !== undefined;
      },
    };
  },
  fails: [
    "touch() keeps the entry listed beyond its former expiry",
    "touch() at a version keeps the entry listed beyond its former expiry",
  ],
};
