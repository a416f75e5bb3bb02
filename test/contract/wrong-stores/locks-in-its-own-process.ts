import type { SessionStore } from "../../../src/store.ts";
import { memoryStore } from "../../../src/stores/memory.ts";
import type { WrongStore } from "./wrong-store.ts";

/** Looks, then writes, under a lock that only its own process has. */
export const wrong: WrongStore = {
  make({ clock }) {
    const engine = memoryStore({ clock });
    return { store: locked(engine), other: locked(engine) };
  },
  capabilities: { other: true },
  fails: ["of create() calls racing on two stores exactly one wins"],
};

function locked(engine: SessionStore): SessionStore {
  let last: Promise<unknown> = Promise.resolve();
  return {
    ...engine,
    create(key, value, meta) {
      const mine = last.then(async () => {
        if ((await engine.read(key)) !== undefined) return undefined;
        await Promise.resolve();
        engine.delete(key);
        return engine.create(key, value, meta);
      });
      last = mine;
      return mine;
    },
  };
}
