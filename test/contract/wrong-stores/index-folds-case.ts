import { keySets, withIndex } from "./with-index.ts";
import type { WrongStore } from "./wrong-store.ts";

/** A subject column whose collation ignores case and accents. */
export const wrong: WrongStore = {
  make: ({ clock }) =>
    withIndex(
      clock,
      keySets((subject) => subject.normalize("NFD").replace(/\p{M}/gu, "").toLowerCase()),
    ),
  fails: ["keysOf() tells subjects apart, whatever they look like"],
};
