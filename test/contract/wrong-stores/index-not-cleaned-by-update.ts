import { keySets, withIndex } from "./with-index.ts";
import type { WrongStore } from "./wrong-store.ts";

/** update() adds the entry to its new subject and leaves it with the old one. */
export const wrong: WrongStore = {
  make: ({ clock }) => {
    const index = keySets();
    return withIndex(clock, { ...index, write: (key, subject) => index.write(key, subject, undefined) });
  },
  fails: [
    "update() moves an entry in the index",
    "update() without a subject takes the entry out of the index",
    "a key that is created anew is not listed under its former subject",
  ],
};
