import { readdirSync } from "node:fs";
import { describe, expect, test } from "vitest";
import type { Entry, SessionStore, Version } from "../../src/store.ts";
import { type MemoryStore, memoryStore } from "../../src/stores/memory.ts";
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

describe("a right store of somebody else's passes, and in time:", () => {
  test("write-through over memory", async () => {
    const make: MakeStore = ({ clock }) => {
      const engine = later(memoryStore({ clock }));
      return { store: writeThrough(engine, clock), other: writeThrough(engine, clock) };
    };
    expect((await results(make, { other: true })).failed).toEqual([]);
  });

  test("reads from a replica that is behind, declared eventual", async () => {
    const make: MakeStore = ({ clock }) => behind(memoryStore({ clock }), clock);
    expect((await results(make, { consistency: "eventual", sweep: false })).failed).toEqual([]);
  });

  test("reads that answer at once, and writes that do not", async () => {
    const make: MakeStore = ({ clock }) => {
      const engine = memoryStore({ clock });
      return { ...later(engine), read: engine.read, keysOf: engine.keysOf };
    };
    expect((await results(make)).failed).toEqual([]);
  });

  test("a latency of 100 ms: no test takes more than 5 seconds of it, which is what runners wait", async () => {
    let now = 0;
    const waiting: { readonly at: number; readonly go: () => void }[] = [];
    const wait = (): Promise<void> =>
      new Promise((go) => {
        waiting.push({ at: now + 100, go });
        if (waiting.length === 1) setImmediate(pass);
      });
    /** Time passes when nothing else is to be done. */
    function pass(): void {
      now = Math.min(...waiting.map(({ at }) => at));
      const due = waiting.filter(({ at }) => at <= now);
      waiting.splice(0, waiting.length, ...waiting.filter(({ at }) => at > now));
      for (const { go } of due) go();
      if (waiting.length > 0) setImmediate(pass);
    }
    const make: MakeStore = ({ clock }) => after(memoryStore({ clock }), wait);
    const taken: [name: string, milliseconds: number][] = [];
    const { failed } = await results(make, {}, (name, run) => {
      const start = now;
      return run().finally(() => taken.push([name, now - start]));
    });
    expect(failed).toEqual([]);
    expect(taken.filter(([, milliseconds]) => milliseconds > 5_000)).toEqual([]);
  });
});

/** A store whose every answer takes a turn of the event loop, as input and output do. */
function later(store: SessionStore): SessionStore {
  return after(store, () => new Promise((resolve) => setImmediate(resolve)));
}

function after(store: SessionStore, wait: () => Promise<void>): SessionStore {
  const slow =
    (method: (...values: never[]) => unknown) =>
    async (...values: never[]) => {
      await wait();
      return method(...values);
    };
  const methods = Object.entries(store).filter(([, method]) => typeof method === "function");
  return Object.fromEntries(methods.map(([name, method]) => [name, slow(method)])) as unknown as SessionStore;
}

/** Keeps what it wrote or read in memory; a fresh read, and every write, goes to the engine. */
function writeThrough(engine: SessionStore, clock: () => number): SessionStore {
  const copies = new Map<string, Entry>();
  return {
    async read(key, ...how) {
      const copy = copies.get(key);
      if (copy && copy.expiresAt > clock() && !(how as [{ fresh?: boolean }?])[0]?.fresh) return { ...copy };
      const entry = await engine.read(key);
      if (entry) copies.set(key, { ...entry });
      else copies.delete(key);
      return entry;
    },
    async create(key, value, meta) {
      const { expiresAt } = meta;
      const version = await engine.create(key, value, meta);
      if (version !== undefined) copies.set(key, { value, version, expiresAt });
      return version;
    },
    async update(key, value, meta, expected) {
      const { expiresAt } = meta;
      copies.delete(key);
      const version = await engine.update(key, value, meta, expected);
      if (version !== undefined && !copies.has(key)) copies.set(key, { value, version, expiresAt });
      return version;
    },
    async delete(key, expected) {
      const removed = await engine.delete(key, expected);
      copies.delete(key);
      return removed;
    },
    async touch(key: string, expiresAt: number, ...expected: []) {
      const touched = (await engine.touch?.(key, expiresAt, ...expected)) ?? false;
      copies.delete(key);
      return touched;
    },
    keysOf: async (subject: string) => (await engine.keysOf?.(subject)) ?? [],
    sweep: async (now: number) => (await engine.sweep?.(now)) ?? 0,
  };
}

/** Writes go to the engine; reads and lists come from a replica that is some turns of the event loop behind. */
function behind(engine: MemoryStore, clock: () => number): SessionStore {
  const replica = memoryStore({ clock });
  const copy = async (key: string, subject?: string): Promise<void> => {
    for (let turns = 0; turns < 5; turns++) await new Promise((resolve) => setImmediate(resolve));
    const entry = engine.read(key);
    replica.delete(key);
    if (entry)
      replica.create(key, entry.value, { expiresAt: entry.expiresAt, ...(subject !== undefined && { subject }) });
  };
  const versions = new Map<string, Version>();
  const subjects = new Map<string, string | undefined>();
  const written = <T>(key: string, result: T, subject = subjects.get(key)): T => {
    subjects.set(key, subject);
    void copy(key, subject).then(() => versions.set(key, engine.read(key)?.version ?? 0));
    return result;
  };
  return {
    consistency: "eventual",
    read(key) {
      const entry = replica.read(key);
      return entry && { ...entry, version: versions.get(key) ?? 0 };
    },
    create: (key, value, meta) => {
      const version = engine.create(key, value, meta);
      if (version !== undefined) subjects.set(key, meta.subject);
      return version === undefined ? version : written(key, version);
    },
    update: (key, value, meta, expected) => {
      const version = engine.update(key, value, meta, expected);
      if (version !== undefined) subjects.set(key, meta.subject);
      return version === undefined ? version : written(key, version);
    },
    delete: (key, expected) => written(key, engine.delete(key, expected)),
    touch: (key, expiresAt, expected) => written(key, engine.touch(key, expiresAt, expected)),
    keysOf: (subject) => replica.keysOf(subject),
  };
}

test("each test of the suite finds something", async () => {
  const right: MakeStore = ({ clock }) => memoryStore({ clock });
  const everything = { other: true, cut: true };
  const all = [...names(right, everything), ...names(right, { consistency: "eventual" })];
  const useful = new Set(wrongStores.flatMap(({ fails }) => fails));
  expect(wrongStores.length).toBeGreaterThan(60);
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
  around: (name: string, run: () => Promise<void>) => Promise<void> = (_, run) => run(),
): Promise<{ names: string[]; failed: string[] }> {
  const tests = registered(make, capabilities);
  const failed: string[] = [];
  for (const [name, run] of tests) {
    await around(name, run).catch((fault: unknown) => {
      expect(fault).toBeInstanceOf(Error);
      failed.push(name);
    });
  }
  return { names: tests.map(([name]) => name), failed };
}

type Registered = [name: string, run: () => Promise<void>];

function registered(make: MakeStore, capabilities: StoreCapabilities): Registered[] {
  const tests: Registered[] = [];
  testStore("x", make, { test: (name, run) => tests.push([name.replace("x: ", ""), run]), capabilities });
  return tests;
}

function names(make: MakeStore, capabilities: StoreCapabilities): string[] {
  return registered(make, capabilities).map(([name]) => name);
}
