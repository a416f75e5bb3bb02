import { memoryStore } from "../../../src/stores/memory.ts";
import type { WrongStore } from "./wrong-store.ts";

/** Leaves expiry to a sweep that comes some day. */
export const wrong: WrongStore = {
  make({ clock }) {
    const inner = memoryStore({ clock });
    const all = memoryStore({ clock: () => 0 });
    const copy = (key: string): void => {
      const entry = inner.read(key);
      all.delete(key);
      if (entry) all.create(key, entry.value, entry);
    };
    return {
      ...inner,
      create(key, value, meta) {
        const version = inner.create(key, value, meta);
        copy(key);
        return version;
      },
      delete(key, expected) {
        const removed = inner.delete(key, expected);
        copy(key);
        return removed;
      },
      read: (key) => inner.read(key) ?? all.read(key),
    };
  },
  fails: [
    "read() does not return an expired entry",
    "update() refuses an expired entry",
    "update() moves the expiry, to later and to sooner",
    "an entry may live for thirty seconds only",
    "an expiry in the past is neither an error nor a live entry",
    "touch() moves the expiry, to later and to sooner",
    "touch() at a version moves the expiry, to later and to sooner",
    "touch() does not bring an expired entry back",
  ],
};
