import { withIndex } from "./with-index.ts";
import type { WrongStore } from "./wrong-store.ts";

/** Subjects as the names of properties: some are there already. */
export const wrong: WrongStore = {
  make: ({ clock }) => {
    const lists: Record<string, Set<string>> = {};
    return withIndex(clock, {
      write(key, subject, former) {
        if (former !== undefined) lists[former]?.delete(key);
        if (subject === undefined) return;
        lists[subject] ??= new Set();
        lists[subject].add(key);
      },
      remove(key, former) {
        if (former !== undefined) lists[former]?.delete(key);
      },
      keysOf: (subject, isLive) => [...(lists[subject] ?? [])].filter(isLive),
    });
  },
  fails: ["keysOf() tells subjects apart, whatever they look like"],
};
