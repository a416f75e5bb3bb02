import type { Entry, SessionStore } from "../../../src/store.ts";
import { memoryStore } from "../../../src/stores/memory.ts";
import type { WrongStore } from "./wrong-store.ts";

/** A cache in each process that read() with fresh does not pass by. */
export const wrong: WrongStore = {
  make({ clock }) {
    const engine = memoryStore({ clock });
    return { store: copying(engine, clock), other: copying(engine, clock) };
  },
  capabilities: { other: true },
  fails: ["read() with fresh is not answered from a copy"],
};

function copying(engine: SessionStore, clock: () => number): SessionStore {
  const copies = new Map<string, Entry>();
  const forget = (key: string): void => void copies.delete(key);
  return {
    ...engine,
    async read(key) {
      const copy = copies.get(key);
      if (copy !== undefined && copy.expiresAt > clock()) return { ...copy };
      const entry = await engine.read(key);
      if (entry) copies.set(key, { ...entry });
      return entry;
    },
    update(key, ...rest) {
      forget(key);
      return engine.update(key, ...rest);
    },
    delete(key, ...rest) {
      forget(key);
      return engine.delete(key, ...rest);
    },
    touch(key: string, expiresAt: number, ...rest: []) {
      forget(key);
      return engine.touch?.(key, expiresAt, ...rest) ?? false;
    },
  };
}
