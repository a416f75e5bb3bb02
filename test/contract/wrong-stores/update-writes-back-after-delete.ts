import { memoryStore } from "../../../src/stores/memory.ts";
import type { WrongStore } from "./wrong-store.ts";

/** The version is compared in the program, and what is written one round trip later is an upsert. */
export const wrong: WrongStore = {
  make({ clock }) {
    const inner = memoryStore({ clock });
    return {
      ...inner,
      async update(key, value, meta, expected) {
        if (inner.read(key)?.version !== expected) return undefined;
        await Promise.resolve();
        return inner.update(key, value, meta, expected) ?? inner.create(key, value, meta);
      },
    };
  },
  fails: [
    "update() racing delete() never brings the entry back",
    "of update() and delete() racing at one version exactly one wins",
  ],
};
