import { memoryStore } from "../../../src/stores/memory.ts";
import type { WrongStore } from "./wrong-store.ts";

/** A delete() that does not look at the version. */
export const wrong: WrongStore = {
  make({ clock }) {
    const inner = memoryStore({ clock });
    return { ...inner, delete: (key) => inner.delete(key) };
  },
  fails: [
    "delete() with an outdated version removes nothing",
    "of update() and delete() racing at one version exactly one wins",
  ],
};
