import { memoryStore } from "../../../src/stores/memory.ts";
import type { WrongStore } from "./wrong-store.ts";

/** A touch() that writes an entry where there is none. */
export const wrong: WrongStore = {
  make({ clock }) {
    const inner = memoryStore({ clock });
    return {
      ...inner,
      touch: (key, expiresAt, expected) =>
        inner.touch(key, expiresAt, expected) || inner.create(key, "", { expiresAt }) !== undefined,
    };
  },
  fails: [
    "touch() never creates, neither an unknown nor a deleted entry",
    "touch() does not bring an expired entry back",
    "touch() racing delete() never brings the entry back",
  ],
};
