import { keySets, withIndex } from "./with-index.ts";
import type { WrongStore } from "./wrong-store.ts";

/** delete() leaves the key in the index, and keysOf() trusts the index. */
export const wrong: WrongStore = {
  make: ({ clock }) => {
    const index = keySets();
    return withIndex(clock, { ...index, remove() {}, keysOf: (subject) => index.keysOf(subject, () => true) });
  },
  fails: [
    "delete() takes its entry out of the index, and only that",
    "keysOf() does not list an expired entry",
    "a key that is created anew is not listed under its former subject",
  ],
};
