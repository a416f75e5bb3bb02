import { memoryStore } from "../../../src/stores/memory.ts";
import type { WrongStore } from "./wrong-store.ts";

/** touch() with a version writes the row anew, without its subject. */
export const wrong: WrongStore = {
  make({ clock }) {
    const inner = memoryStore({ clock });
    return {
      ...inner,
      touch(key, expiresAt, expected) {
        const entry = inner.read(key);
        if (expected === undefined || entry?.version !== expected) return inner.touch(key, expiresAt, expected);
        return inner.update(key, entry.value, { expiresAt }, expected) !== undefined;
      },
    };
  },
  fails: ["touch() at a version keeps the entry listed beyond its former expiry"],
};
