import { randomUUID } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createStorage, type Driver, prefixStorage, type Storage } from "unstorage";
import fsDriver from "unstorage/drivers/fs";
import fsLiteDriver from "unstorage/drivers/fs-lite";
import lruDriver from "unstorage/drivers/lru-cache";
import memoryDriver from "unstorage/drivers/memory";
import redisDriver from "unstorage/drivers/redis";
import { afterEach, describe, expect, test, vi } from "vitest";
import type { Version } from "../../src/store.ts";
import { newToken as newKey } from "../../src/stored/token.ts";
import { type UnstorageLike, unstorageStore } from "../../src/stores/unstorage.ts";
import { testStore } from "../../src/testing.ts";
import { describeWith, service } from "../services.ts";
import { mixedRooms } from "../support/rooms.ts";

const hour = 3_600_000;
const capabilities = { consistency: "eventual", touch: false } as const;

afterEach(() => {
  vi.useRealTimers();
});

describe("unstorageStore()", () => {
  const drivers: Record<string, () => Driver> = {
    memory: () => memoryDriver(),
    "lru-cache": () => lruDriver({ max: 10_000 }),
  };
  for (const [name, driver] of Object.entries(drivers)) {
    testStore(
      `unstorageStore(${name})`,
      ({ clock }) => unstorageStore(createStorage({ driver: driver() }), { clock }),
      {
        test,
        capabilities,
      },
    );
  }

  const fileDrivers: Record<string, (base: string) => Driver> = {
    fs: (base) => fsDriver({ base }),
    "fs-lite": (base) => fsLiteDriver({ base }),
  };
  for (const [name, driver] of Object.entries(fileDrivers)) {
    testStore(
      `unstorageStore(${name})`,
      ({ clock }) => {
        const base = newFolder();
        const storage = createStorage({ driver: driver(base) });
        return {
          store: unstorageStore(storage, { clock }),
          dispose: () => storage.dispose().then(() => rmSync(base, { recursive: true })),
        };
      },
      { test, capabilities },
    );
  }

  test("shares a storage under a prefix", async () => {
    const storage = createStorage();
    const [one, two] = ["one", "two"].map((name) => unstorageStore(prefixStorage(storage, name)));
    const [key, meta] = [newKey(), { expiresAt: Date.now() + hour, subject: "anna" }];
    await one?.create(key, "1", meta);
    expect(await two?.read(key)).toBeUndefined();
    expect(await one?.keysOf?.("anna")).toEqual([key]);
    expect(await two?.keysOf?.("anna")).toEqual([]);
    expect(await two?.sweep?.(meta.expiresAt)).toBe(0);
    expect(await one?.sweep?.(meta.expiresAt)).toBe(1);
    expect(await storage.getKeys()).toEqual([]);
  });

  test("prefixes that begin with each other, or are called as its own names are, keep apart", async () => {
    const storage = createStorage();
    const names = ["shop", "shop2", "shop:session", "shop:subject"];
    const rooms = names.map((name) => [name, unstorageStore(prefixStorage(storage, name))] as const);
    expect(await mixedRooms(Object.fromEntries(rooms))).toEqual([]);
  });

  test("create(), update() and delete() are exact among the calls of one process", async () => {
    const base = newFolder();
    const store = unstorageStore(createStorage({ driver: fsDriver({ base }) }));
    const [key, meta] = [newKey(), { expiresAt: Date.now() + hour }];
    const created = await Promise.all(Array.from({ length: 20 }, (_, i) => store.create(key, String(i), meta)));
    expect(created.filter((version) => version !== undefined)).toHaveLength(1);
    const version = (await store.read(key))?.version as Version;
    const updated = await Promise.all(
      Array.from({ length: 20 }, (_, i) => store.update(key, String(i), meta, version)),
    );
    expect(updated.filter((next) => next !== undefined)).toHaveLength(1);
    const [removed, late] = await Promise.all([store.delete(key), store.update(key, "late", meta, version)]);
    expect([removed, late, await store.read(key)]).toEqual([true, undefined, undefined]);
    rmSync(base, { recursive: true });
  });

  test("two stores on one storage are exact among each other", async () => {
    const base = newFolder();
    const storage = createStorage({ driver: fsDriver({ base }) });
    const stores = [unstorageStore(storage), unstorageStore(storage)];
    const [key, meta] = [newKey(), { expiresAt: Date.now() + hour }];
    const created = await Promise.all(stores.map((store) => store.create(key, "x", meta)));
    expect(created.filter((version) => version !== undefined)).toHaveLength(1);
    const version = (await stores[0]?.read(key))?.version as Version;
    const updated = await Promise.all(stores.map((store) => store.update(key, "y", meta, version)));
    expect(updated.filter((next) => next !== undefined)).toHaveLength(1);
    rmSync(base, { recursive: true });
  });

  test("a session that moves to another key while it is listed is listed", async () => {
    const storage = createStorage();
    const [store, key, next] = [unstorageStore(storage), newKey(), newKey()];
    const meta = { expiresAt: Date.now() + hour, subject: "anna" };
    const version = (await store.create(key, "x", meta)) as Version;
    let names = 0;
    const late: UnstorageLike = {
      ...storage,
      async getKeys(prefix) {
        const found = await storage.getKeys(prefix);
        if (++names > 1) return found;
        await store.create(next, "x", meta);
        await store.update(key, "moved", { expiresAt: meta.expiresAt }, version);
        return found;
      },
    };
    expect(await unstorageStore(late).keysOf?.("anna")).toEqual([next]);
  });

  test("values and subjects of any characters come back, lone surrogates too", async () => {
    const base = newFolder();
    const store = unstorageStore(createStorage({ driver: fsDriver({ base }) }));
    const awkward = [
      "",
      "\n",
      "null",
      "123",
      '{"a":1}',
      '{"__proto__":{"x":1}}',
      "\ud800",
      "\udbff",
      "\0\u2028",
      "..",
      "a/b\\c:d?e$",
      "x".repeat(9999),
    ];
    for (const text of awkward) {
      const key = newKey();
      await store.create(key, text, { expiresAt: Date.now() + hour, subject: text });
      expect((await store.read(key))?.value).toBe(text);
      expect(await store.keysOf?.(text)).toEqual([key]);
    }
    rmSync(base, { recursive: true });
  });

  test("read() hands on a damaged value as it is; no version opens it, and create() and delete() may replace it", async () => {
    const base = newFolder();
    const store = unstorageStore(createStorage({ driver: fsDriver({ base }) }));
    const meta = { expiresAt: Date.now() + hour };
    for (const damaged of [
      "",
      "x",
      "{}",
      "[1]",
      "12",
      '{"value":"x","version":"-"',
      '{"value":1,"version":"-","expiresAt":9}',
    ]) {
      const [key, other] = [newKey(), newKey()];
      await store.create(key, "x", meta);
      await store.create(other, "x", meta);
      for (const name of [key, other]) writeFileSync(join(base, "session", name), damaged);
      const entry = await store.read(key);
      expect(entry?.value).toBe(damaged);
      expect(await store.update(key, "y", meta, entry?.version as Version)).toBeUndefined();
      expect(await store.delete(key, entry?.version)).toBe(false);
      expect(await store.sweep?.(Date.now())).toBe(0);
      expect(await store.create(key, "new", meta)).toBeDefined();
      expect((await store.read(key))?.value).toBe("new");
      expect(await store.delete(other)).toBe(true);
      expect(await store.read(other)).toBeUndefined();
    }
    rmSync(base, { recursive: true });
  });

  test("a crash between the name and the session leaves a name that is not listed, and that sweep() removes", async () => {
    const storage = createStorage();
    let writes = 0;
    const dying: UnstorageLike = {
      ...storage,
      setItem: (key, value) => (++writes > 1 ? Promise.reject(new Error("killed")) : storage.setItem(key, value)),
    };
    const meta = { expiresAt: Date.now() + hour, subject: "anna" };
    await expect(unstorageStore(dying).create(newKey(), "x", meta)).rejects.toThrow("killed");
    const store = unstorageStore(storage);
    expect(await store.keysOf?.("anna")).toEqual([]);
    expect(await storage.getKeys()).toHaveLength(1);
    await store.sweep?.(meta.expiresAt);
    expect(await storage.getKeys()).toEqual([]);
  });

  test("a driver that never answers does not lock a key for ever", async () => {
    vi.useFakeTimers();
    const storage = createStorage();
    let silent = true;
    const store = unstorageStore({
      ...storage,
      getItem: (key) => (silent ? new Promise<never>(() => {}) : storage.getItem(key)),
    });
    void store.read("key");
    silent = false;
    const next = store.read("key");
    await vi.advanceTimersByTimeAsync(10_000);
    expect(await next).toBeUndefined();
  });

  test("an error is the driver's own", async () => {
    const base = newFolder();
    writeFileSync(join(base, "session"), "a file where a folder is needed");
    const store = unstorageStore(createStorage({ driver: fsDriver({ base }) }));
    await expect(store.create(newKey(), "x", { expiresAt: Date.now() + hour })).rejects.toMatchObject({
      code: expect.stringMatching(/ENOTDIR|EEXIST/),
    });
    rmSync(base, { recursive: true });
  });

  test("what is not a storage is refused", () => {
    for (const other of [undefined, null, {}, "memory", createStorage]) {
      expect(() => unstorageStore(other as unknown as UnstorageLike)).toThrow(
        /Cannot use this as a storage: pass what createStorage/,
      );
    }
  });
});

describeWith(await service("redis"), "unstorageStore(redis)", () => {
  const base = `sojourn-test:${randomUUID()}`;
  const newStorage = (): Storage =>
    createStorage({ driver: redisDriver({ url: "redis://127.0.0.1:6379", base: `${base}:${randomUUID()}` }) });

  testStore(
    "unstorageStore(redis)",
    ({ clock }) => {
      const storage = newStorage();
      return {
        store: unstorageStore(storage, { clock }),
        dispose: () => storage.clear().then(() => storage.dispose()),
      };
    },
    { test, capabilities },
  );

  test("sessions and names expire by themselves", async () => {
    const storage = newStorage();
    const store = unstorageStore(storage);
    await store.create(newKey(), "x", { expiresAt: Date.now() + hour, subject: "anna" });
    const { getInstance } = storage.getMount().driver as {
      getInstance(): { keys(p: string): Promise<string[]>; ttl(key: string): Promise<number> };
    };
    const keys = await getInstance().keys(`${base}*`);
    expect(keys).toHaveLength(2);
    for (const key of keys) expect(await getInstance().ttl(key)).toBeGreaterThan(3590);
    await storage.clear();
    await storage.dispose();
  });
});

function newFolder(): string {
  return mkdtempSync(join(tmpdir(), "unstorage-"));
}
