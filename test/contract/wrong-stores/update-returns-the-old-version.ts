import { memoryStore } from "../../../src/stores/memory.ts";
import type { WrongStore } from "./wrong-store.ts";

/** Returns what was expected instead of what is there now. */
export const wrong: WrongStore = {
  make({ clock }) {
    const inner = memoryStore({ clock });
    return {
      ...inner,
      update: (key, value, meta, expected) =>
        inner.update(key, value, meta, expected) === undefined ? undefined : expected,
    };
  },
  fails: [
    "create() and update() return the version that read() gives",
    "no two states of a key share a version",
    "delete() with an outdated version removes nothing",
    "update() moves the expiry, to later and to sooner",
    "update() moves an entry in the index",
    "read() never mixes two writes",
    "of many update() calls racing at one version exactly one wins",
  ],
};
