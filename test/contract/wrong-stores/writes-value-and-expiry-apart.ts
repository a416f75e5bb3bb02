import { memoryStore } from "../../../src/stores/memory.ts";
import type { WrongStore } from "./wrong-store.ts";

/** HSET, then PEXPIREAT: between the two a read() sees the new value with the old expiry. */
export const wrong: WrongStore = {
  make({ clock }) {
    const inner = memoryStore({ clock });
    return {
      ...inner,
      async update(key, value, meta, expected) {
        const former = inner.read(key)?.expiresAt ?? 0;
        const version = inner.update(key, value, { ...meta, expiresAt: former }, expected);
        await Promise.resolve();
        if (version !== undefined) inner.touch(key, meta.expiresAt, version);
        return version;
      },
    };
  },
  fails: ["read() never mixes two writes"],
};
