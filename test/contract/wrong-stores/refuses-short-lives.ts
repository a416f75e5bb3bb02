import { memoryStore } from "../../../src/stores/memory.ts";
import type { WrongStore } from "./wrong-store.ts";

/** Hands times to live to an engine that refuses those below a minute. */
export const wrong: WrongStore = {
  make({ clock }) {
    const inner = memoryStore({ clock });
    const check = (expiresAt: number): void => {
      if (expiresAt < clock() + 60_000) throw new Error("expiration_ttl must be at least 60");
    };
    return {
      ...inner,
      create(key, value, meta) {
        check(meta.expiresAt);
        return inner.create(key, value, meta);
      },
      update(key, value, meta, expected) {
        check(meta.expiresAt);
        return inner.update(key, value, meta, expected);
      },
    };
  },
  fails: [
    "an entry lives by the clock given, also where the engine's own is half a minute ahead",
    "an entry may live for thirty seconds only",
    "an expiry in the past is neither an error nor a live entry",
  ],
};
