import { keySets, withIndex } from "./with-index.ts";
import type { WrongStore } from "./wrong-store.ts";

/** update() takes the entry from its old subject and gives it to nobody. */
export const wrong: WrongStore = {
  make: ({ clock }) => {
    const index = keySets();
    const known = new Set<string>();
    return withIndex(clock, {
      ...index,
      write(key, subject, former) {
        if (!known.has(key)) index.write(key, subject, former);
        else if (subject !== former) index.write(key, undefined, former);
        known.add(key);
      },
      remove(key, former) {
        known.delete(key);
        index.remove(key, former);
      },
    });
  },
  fails: [
    "update() moves an entry in the index",
    "a key that is created anew is not listed under its former subject",
    "an entry that can be read is listed, also while its create() or update() is on its way",
  ],
};
