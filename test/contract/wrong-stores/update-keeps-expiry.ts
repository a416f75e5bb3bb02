import { memoryStore } from "../../../src/stores/memory.ts";
import type { WrongStore } from "./wrong-store.ts";

/** SET ... KEEPTTL: an update() does not prolong the session. */
export const wrong: WrongStore = {
  make({ clock }) {
    const inner = memoryStore({ clock });
    return {
      ...inner,
      update: (key, value, meta, expected) =>
        inner.update(key, value, { ...meta, expiresAt: inner.read(key)?.expiresAt ?? meta.expiresAt }, expected),
    };
  },
  fails: [
    "expiresAt comes back to the millisecond",
    "update() moves the expiry, to later and to sooner",
    "an entry may live for thirty seconds only",
    "an expiry in the past is neither an error nor a live entry",
    "update() with the same subject keeps the entry listed, once",
    "read() never mixes two writes",
  ],
};
