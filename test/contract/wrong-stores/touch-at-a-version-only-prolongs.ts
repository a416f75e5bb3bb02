import { memoryStore } from "../../../src/stores/memory.ts";
import type { WrongStore } from "./wrong-store.ts";

/** EXPIRE ... GT in the script that compares the version. */
export const wrong: WrongStore = {
  make({ clock }) {
    const inner = memoryStore({ clock });
    return {
      ...inner,
      touch(key, expiresAt, expected) {
        const entry = inner.read(key);
        if (expected === undefined || entry === undefined || entry.expiresAt <= expiresAt)
          return inner.touch(key, expiresAt, expected);
        return entry.version === expected;
      },
    };
  },
  fails: ["touch() at a version moves the expiry, to later and to sooner"],
};
