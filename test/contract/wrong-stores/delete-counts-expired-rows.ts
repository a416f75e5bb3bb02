import { memoryStore } from "../../../src/stores/memory.ts";
import type { WrongStore } from "./wrong-store.ts";

/** DELETE ... WHERE key = ?, without the expiry: says true of rows that had ended long ago. */
export const wrong: WrongStore = {
  make({ clock }) {
    const inner = memoryStore({ clock: () => 0 });
    const live = memoryStore({ clock });
    return {
      ...live,
      create(key, value, meta) {
        const version = live.create(key, value, meta);
        if (version !== undefined) inner.create(key, value, meta);
        return version;
      },
      delete(key, expected) {
        if (expected !== undefined) return live.delete(key, expected);
        live.delete(key);
        return inner.delete(key);
      },
    };
  },
  fails: ["delete() of an expired entry says that there was none"],
};
