import { memoryStore } from "../../../src/stores/memory.ts";
import type { WrongStore } from "./wrong-store.ts";

/** Stores the time of the touch in the value. */
export const wrong: WrongStore = {
  make({ clock }) {
    const inner = memoryStore({ clock });
    const touched = new Set<string>();
    return {
      ...inner,
      touch(key, expiresAt, expected) {
        const done = inner.touch(key, expiresAt, expected);
        if (done) touched.add(key);
        return done;
      },
      read(key) {
        const entry = inner.read(key);
        return entry && touched.has(key) ? { ...entry, value: `${entry.value} ` } : entry;
      },
    };
  },
  fails: [
    "touch() keeps the value and leaves a version that update() accepts",
    "touch() racing update() undoes nothing of it",
  ],
};
