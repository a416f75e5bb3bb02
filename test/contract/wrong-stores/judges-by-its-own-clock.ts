import { memoryStore } from "../../../src/stores/memory.ts";
import type { WrongStore } from "./wrong-store.ts";

/** Never looks at the clock that it is given, as an engine does whose own expiry is the only one. */
export const wrong: WrongStore = {
  make: () => memoryStore(),
  fails: [
    "read() does not return an expired entry",
    "update() refuses an expired entry",
    "delete() of an expired entry says that there was none",
    "delete() of an expired entry at its version says that there was none",
    "an entry lives by the clock given, also where the engine's own is half a minute ahead",
    "create() takes the key of an expired entry",
    "a version from before the expiry opens nothing after the key was created anew",
    "update() moves the expiry, to later and to sooner",
    "an entry may live for thirty seconds only",
    "touch() moves the expiry, to later and to sooner",
    "touch() at a version moves the expiry, to later and to sooner",
    "touch() does not bring an expired entry back",
    "keysOf() does not list an expired entry",
    "a key that is created anew is not listed under its former subject",
    "of many create() calls racing for an expired entry's key exactly one wins",
  ],
};
