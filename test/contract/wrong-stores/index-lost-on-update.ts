import { keySets, withIndex } from "./with-index.ts";
import type { WrongStore } from "./wrong-store.ts";

/** update() writes a row without its subject when the subject did not change. */
export const wrong: WrongStore = {
  make: ({ clock }) => {
    const index = keySets();
    return withIndex(clock, {
      ...index,
      write: (key, subject, former) => index.write(key, subject === former ? undefined : subject, former),
    });
  },
  fails: [
    "update() with the same subject keeps the entry listed, once",
    "a refused create() or update() leaves the index as it was",
  ],
};
