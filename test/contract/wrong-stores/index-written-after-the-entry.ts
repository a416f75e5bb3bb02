import { keySets, withIndex } from "./with-index.ts";
import type { WrongStore } from "./wrong-store.ts";

/** The entry first, then its place in the index, in a command of its own: a crash in between hides a live session. */
export const wrong: WrongStore = {
  make: ({ clock }) => {
    const index = keySets();
    return withIndex(clock, {
      ...index,
      async write(key, subject, former) {
        await new Promise((resolve) => setTimeout(resolve, 2));
        await index.write(key, subject, former);
      },
    });
  },
  fails: ["an entry that can be read is listed, also while its create() or update() is on its way"],
};
