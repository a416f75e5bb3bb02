import { keySets, withIndex } from "./with-index.ts";
import type { WrongStore } from "./wrong-store.ts";

/** String(undefined) as the subject of those who have none. */
export const wrong: WrongStore = {
  make: ({ clock }) => {
    const index = keySets();
    return withIndex(clock, { ...index, write: (key, subject, former) => index.write(key, String(subject), former) });
  },
  fails: ["keysOf() lists the keys of a subject and no others"],
};
