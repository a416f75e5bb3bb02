import { memoryStore } from "../../../src/stores/memory.ts";
import type { WrongStore } from "./wrong-store.ts";

/** UTF-8 on the way: a lone surrogate comes back as U+FFFD. */
export const wrong: WrongStore = {
  make({ clock }) {
    const inner = memoryStore({ clock });
    const utf8 = (text: string): string => Buffer.from(text).toString();
    return {
      ...inner,
      create: (key, value, meta) => inner.create(key, utf8(value), meta),
      update: (key, value, meta, expected) => inner.update(key, utf8(value), meta, expected),
    };
  },
  fails: ["text that is not well-formed comes back as it was, or is refused"],
};
