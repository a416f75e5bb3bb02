import { memoryStore } from "../../../src/stores/memory.ts";
import type { WrongStore } from "./wrong-store.ts";

/** Counts the versions of each key from one: those of a deleted entry come again. */
export const wrong: WrongStore = {
  make({ clock }) {
    const inner = memoryStore({ clock });
    const first = new Map<string, number>();
    const outer = (key: string, version: unknown): number => Number(version) - (first.get(key) ?? 0);
    const within = (key: string, version: unknown): number => Number(version) + (first.get(key) ?? 0);
    return {
      ...inner,
      create(key, value, meta) {
        const version = inner.create(key, value, meta);
        if (version === undefined) return undefined;
        first.set(key, Number(version) - 1);
        return 1;
      },
      update(key, value, meta, expected) {
        const version = inner.update(key, value, meta, within(key, expected));
        return version === undefined ? undefined : outer(key, version);
      },
      delete: (key, expected) => inner.delete(key, expected === undefined ? undefined : within(key, expected)),
      touch: (key, expiresAt, expected) =>
        inner.touch(key, expiresAt, expected === undefined ? undefined : within(key, expected)),
      read(key) {
        const entry = inner.read(key);
        return entry && { ...entry, version: outer(key, entry.version) };
      },
    };
  },
  fails: [
    "no two states of a key share a version",
    "a version from before delete() opens nothing after the key was created anew",
    "a version from before the expiry opens nothing after the key was created anew",
  ],
};
