import type { Entry } from "../../../src/store.ts";
import { memoryStore } from "../../../src/stores/memory.ts";
import type { WrongStore } from "./wrong-store.ts";

/** Hands out the object that it keeps. */
export const wrong: WrongStore = {
  make({ clock }) {
    const inner = memoryStore({ clock });
    const kept = new Map<string, Entry>();
    return {
      ...inner,
      read(key) {
        const entry = inner.read(key);
        const known = kept.get(key);
        // While nothing was written, whoever reads gets the object that the last one got.
        if (entry === undefined || known === undefined || known.version !== entry.version) {
          if (entry && known?.version !== "changed") kept.set(key, entry);
          return known?.version === "changed" ? known : entry;
        }
        return known;
      },
    };
  },
  fails: ["changing an object that was handed in or out changes nothing that is stored"],
};
