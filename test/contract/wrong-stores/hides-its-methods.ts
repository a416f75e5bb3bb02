import { memoryStore } from "../../../src/stores/memory.ts";
import type { WrongStore } from "./wrong-store.ts";

/** Has no touch(), and does not say so. */
export const wrong: WrongStore = {
  make({ clock }) {
    const { read, create, update, delete: remove, keysOf } = memoryStore({ clock });
    return { read, create, update, delete: remove, keysOf };
  },
  capabilities: { touch: false },
  fails: [
    "the store has the methods that its capabilities declare",
    "sweep() drops what has expired, nothing else, and says how many",
  ],
};
