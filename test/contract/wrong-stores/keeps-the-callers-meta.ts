import type { EntryMeta } from "../../../src/store.ts";
import { memoryStore } from "../../../src/stores/memory.ts";
import type { WrongStore } from "./wrong-store.ts";

/** Keeps the object that holds expiry and subject instead of what is in it. */
export const wrong: WrongStore = {
  make({ clock }) {
    const inner = memoryStore({ clock });
    const metas = new Map<string, EntryMeta>();
    return {
      ...inner,
      create(key, value, meta) {
        const version = inner.create(key, value, meta);
        if (version !== undefined) metas.set(key, meta);
        return version;
      },
      update(key, value, meta, expected) {
        const version = inner.update(key, value, meta, expected);
        if (version !== undefined) metas.delete(key);
        return version;
      },
      touch(key, expiresAt, expected) {
        metas.delete(key);
        return inner.touch(key, expiresAt, expected);
      },
      read(key) {
        const entry = inner.read(key);
        return entry && { ...entry, expiresAt: metas.get(key)?.expiresAt ?? entry.expiresAt };
      },
    };
  },
  fails: ["changing an object that was handed in or out changes nothing that is stored"],
};
