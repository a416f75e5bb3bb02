import { memoryStore } from "../../../src/stores/memory.ts";
import type { WrongStore } from "./wrong-store.ts";

/** catch { return undefined }: while the engine is down nobody is signed in, and no logout fails. */
export const wrong: WrongStore = {
  make({ clock }) {
    const inner = memoryStore({ clock });
    let isDown = false;
    return {
      store: {
        read: (key) => (isDown ? undefined : inner.read(key)),
        create: (key, value, meta) => (isDown ? undefined : inner.create(key, value, meta)),
        update: (key, value, meta, expected) => (isDown ? undefined : inner.update(key, value, meta, expected)),
        delete: (key, expected) => !isDown && inner.delete(key, expected),
      },
      cut: () => {
        isDown = true;
      },
    };
  },
  capabilities: { cut: true, index: false, touch: false, sweep: false },
  fails: ["every method throws when the engine cannot be reached"],
};
