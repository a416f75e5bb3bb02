import { keySets, withIndex } from "./with-index.ts";
import type { WrongStore } from "./wrong-store.ts";

/** The entries are shared, the index is a map in each process. */
export const wrong: WrongStore = {
  make: ({ clock }) => {
    const store = withIndex(clock, keySets());
    const index = keySets();
    const isThere = async (key: string): Promise<boolean> => (await store.read(key)) !== undefined;
    return {
      store,
      other: {
        ...store,
        async create(key, value, { subject, ...meta }) {
          const version = await store.create(key, value, meta);
          if (version !== undefined) await index.write(key, subject, undefined);
          return version;
        },
        async keysOf(subject) {
          const keys = await index.keysOf(subject, () => true);
          const live = await Promise.all(keys.map(isThere));
          return keys.filter((_, at) => live[at]);
        },
      },
    };
  },
  capabilities: { other: true },
  fails: ["keysOf() lists what another store on the same engine wrote, and not what it ended"],
};
