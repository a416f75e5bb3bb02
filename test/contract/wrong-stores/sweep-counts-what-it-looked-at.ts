import { memoryStore } from "../../../src/stores/memory.ts";
import type { WrongStore } from "./wrong-store.ts";

/** A sweep() that returns the number of all entries. */
export const wrong: WrongStore = {
  make({ clock }) {
    const inner = memoryStore({ clock });
    return {
      ...inner,
      sweep(now) {
        const looked = inner.size;
        inner.sweep(now);
        return looked;
      },
    };
  },
  fails: ["sweep() drops what has expired, nothing else, and says how many"],
};
