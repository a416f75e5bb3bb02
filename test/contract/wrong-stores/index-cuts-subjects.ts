import { keySets, withIndex } from "./with-index.ts";
import type { WrongStore } from "./wrong-store.ts";

/** A subject column of 255 characters. */
export const wrong: WrongStore = {
  make: ({ clock }) =>
    withIndex(
      clock,
      keySets((subject) => subject.slice(0, 255)),
    ),
  fails: ["keysOf() tells subjects apart, whatever they look like"],
};
