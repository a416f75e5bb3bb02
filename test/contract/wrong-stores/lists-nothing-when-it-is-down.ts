import { memoryStore } from "../../../src/stores/memory.ts";
import type { WrongStore } from "./wrong-store.ts";

/** Every method throws when the engine is down, but keysOf(): "signed out everywhere", and nobody is. */
export const wrong: WrongStore = {
  make({ clock }) {
    const inner = memoryStore({ clock });
    let isDown = false;
    const down = (): never => {
      throw new Error("connection refused");
    };
    return {
      store: {
        read: (key) => (isDown ? down() : inner.read(key)),
        create: (key, value, meta) => (isDown ? down() : inner.create(key, value, meta)),
        update: (key, value, meta, expected) => (isDown ? down() : inner.update(key, value, meta, expected)),
        delete: (key, expected) => (isDown ? down() : inner.delete(key, expected)),
        touch: (key, expiresAt, expected) => (isDown ? down() : inner.touch(key, expiresAt, expected)),
        keysOf: (subject) => (isDown ? [] : inner.keysOf(subject)),
      },
      cut: () => {
        isDown = true;
      },
    };
  },
  capabilities: { cut: true, sweep: false },
  fails: ["every method throws when the engine cannot be reached"],
};
