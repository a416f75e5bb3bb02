import { readdirSync } from "node:fs";
import { expect, test } from "vitest";
import { memoryStore } from "../../src/stores/memory.ts";
import { type MakeStore, type StoreCapabilities, testStore } from "../../src/testing.ts";
import type { WrongStore } from "./wrong-stores/wrong-store.ts";

const folder = new URL("wrong-stores/", import.meta.url);
const helpers = ["wrong-store.ts", "with-index.ts"];
const wrongStores = await Promise.all(
  readdirSync(folder)
    .filter((file) => !helpers.includes(file))
    .map(async (file): Promise<WrongStore & { name: string }> => {
      const { wrong } = (await import(new URL(file, folder).href)) as { wrong: WrongStore };
      return { name: file.replace(".ts", "").replaceAll("-", " "), ...wrong };
    }),
);

test.each(wrongStores)(
  "the suite finds the fault of the store that $name, and no other",
  async ({ make, capabilities, fails }) => {
    const { failed } = await results(make, capabilities);
    expect(fails).not.toEqual([]);
    expect(failed).toEqual(fails);
  },
);

test("the suite finds nothing wrong with a right store, whatever it declares", async () => {
  const eventual: MakeStore = ({ clock }) => ({ ...memoryStore({ clock }), consistency: "eventual" });
  const small: MakeStore = ({ clock }) => {
    const { read, create, update, delete: remove } = memoryStore({ clock });
    return { read, create, update, delete: remove };
  };
  expect((await results(({ clock }) => memoryStore({ clock }))).failed).toEqual([]);
  expect((await results(eventual, { consistency: "eventual" })).failed).toEqual([]);
  expect((await results(small, { index: false, touch: false, sweep: false })).failed).toEqual([]);
});

test("each test of the suite finds something", async () => {
  const right: MakeStore = ({ clock }) => memoryStore({ clock });
  const all = [...(await results(right)).names, ...(await results(right, { consistency: "eventual" })).names];
  const useful = new Set(wrongStores.flatMap(({ fails }) => fails));
  expect([...new Set(all)].filter((name) => !useful.has(name))).toEqual([]);
});

test("a store is disposed of after its test, and after one that failed", async () => {
  let open = 0;
  const make: MakeStore = ({ clock }) => {
    open++;
    return { store: { ...memoryStore({ clock }), update: () => undefined }, dispose: async () => open-- };
  };
  const { failed } = await results(make);
  expect(failed).not.toEqual([]);
  expect(open).toBe(0);
});

/** Runs the suite with a `test` function that only collects. */
async function results(
  make: MakeStore,
  capabilities: StoreCapabilities = {},
): Promise<{ names: string[]; failed: string[] }> {
  const tests: [name: string, run: () => Promise<void>][] = [];
  testStore("x", make, { test: (name, run) => tests.push([name.replace("x: ", ""), run]), capabilities });
  const failed: string[] = [];
  for (const [name, run] of tests) {
    await run().catch((fault: unknown) => {
      expect(fault).toBeInstanceOf(Error);
      failed.push(name);
    });
  }
  return { names: tests.map(([name]) => name), failed };
}
