import { memoryStore } from "../../../src/stores/memory.ts";
import type { WrongStore } from "./wrong-store.ts";

/** `expiresAt < now` where `<=` is meant. */
export const wrong: WrongStore = {
  make: ({ clock }) => memoryStore({ clock: () => clock() - 1 }),
  fails: [
    "read() does not return an expired entry",
    "update() refuses an expired entry",
    "delete() of an expired entry says that there was none",
    "delete() of an expired entry at its version says that there was none",
    "create() takes the key of an expired entry",
    "a version from before the expiry opens nothing after the key was created anew",
    "an entry may live for thirty seconds only",
    "touch() does not bring an expired entry back",
    "keysOf() does not list an expired entry",
    "a key that is created anew is not listed under its former subject",
    "of many create() calls racing for an expired entry's key exactly one wins",
  ],
};
