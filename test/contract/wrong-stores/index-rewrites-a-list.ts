import { withIndex } from "./with-index.ts";
import type { WrongStore } from "./wrong-store.ts";

/** The keys of a subject are one value that is read, changed and written back: two at a time, and one is lost. */
export const wrong: WrongStore = {
  make: ({ clock }) => {
    const lists = new Map<string, readonly string[]>();
    const change = async (subject: string | undefined, edit: (keys: readonly string[]) => string[]): Promise<void> => {
      if (subject === undefined) return;
      const keys = lists.get(subject) ?? [];
      await Promise.resolve();
      lists.set(subject, edit(keys));
    };
    return withIndex(clock, {
      async write(key, subject, former) {
        await change(former, (keys) => keys.filter((other) => other !== key));
        await change(subject, (keys) => [...keys, key]);
      },
      remove: (key, former) => change(former, (keys) => keys.filter((other) => other !== key)),
      keysOf: (subject, isLive) => (lists.get(subject) ?? []).filter(isLive),
    });
  },
  fails: [
    "keysOf() lists every key of a subject that has hundreds",
    "an entry is listed when its create() was one of many at once",
    "an entry that can be read is listed, also while its create() or update() is on its way",
  ],
};
