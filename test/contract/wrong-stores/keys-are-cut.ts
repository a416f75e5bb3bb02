import { memoryStore } from "../../../src/stores/memory.ts";
import type { WrongStore } from "./wrong-store.ts";

/** A key column of 43 characters, which is enough until prefixedStore() is put around the store. */
export const wrong: WrongStore = {
  make({ clock }) {
    const { keysOf: _, ...inner } = memoryStore({ clock });
    const cut = (key: string): string => key.slice(0, 43);
    return {
      ...inner,
      read: (key) => inner.read(cut(key)),
      create: (key, value, meta) => inner.create(cut(key), value, meta),
      update: (key, value, meta, expected) => inner.update(cut(key), value, meta, expected),
      delete: (key, expected) => inner.delete(cut(key), expected),
      touch: (key, expiresAt, expected) => inner.touch(cut(key), expiresAt, expected),
    };
  },
  capabilities: { index: false },
  fails: ["keys of 63 characters are told apart to their end"],
};
