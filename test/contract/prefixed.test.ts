import { expect, test } from "vitest";
import { memoryStore } from "../../src/stores/memory.ts";
import { prefixedStore } from "../../src/stores/prefixed.ts";
import { testStore } from "../../src/testing.ts";

// Keys have one length there: a prefix is not put inside another
const capabilities = { longKeys: false };

testStore(
  "prefixedStore()",
  ({ clock }) => {
    const inner = memoryStore({ clock });
    return { store: prefixedStore(inner, "shop"), other: prefixedStore(inner, "shop") };
  },
  { test, capabilities: { ...capabilities, other: true } },
);

testStore("prefixedStore() beside another on one store", ({ clock }) => prefixedStore(crowded(clock), "shop"), {
  test,
  capabilities,
});

const key = "k".repeat(43);
const meta = { expiresAt: Date.now() + 60_000, subject: "anna" };

test("prefixedStore() shares neither keys nor subjects with another prefix, even one that begins alike", () => {
  const inner = memoryStore();
  const [a, ab] = [prefixedStore(inner, "a"), prefixedStore(inner, "ab")];
  a.create(key, "a's", { ...meta, subject: "banna" });
  ab.create(key, "ab's", meta);
  expect([a.read(key), ab.read(key)]).toMatchObject([{ value: "a's" }, { value: "ab's" }]);
  expect([a.keysOf?.("banna"), a.keysOf?.("anna"), ab.keysOf?.("anna")]).toEqual([[key], [], [key]]);
  a.delete(key);
  expect(ab.read(key)).toMatchObject({ value: "ab's" });
});

test("prefixedStore() stays synchronous on a synchronous store, and offers what the store offers", () => {
  const { read, create, update, delete: remove } = memoryStore();
  const store = prefixedStore({ read, create, update, delete: remove, consistency: "eventual" }, "shop");
  expect(store.create(key, "x", meta)).toBe(1);
  expect(store.consistency).toBe("eventual");
  expect([store.touch, store.keysOf, store.sweep]).toEqual([undefined, undefined, undefined]);
});

test.each(["", "a:b", "a b", "ä", "a".repeat(21)])("prefixedStore() refuses the prefix %j", (prefix) => {
  expect(() => prefixedStore(memoryStore(), prefix)).toThrow(TypeError);
});

test("prefixedStore() refuses a store that has a prefix: two would name the same as one", () => {
  expect(() => prefixedStore(prefixedStore(memoryStore(), "sh"), "op")).toThrow(/^Cannot put the prefix "op" inside/);
});

test("prefixedStore() refuses a key whose length would let it name another's", () => {
  const store = prefixedStore(memoryStore(), "sh");
  const other = `op${key}`; // under "shop" that is `key`
  for (const call of [
    () => store.read(other),
    () => store.create(other, "x", meta),
    () => store.update(other, "x", meta, 1),
    () => store.delete(other),
    () => store.touch?.(other, 1),
  ]) {
    expect(call).toThrow(/^Cannot use a key of 45 characters/);
  }
});

test("prefixedStore() passes on that a read must not come from a copy", () => {
  const reads: unknown[] = [];
  const inner = memoryStore();
  const store = prefixedStore({ ...inner, read: (...args) => void reads.push(args) as never }, "shop");
  store.read(key, { fresh: true });
  store.read(key);
  expect(reads).toEqual([[`shop${key}`, { fresh: true }], [`shop${key}`]]);
});

/** A store that other applications use already, for the same subjects. */
function crowded(clock: () => number) {
  const inner = memoryStore({ clock });
  for (const prefix of ["sho", "shopp", "other"]) {
    prefixedStore(inner, prefix).create(key, "theirs", { expiresAt: clock() + 1e9, subject: "anna" });
  }
  return inner;
}
