import { keySets, withIndex } from "./with-index.ts";
import type { WrongStore } from "./wrong-store.ts";

/** An index whose key column is shorter than that of the entries. */
export const wrong: WrongStore = {
  make: ({ clock }) => {
    const index = keySets();
    const cut = (key: string): string => key.slice(0, 43);
    return withIndex(clock, {
      write: (key, subject, former) => index.write(cut(key), subject, former),
      remove: (key, former) => index.remove(cut(key), former),
      keysOf: (subject, isLive) => index.keysOf(subject, (key) => key.length > 43 || isLive(key)),
    });
  },
  fails: ["keysOf() gives keys of 63 characters as they are"],
};
