import { memoryStore } from "../../../src/stores/memory.ts";
import type { WrongStore } from "./wrong-store.ts";

/** DELETE ... WHERE key = ? AND version = ?, without the expiry. */
export const wrong: WrongStore = {
  make({ clock }) {
    const live = memoryStore({ clock });
    const versions = new Map<string, unknown>();
    return {
      ...live,
      create(key, value, meta) {
        const version = live.create(key, value, meta);
        if (version !== undefined) versions.set(key, version);
        return version;
      },
      update(key, value, meta, expected) {
        const version = live.update(key, value, meta, expected);
        if (version !== undefined) versions.set(key, version);
        return version;
      },
      delete(key, expected) {
        const isThere = live.read(key) !== undefined;
        const fits = expected !== undefined && versions.get(key) === expected;
        const removed = live.delete(key, expected);
        if (removed || fits) versions.delete(key);
        return removed || (!isThere && fits);
      },
    };
  },
  fails: ["delete() of an expired entry at its version says that there was none"],
};
