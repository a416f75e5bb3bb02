import { memoryStore } from "../../../src/stores/memory.ts";
import type { WrongStore } from "./wrong-store.ts";

/** Answers an unknown key with an empty entry. */
export const wrong: WrongStore = {
  make({ clock }) {
    const inner = memoryStore({ clock });
    const known = new Set<string>();
    return {
      ...inner,
      create(key, value, meta) {
        known.add(key);
        return inner.create(key, value, meta);
      },
      read: (key) =>
        known.has(key) ? inner.read(key) : { value: "", version: 0, expiresAt: Number.POSITIVE_INFINITY },
    };
  },
  fails: [
    "read() finds nothing under an unknown key",
    "update() never creates, neither an unknown nor a deleted entry",
    "touch() never creates, neither an unknown nor a deleted entry",
  ],
};
