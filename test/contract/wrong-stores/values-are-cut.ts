import { memoryStore } from "../../../src/stores/memory.ts";
import type { WrongStore } from "./wrong-store.ts";

/** A column of type TEXT in MySQL, not in strict mode: 65,535 bytes and no more. */
export const wrong: WrongStore = {
  make({ clock }) {
    const inner = memoryStore({ clock });
    return {
      ...inner,
      create: (key, value, meta) => inner.create(key, value.slice(0, 65_535), meta),
      update: (key, value, meta, expected) => inner.update(key, value.slice(0, 65_535), meta, expected),
    };
  },
  fails: ["a large value is kept whole"],
};
