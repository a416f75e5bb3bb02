import { expect, test } from "vitest";
import type { SessionStore } from "../../src/store.ts";
import { type CachedStoreOptions, cachedStore } from "../../src/stores/cached.ts";
import { memoryStore } from "../../src/stores/memory.ts";
import { type MadeStore, testStore } from "../../src/testing.ts";

/** Each process sees what the other wrote. */
const shared = { test, capabilities: { other: true } };

testStore("cachedStore()", ({ clock }) => two(clock, {}), shared);

testStore(
  "cachedStore() with copies that last long",
  ({ clock }) => two(clock, { staleness: 100 * 3_600_000 }),
  shared,
);

testStore("cachedStore() with a slow near store", ({ clock }) => two(clock, {}, slow), shared);

const key = "k".repeat(43);

test("a read is answered from the near copy, for as long as staleness says and no longer", async () => {
  const { here, reads, forward, expiresAt } = twoProcesses();
  await here.create(key, "x", { expiresAt });
  for (let i = 0; i < 3; i++) expect((await here.read(key))?.value).toBe("x");
  expect(reads()).toBe(1);
  forward(999);
  await here.read(key);
  expect(reads()).toBe(1);
  forward(1);
  await here.read(key);
  expect(reads()).toBe(2);
});

test("a logout elsewhere is final here after staleness", async () => {
  const { here, elsewhere, forward, expiresAt } = twoProcesses();
  await here.create(key, "x", { expiresAt });
  await here.read(key);
  await elsewhere.delete(key);
  expect(await here.read(key)).toBeDefined();
  forward(1000);
  expect(await here.read(key)).toBeUndefined();
});

test.each<[string, (store: SessionStore, version: number) => unknown]>([
  ["update()", (store, version) => store.update(key, "mine", { expiresAt: Date.now() + 60_000 }, version)],
  ["touch()", (store, version) => store.touch?.(key, Date.now() + 60_000, version)],
  ["delete()", (store, version) => store.delete(key, version)],
])("a refused %s makes the next read see what is there", async (_, write) => {
  const { here, elsewhere, expiresAt } = twoProcesses();
  const version = (await here.create(key, "old", { expiresAt })) as number;
  await here.read(key);
  await elsewhere.update(key, "new", { expiresAt }, version);
  expect((await here.read(key))?.value).toBe("old");
  await write(here, version);
  expect((await here.read(key))?.value).toBe("new");
});

test("that nothing is there is not remembered", async () => {
  const { here, elsewhere, expiresAt } = twoProcesses();
  expect(await here.read(key)).toBeUndefined();
  await elsewhere.create(key, "x", { expiresAt });
  expect((await here.read(key))?.value).toBe("x");
});

test("a read that a write of this process overtook leaves no copy", async () => {
  const far = memoryStore();
  let release = () => {};
  const held = new Promise<void>((resolve) => {
    release = resolve;
  });
  let hold = true;
  const here = cachedStore(memoryStore(), {
    ...far,
    async read(key) {
      const entry = far.read(key);
      if (hold) await held;
      return entry;
    },
  });
  const meta = { expiresAt: Date.now() + 60_000 };
  const version = far.create(key, "old", meta) as number;
  const late = here.read(key);
  await Promise.resolve();
  await here.update(key, "new", meta, version);
  hold = false;
  release();
  expect((await late)?.value).toBe("old");
  expect((await here.read(key))?.value).toBe("new");
});

test.each([0, -1, Number.NaN, Number.POSITIVE_INFINITY])("staleness cannot be %d", (staleness) => {
  expect(() => cachedStore(memoryStore(), memoryStore(), { staleness })).toThrow(RangeError);
});

/** Two processes with copies of their own. */
function two(clock: () => number, options: CachedStoreOptions, pace = (store: SessionStore) => store): MadeStore {
  const far = pace(memoryStore({ clock }));
  const cached = (): SessionStore => cachedStore(pace(memoryStore({ clock })), far, { clock, ...options });
  return { store: cached(), other: cached() };
}

function twoProcesses() {
  let now = Date.now();
  let count = 0;
  const clock = () => now;
  const far = memoryStore({ clock });
  const read = (key: string) => {
    count++;
    return far.read(key);
  };
  return {
    here: cachedStore(memoryStore({ clock }), { ...far, read }, { clock }),
    elsewhere: far as SessionStore,
    reads: () => count,
    forward: (ms: number) => (now += ms),
    expiresAt: now + 60_000,
  };
}

/** The same store, answering later. */
function slow(store: SessionStore): SessionStore {
  const later = async <T>(value: T): Promise<T> => {
    for (let i = 0; i < 5; i++) await Promise.resolve();
    return value;
  };
  return {
    read: async (...args) => later(await store.read(...args)),
    create: async (...args) => later(await store.create(...args)),
    update: async (...args) => later(await store.update(...args)),
    delete: async (...args) => later(await store.delete(...args)),
    touch: async (...args) => later((await store.touch?.(...args)) ?? false),
    keysOf: async (...args) => later((await store.keysOf?.(...args)) ?? []),
    sweep: async (...args) => later((await store.sweep?.(...args)) ?? 0),
  };
}
