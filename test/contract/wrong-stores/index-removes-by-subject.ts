import { keySets, withIndex } from "./with-index.ts";
import type { WrongStore } from "./wrong-store.ts";

/** delete() of one entry drops the whole list of its subject. */
export const wrong: WrongStore = {
  make: ({ clock }) => {
    const index = keySets();
    return withIndex(clock, {
      ...index,
      async remove(_, former) {
        for (const key of await index.keysOf(former ?? "", () => true)) index.remove(key, former);
      },
    });
  },
  fails: [
    "delete() takes its entry out of the index, and only that",
    "keysOf() lists every entry that stays, and one that moves to another key, while others come and go",
  ],
};
