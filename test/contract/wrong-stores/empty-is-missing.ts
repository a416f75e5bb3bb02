import { memoryStore } from "../../../src/stores/memory.ts";
import type { WrongStore } from "./wrong-store.ts";

/** `if (value)` where `if (value !== null)` is meant. */
export const wrong: WrongStore = {
  make({ clock }) {
    const inner = memoryStore({ clock });
    return {
      ...inner,
      read(key) {
        const entry = inner.read(key);
        return entry?.value ? entry : undefined;
      },
    };
  },
  fails: ["values come back character for character"],
};
