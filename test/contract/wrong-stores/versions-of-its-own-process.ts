import { memoryStore } from "../../../src/stores/memory.ts";
import type { WrongStore } from "./wrong-store.ts";

/** Counts versions in each process, and takes the engine's for its own. */
export const wrong: WrongStore = {
  make({ clock }) {
    const engine = memoryStore({ clock });
    const other = { ...engine, update: () => undefined };
    return { store: engine, other };
  },
  capabilities: { other: true },
  fails: [
    "what one store writes, another on the same engine goes on with",
    "read() with fresh is not answered from a copy",
  ],
};
