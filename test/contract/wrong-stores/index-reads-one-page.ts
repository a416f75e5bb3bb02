import { keySets, withIndex } from "./with-index.ts";
import type { WrongStore } from "./wrong-store.ts";

/** Asks the engine for the first page of keys and not for the next. */
export const wrong: WrongStore = {
  make: ({ clock }) => {
    const index = keySets();
    return withIndex(clock, {
      ...index,
      keysOf: async (subject, isLive) => (await index.keysOf(subject, isLive)).slice(0, 100),
    });
  },
  fails: ["keysOf() lists every key of a subject that has hundreds"],
};
