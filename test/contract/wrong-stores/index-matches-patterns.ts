import { withIndex } from "./with-index.ts";
import type { WrongStore } from "./wrong-store.ts";

/** LIKE where = is meant. */
export const wrong: WrongStore = {
  make: ({ clock }) => {
    const subjects = new Map<string, string>();
    const like = (subject: string, pattern: string): boolean =>
      subject === pattern || (pattern.endsWith("%") && subject.startsWith(pattern.slice(0, -1)));
    return withIndex(clock, {
      write(key, subject) {
        if (subject === undefined) subjects.delete(key);
        else subjects.set(key, subject);
      },
      remove: (key) => void subjects.delete(key),
      keysOf: (pattern, isLive) =>
        [...subjects].flatMap(([key, subject]) => (like(subject, pattern) && isLive(key) ? [key] : [])),
    });
  },
  fails: ["keysOf() tells subjects apart, whatever they look like"],
};
