import { keySets, withIndex } from "./with-index.ts";
import type { WrongStore } from "./wrong-store.ts";

/** create() writes the index with the entry; update() afterwards. */
export const wrong: WrongStore = {
  make: ({ clock }) => {
    const index = keySets();
    const known = new Set<string>();
    return withIndex(clock, {
      ...index,
      async write(key, subject, former) {
        if (known.has(key)) await new Promise((resolve) => setTimeout(resolve, 2));
        known.add(key);
        await index.write(key, subject, former);
      },
    });
  },
  fails: ["an entry that can be read is listed, also while its create() or update() is on its way"],
};
