import { memoryStore } from "../../../src/stores/memory.ts";
import type { WrongStore } from "./wrong-store.ts";

/**
 * Without compare-and-set, and worse than that: who finds that he was raced takes the other's entry away with his own.
 */
export const wrong: WrongStore = {
  make({ clock }) {
    const inner = memoryStore({ clock });
    return {
      ...inner,
      consistency: "eventual",
      async create(key, value, meta) {
        if (inner.read(key) !== undefined) return undefined;
        await Promise.resolve();
        const version = inner.create(key, value, meta);
        if (version === undefined) inner.delete(key);
        return version;
      },
    };
  },
  capabilities: { consistency: "eventual" },
  fails: ["racing writes leave one whole entry that can be updated"],
};
