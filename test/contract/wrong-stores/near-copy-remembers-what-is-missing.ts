import type { SessionStore } from "../../../src/store.ts";
import { memoryStore } from "../../../src/stores/memory.ts";
import type { WrongStore } from "./wrong-store.ts";

/** A cache that keeps "there is none" too, and answers a fresh read with it. */
export const wrong: WrongStore = {
  make({ clock }) {
    const engine = memoryStore({ clock });
    return { store: forgetful(engine), other: forgetful(engine) };
  },
  capabilities: { other: true },
  fails: ["read() with fresh is not answered from a copy"],
};

function forgetful(engine: SessionStore): SessionStore {
  const missing = new Set<string>();
  return {
    ...engine,
    async read(key) {
      if (missing.has(key)) return undefined;
      const entry = await engine.read(key);
      if (entry === undefined) missing.add(key);
      return entry;
    },
    create(key, ...rest) {
      missing.delete(key);
      return engine.create(key, ...rest);
    },
  };
}
