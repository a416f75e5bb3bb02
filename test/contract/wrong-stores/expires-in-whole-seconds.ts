import { memoryStore } from "../../../src/stores/memory.ts";
import type { WrongStore } from "./wrong-store.ts";

/** EXPIREAT where PEXPIREAT is meant. */
export const wrong: WrongStore = {
  make({ clock }) {
    const inner = memoryStore({ clock });
    const whole = (expiresAt: number): number => Math.floor(expiresAt / 1000) * 1000;
    return {
      ...inner,
      create: (key, value, meta) => inner.create(key, value, { ...meta, expiresAt: whole(meta.expiresAt) }),
      update: (key, value, meta, expected) =>
        inner.update(key, value, { ...meta, expiresAt: whole(meta.expiresAt) }, expected),
      touch: (key, expiresAt, expected) => inner.touch(key, whole(expiresAt), expected),
    };
  },
  fails: [
    "expiresAt comes back to the millisecond",
    "an entry lives until the last millisecond before expiresAt",
    "touch() moves the expiry, to later and to sooner",
  ],
};
