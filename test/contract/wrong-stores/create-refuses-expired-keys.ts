import { memoryStore } from "../../../src/stores/memory.ts";
import type { WrongStore } from "./wrong-store.ts";

/** INSERT ... ON CONFLICT DO NOTHING: a row that has expired but was not swept yet still holds its key. */
export const wrong: WrongStore = {
  make({ clock }) {
    const inner = memoryStore({ clock });
    const taken = new Set<string>();
    return {
      ...inner,
      create(key, value, meta) {
        if (taken.has(key)) return undefined;
        taken.add(key);
        return inner.create(key, value, meta);
      },
      delete(key, expected) {
        const removed = inner.delete(key, expected);
        if (removed) taken.delete(key);
        return removed;
      },
    };
  },
  fails: [
    "create() takes the key of an expired entry",
    "a version from before the expiry opens nothing after the key was created anew",
    "a key that is created anew is not listed under its former subject",
    "of many create() calls racing for an expired entry's key exactly one wins",
  ],
};
