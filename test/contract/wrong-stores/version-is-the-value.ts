import { memoryStore } from "../../../src/stores/memory.ts";
import type { WrongStore } from "./wrong-store.ts";

/** Takes a hash of the value for its version: two states with the same value are taken for one. */
export const wrong: WrongStore = {
  make({ clock }) {
    const inner = memoryStore({ clock });
    const current = (key: string, expected: unknown): number | undefined => {
      const entry = inner.read(key);
      return entry?.value === expected ? Number(entry?.version) : undefined;
    };
    return {
      ...inner,
      create: (key, value, meta) => (inner.create(key, value, meta) === undefined ? undefined : value),
      update: (key, value, meta, expected) =>
        inner.update(key, value, meta, current(key, expected) ?? -1) === undefined ? undefined : value,
      delete: (key, expected) => inner.delete(key, expected === undefined ? undefined : (current(key, expected) ?? -1)),
      touch: (key, expiresAt, expected) =>
        inner.touch(key, expiresAt, expected === undefined ? undefined : (current(key, expected) ?? -1)),
      read(key) {
        const entry = inner.read(key);
        return entry && { ...entry, version: entry.value };
      },
    };
  },
  fails: [
    "no two states of a key share a version",
    "a version from before delete() opens nothing after the key was created anew",
    "a version from before the expiry opens nothing after the key was created anew",
  ],
};
