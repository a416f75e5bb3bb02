/** Keys: any of them is one of its own, to its last character. */
import { created, found, hour, newKey, type StoreTest, same, sameKeys } from "./tools.ts";

export const keyTests: readonly StoreTest[] = [
  {
    name: "keys are told apart, character by character and by case",
    async run({ store, clock }) {
      // `_` is a wildcard in SQL, `-` is often folded, and many collations ignore case.
      const stem = newKey().slice(4);
      const keys = ["aB_z", "ab_z", "AB_z", "aB-z", "aBxz", "aB_Z"].map((start) => start + stem);
      const meta = { expiresAt: clock.now() + hour };
      for (const key of keys) await created(store, key, key, meta);
      for (const key of keys) same((await store.read(key))?.value, key, "an entry was found under another entry's key");
      await store.delete(keys[0] ?? "");
      for (const key of keys.slice(1)) await found(store, key, "delete() removed the entry of another key");
    },
  },
];

/** `prefixedStore` puts up to 20 characters before a key of 43. */
export const longKeyTests: readonly StoreTest[] = [
  {
    name: "keys of 63 characters are told apart to their end",
    async run({ store, clock }) {
      // 43 characters of a digest, and 20 that prefixedStore() may put in front
      const stem = newKey() + newKey().slice(0, 19);
      const keys = ["a", "b", "c"].map((end) => stem + end);
      const meta = { expiresAt: clock.now() + hour };
      for (const key of keys) await created(store, key, key, meta);
      for (const key of keys) same((await store.read(key))?.value, key, "an entry was found under another entry's key");
      same(await store.delete(keys[0] ?? ""), true, "delete() of an entry with a long key did not remove it");
      for (const key of keys.slice(1)) await found(store, key, "delete() removed the entry of another key");
    },
  },
];

export const longKeyIndexTests: readonly StoreTest[] = [
  {
    name: "keysOf() gives keys of 63 characters as they are",
    async run({ store, clock }) {
      const stem = newKey() + newKey().slice(0, 19);
      const keys = ["a", "b"].map((end) => stem + end);
      for (const key of keys) await created(store, key, "x", { expiresAt: clock.now() + hour, subject: "anna" });
      sameKeys(await store.keysOf?.("anna"), keys, "keysOf() does not list exactly the subject's keys");
    },
  },
];
