import { memoryStore } from "../../../src/stores/memory.ts";
import type { WrongStore } from "./wrong-store.ts";

/** An upsert: what was deleted or has expired comes back. This is how a late request undoes a logout. */
export const wrong: WrongStore = {
  make({ clock }) {
    const inner = memoryStore({ clock });
    return {
      ...inner,
      update: (key, value, meta, expected) =>
        inner.read(key) === undefined ? inner.create(key, value, meta) : inner.update(key, value, meta, expected),
    };
  },
  fails: [
    "update() never creates, neither an unknown nor a deleted entry",
    "update() refuses an expired entry",
    "update() racing delete() never brings the entry back",
    "of update() and delete() racing at one version exactly one wins",
  ],
};
