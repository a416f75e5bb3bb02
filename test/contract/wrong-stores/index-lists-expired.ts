import { keySets, withIndex } from "./with-index.ts";
import type { WrongStore } from "./wrong-store.ts";

/** keysOf() trusts an index that nobody cleans when entries expire. */
export const wrong: WrongStore = {
  make: ({ clock }) => {
    const index = keySets();
    return withIndex(clock, { ...index, keysOf: (subject) => index.keysOf(subject, () => true) });
  },
  fails: ["keysOf() does not list an expired entry"],
};
