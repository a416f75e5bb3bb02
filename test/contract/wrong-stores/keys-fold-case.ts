import { memoryStore } from "../../../src/stores/memory.ts";
import type { WrongStore } from "./wrong-store.ts";

/** A key column whose collation ignores case. */
export const wrong: WrongStore = {
  make({ clock }) {
    const { keysOf: _, ...inner } = memoryStore({ clock });
    return {
      ...inner,
      read: (key) => inner.read(key.toLowerCase()),
      create: (key, value, meta) => inner.create(key.toLowerCase(), value, meta),
      update: (key, value, meta, expected) => inner.update(key.toLowerCase(), value, meta, expected),
      delete: (key, expected) => inner.delete(key.toLowerCase(), expected),
      touch: (key, expiresAt, expected) => inner.touch(key.toLowerCase(), expiresAt, expected),
    };
  },
  capabilities: { index: false },
  fails: ["keys are told apart, character by character and by case"],
};
