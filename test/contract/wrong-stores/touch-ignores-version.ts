import { memoryStore } from "../../../src/stores/memory.ts";
import type { WrongStore } from "./wrong-store.ts";

/** A touch() that does not look at the version. */
export const wrong: WrongStore = {
  make({ clock }) {
    const inner = memoryStore({ clock });
    return { ...inner, touch: (key, expiresAt) => inner.touch(key, expiresAt) };
  },
  fails: ["touch() refuses an outdated version and changes nothing"],
};
