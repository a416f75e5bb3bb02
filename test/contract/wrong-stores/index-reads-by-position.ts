import { keySets, withIndex } from "./with-index.ts";
import type { WrongStore } from "./wrong-store.ts";

/** Reads its rows one by one, by their position: when an earlier one goes meanwhile, the next is skipped. */
export const wrong: WrongStore = {
  make: ({ clock }) => {
    const index = keySets();
    return withIndex(clock, {
      ...index,
      async keysOf(subject, isLive) {
        const found: string[] = [];
        for (let position = 0; ; position++) {
          const row = (await index.keysOf(subject, isLive))[position];
          if (row === undefined) return [...new Set(found)];
          found.push(row);
          await new Promise((resolve) => setTimeout(resolve));
        }
      },
    });
  },
  fails: ["keysOf() lists every entry that stays, and one that moves to another key, while others come and go"],
};
