import { keySets, withIndex } from "./with-index.ts";
import type { WrongStore } from "./wrong-store.ts";

/** Looks whether the key is live, and not whether it is still the subject's. */
export const wrong: WrongStore = {
  make: ({ clock }) => {
    const index = keySets();
    return withIndex(clock, { ...index, remove() {} });
  },
  fails: ["a key that is created anew is not listed under its former subject"],
};
