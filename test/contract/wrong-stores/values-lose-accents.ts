import { memoryStore } from "../../../src/stores/memory.ts";
import type { WrongStore } from "./wrong-store.ts";

/** A column in Latin-1. */
export const wrong: WrongStore = {
  make({ clock }) {
    const inner = memoryStore({ clock });
    const stored = (value: string): string => value.replace(/[^\0-\xff]/g, "?");
    return {
      ...inner,
      create: (key, value, meta) => inner.create(key, stored(value), meta),
      update: (key, value, meta, expected) => inner.update(key, stored(value), meta, expected),
    };
  },
  fails: [
    "values come back character for character",
    "text that is not well-formed comes back as it was, or is refused",
  ],
};
