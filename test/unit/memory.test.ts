import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { createTextHash } from "../../src/stores/memory/text-hash.ts";
import { type MemoryStore, memoryStore } from "../../src/stores/memory.ts";

const lifetime = 60_000;
let now = 0;
const clock = () => now;
const warn = vi.spyOn(console, "warn").mockImplementation(() => {});

beforeEach(() => {
  now = 1_763_850_000_000;
});
afterEach(() => warn.mockClear());

describe("memoryStore() when it is full", () => {
  test("drops the least recently used entry, where reading, updating and touching are use", () => {
    const store = filled(4, 4);
    store.read("0");
    store.update("1", "x", { expiresAt: now + lifetime }, store.read("1")?.version ?? 0);
    store.touch("2", now + lifetime);
    add(store, "4");
    expect(keys(store, 5)).toEqual(["0", "1", "2", "4"]);
    add(store, "5");
    expect(keys(store, 6)).toEqual(["1", "2", "4", "5"]);
  });

  test("keeps the exact order of use over many operations", () => {
    const limit = 1500;
    const store = memoryStore({ maxEntries: limit, clock });
    const order: string[] = [];
    let seed = 1;
    for (let i = 0; i < 20_000; i++) {
      seed = (seed * 48_271) % 2_147_483_647;
      const key = String(seed % 3000);
      const place = order.indexOf(key);
      if (place >= 0) order.splice(place, 1);
      if (place >= 0 && seed % 7 === 0) store.delete(key);
      else {
        order.push(key);
        expect(store.read(key) !== undefined).toBe(place >= 0);
        if (place < 0) add(store, key);
        if (order.length > limit) order.shift();
      }
    }
    expect(store.size).toBe(order.length);
    expect(order.filter((key) => store.read(key) === undefined)).toEqual([]);
  });

  test("drops an expired entry rather than a live one that was used longer ago", () => {
    const store = memoryStore({ maxEntries: 3, clock });
    add(store, "old but alive", 10 * lifetime);
    add(store, "expired");
    add(store, "alive", 10 * lifetime);
    now += lifetime;
    add(store, "new");
    expect(["old but alive", "expired", "alive", "new"].map((key) => store.read(key) !== undefined)).toEqual([
      true,
      false,
      true,
      true,
    ]);
    expect(warn).not.toHaveBeenCalled();
  });

  test("says so once", () => {
    filled(4, 10);
    expect(warn).toHaveBeenCalledOnce();
    expect(warn.mock.calls[0]?.[0]).toMatch(/limit of 4 entries.*Raise maxEntries/);
  });

  test("takes what it drops out of the index", () => {
    const store = memoryStore({ maxEntries: 1, clock });
    store.create("a", "x", { expiresAt: now + lifetime, subject: "anna" });
    add(store, "b");
    expect(store.keysOf("anna")).toEqual([]);
  });

  test("works with room for a single entry", () => {
    const store = filled(1, 3);
    expect(keys(store, 3)).toEqual(["2"]);
    expect(store.size).toBe(1);
  });
});

describe("memoryStore() and what has expired", () => {
  test("is rid of it all when as many writes went by as half the entries, without any timer", () => {
    const timers = [vi.spyOn(globalThis, "setTimeout"), vi.spyOn(globalThis, "setInterval")];
    const store = filled(10_000, 2000);
    now += lifetime;
    for (let i = 0; i < 1001; i++) store.delete("unknown");
    expect(store.size).toBe(0);
    for (const timer of timers) {
      expect(timer).not.toHaveBeenCalled();
      timer.mockRestore();
    }
  });

  test("drops no more than two entries in one write", () => {
    const store = filled(10_000, 2000);
    now += lifetime;
    for (let left = 2000; left > 1990; ) {
      add(store, `new ${left}`, 10 * lifetime);
      const dropped = left + 1 - store.size;
      expect(dropped).toBeLessThanOrEqual(2);
      left = store.size;
    }
  });

  test("finds it behind entries that live on", () => {
    const store = memoryStore({ clock });
    for (let i = 0; i < 100; i++) add(store, `stays ${i}`, 10 * lifetime);
    for (let i = 0; i < 100; i++) add(store, `goes ${i}`);
    now += lifetime;
    for (let i = 0; i < 101; i++) store.delete("unknown");
    expect(store.size).toBe(100);
  });

  test("uses freed places again for other entries", () => {
    const store = memoryStore({ clock });
    for (let round = 0; round < 5; round++) {
      for (let i = 0; i < 1500; i++)
        store.create(`${round} ${i}`, `value ${round} ${i}`, { expiresAt: now + lifetime, subject: `${i % 7}` });
      now += lifetime - 1;
      expect(store.read(`${round} 1234`)?.value).toBe(`value ${round} 1234`);
      expect(store.keysOf("3").length).toBe(Math.ceil((1500 - 3) / 7));
      now += 1;
    }
  });
});

test("a memoryStore() answers without promises", async () => {
  const store = memoryStore({ clock });
  const version = store.create("a", "x", { expiresAt: now + lifetime, subject: "anna" });
  expect(version).toEqual(expect.any(Number));
  expect(store.read("a")).toEqual({ value: "x", version, expiresAt: now + lifetime });
  expect(store.touch("a", now + 2)).toBe(true);
  expect(store.keysOf("anna")).toEqual(["a"]);
  expect(store.delete("a")).toBe(true);
  expect(await store.sweep(now)).toBe(0);
});

test("a memoryStore() under faked timers sweeps to its end, and asks the time that is faked", async () => {
  const store = memoryStore();
  vi.useFakeTimers({ now: 1_000_000 });
  try {
    for (let key = 0; key < 5_000; key++) store.create(`key ${key}`, "x", { expiresAt: 1_000_100 });
    vi.setSystemTime(1_000_100);
    expect(store.read("key 1")).toBeUndefined();
    expect(await store.sweep(Date.now())).toBeGreaterThan(1_000);
  } finally {
    vi.useRealTimers();
  }
});

test("a memoryStore() lets others have their turn while it sweeps", async () => {
  const store = memoryStore({ clock });
  for (let i = 0; i < 10_000; i++) store.create(String(i), "x", { expiresAt: now + (i % 2 ? 1 : lifetime) });
  now += 1;
  let turns = 0;
  let next = setImmediate(function turn() {
    turns++;
    next = setImmediate(turn);
  });
  expect(await store.sweep(now)).toBe(5_000);
  clearImmediate(next);
  expect(turns).toBeGreaterThan(1);
  expect(store.size).toBe(5_000);
});

test("a memoryStore() tells subjects and keys apart that end alike", () => {
  const store = memoryStore({ clock });
  for (let i = 0; i < 3000; i++)
    store.create(`${i}@example.com`, String(i), { expiresAt: now + lifetime, subject: `${i}@example.com` });
  for (let i = 0; i < 3000; i++) expect(store.keysOf(`${i}@example.com`)).toEqual([`${i}@example.com`]);
  expect(store.read("x@example.com")).toBeUndefined();
});

test.each([0, -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY])("maxEntries cannot be %d", (maxEntries) => {
  expect(() => memoryStore({ maxEntries })).toThrow(
    new RangeError(`maxEntries must be a whole number above 0, not ${maxEntries}`),
  );
});

test("the clock must be a function", () => {
  expect(() => memoryStore({ clock: "now" as never })).toThrow(TypeError);
});

function filled(maxEntries: number, count: number): MemoryStore {
  const store = memoryStore({ maxEntries, clock });
  for (let i = 0; i < count; i++) add(store, String(i));
  return store;
}

function add(store: MemoryStore, key: string, time = lifetime): void {
  store.create(key, key, { expiresAt: now + time });
}

function keys(store: MemoryStore, count: number): string[] {
  return Array.from({ length: count }, (_, i) => String(i)).filter((key) => store.touch(key, now + lifetime));
}

test("no choice of keys makes it slow: those that end, or begin, alike are spread over the buckets", () => {
  for (const keyOf of [(n: number) => `${n}${"x".repeat(40)}`, (n: number) => `${"x".repeat(40)}${n}`]) {
    const table = new Map<number, number>();
    const hash = createTextHash();
    for (let n = 0; n < 20_000; n++) {
      const bucket = hash(keyOf(n)) & 0x7fff;
      table.set(bucket, (table.get(bucket) ?? 0) + 1);
    }
    expect(Math.max(...table.values())).toBeLessThan(20);
  }
  const store = memoryStore({ clock });
  for (let n = 0; n < 20_000; n++) add(store, `${n}-the-same-8`);
  expect(store.read("19999-the-same-8")).toBeDefined();
});

describe("memoryStore({ shared })", () => {
  test("is one store for all calls of its name in the process, another copy of the module included", async () => {
    const one = memoryStore({ shared: "one", clock });
    one.create("key", "value", { expiresAt: now + lifetime });
    vi.resetModules();
    const copy = await import("../../src/stores/memory.ts");
    expect(copy.memoryStore).not.toBe(memoryStore);
    expect(copy.memoryStore({ shared: "one" }).read("key")?.value).toBe("value");
    expect(copy.memoryStore({ shared: "constructor", clock }).read("key")).toBe(undefined);
    expect(memoryStore({ clock }).read("key")).toBe(undefined);
  });

  test.each(["", 1, {}])("refuses %j", (shared) => {
    expect(() => memoryStore({ shared: shared as string })).toThrow(/shared must be a name/);
  });
});
