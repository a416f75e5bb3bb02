import { memoryStore } from "../../../src/stores/memory.ts";
import type { WrongStore } from "./wrong-store.ts";

/** A sweep() that does not look at the expiry. */
export const wrong: WrongStore = {
  make({ clock }) {
    const inner = memoryStore({ clock });
    return { ...inner, sweep: () => inner.sweep(Number.POSITIVE_INFINITY) };
  },
  fails: ["sweep() drops what has expired, nothing else, and says how many"],
};
