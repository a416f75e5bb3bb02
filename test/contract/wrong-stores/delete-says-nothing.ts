import { memoryStore } from "../../../src/stores/memory.ts";
import type { WrongStore } from "./wrong-store.ts";

/** Some engines do not say whether a delete() removed something; this one claims that it always did. */
export const wrong: WrongStore = {
  make({ clock }) {
    const inner = memoryStore({ clock });
    return {
      ...inner,
      delete(key, expected) {
        if (expected !== undefined) return inner.delete(key, expected);
        inner.delete(key);
        return true;
      },
    };
  },
  fails: [
    "delete() removes the entry and says true only then",
    "delete() of an expired entry says that there was none",
    "of many delete() calls racing exactly one says true",
  ],
};
