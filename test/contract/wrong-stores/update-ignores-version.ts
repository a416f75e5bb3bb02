import { memoryStore } from "../../../src/stores/memory.ts";
import type { WrongStore } from "./wrong-store.ts";

/** UPDATE ... WHERE key = ?, without the version: the last writer wins, and the others' writes are lost. */
export const wrong: WrongStore = {
  make({ clock }) {
    const inner = memoryStore({ clock });
    return {
      ...inner,
      update(key, value, meta) {
        const entry = inner.read(key);
        return entry && inner.update(key, value, meta, entry.version);
      },
    };
  },
  fails: [
    "update() refuses an outdated version and changes nothing",
    "a version from before delete() opens nothing after the key was created anew",
    "a version from before the expiry opens nothing after the key was created anew",
    "a refused create() or update() leaves the index as it was",
    "of many update() calls racing at one version exactly one wins",
    "counters lose nothing when read and update() are tried again until accepted",
  ],
};
