import { memoryStore } from "../../../src/stores/memory.ts";
import type { WrongStore } from "./wrong-store.ts";

/** PEXPIREAT ... GT: the expiry never comes closer. */
export const wrong: WrongStore = {
  make({ clock }) {
    const inner = memoryStore({ clock });
    return {
      ...inner,
      touch: (key, expiresAt, expected) =>
        inner.touch(key, Math.max(expiresAt, inner.read(key)?.expiresAt ?? 0), expected),
    };
  },
  fails: [
    "touch() moves the expiry, to later and to sooner",
    "touch() at a version moves the expiry, to later and to sooner",
  ],
};
