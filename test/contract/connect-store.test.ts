import { createRequire } from "node:module";
import { afterEach, describe, expect, test, vi } from "vitest";
import type { Version } from "../../src/store.ts";
import { newToken as newKey } from "../../src/stored/token.ts";
import { type ConnectStore, connectStore } from "../../src/stores/connect-store.ts";
import { testStore } from "../../src/testing.ts";

const hour = 3_600_000;
// Neither has types of its own.
const require = createRequire(import.meta.url);
const session = require("express-session") as { MemoryStore: new () => ConnectStore };
const createMemoryStore = require("memorystore") as (express: typeof session) => new () => ConnectStore;
const MemoryStore = createMemoryStore(session);

afterEach(() => {
  vi.useRealTimers();
});

describe("connectStore()", () => {
  const stores: Record<string, () => ConnectStore> = {
    "MemoryStore of express-session": () => new session.MemoryStore(),
    memorystore: () => new MemoryStore(),
  };
  for (const [name, make] of Object.entries(stores)) {
    testStore(`connectStore(${name})`, ({ clock }) => connectStore(make(), { clock }), {
      test,
      capabilities: { consistency: "eventual", index: false, touch: false, sweep: false },
    });
  }

  test.each(Object.entries(stores))("%s keeps a session as long as it lives, and not longer", async (_name, make) => {
    vi.useFakeTimers({ toFake: ["Date"] });
    const engine = make();
    const [store, key, start] = [connectStore(engine), newKey(), Date.now()];
    const version = (await store.create(key, "1", { expiresAt: start + hour })) as Version;
    vi.setSystemTime(start + hour - 1);
    expect((await store.read(key))?.value).toBe("1");
    await store.update(key, "2", { expiresAt: start + 3 * hour }, version);
    vi.setSystemTime(start + 3 * hour - 1);
    expect((await store.read(key))?.value).toBe("2");
    vi.setSystemTime(start + 3 * hour + 1);
    expect(await raw(engine, key)).toBeFalsy();
  });

  test("create(), update() and delete() are exact among the calls of one process", async () => {
    const [store, key, meta] = [connectStore(new MemoryStore()), newKey(), { expiresAt: Date.now() + hour }];
    const created = await Promise.all(Array.from({ length: 20 }, (_, i) => store.create(key, String(i), meta)));
    expect(created.filter((version) => version !== undefined)).toHaveLength(1);
    const version = (await store.read(key))?.version as Version;
    const updated = await Promise.all(
      Array.from({ length: 20 }, (_, i) => store.update(key, String(i), meta, version)),
    );
    expect(updated.filter((next) => next !== undefined)).toHaveLength(1);
    const [removed, late] = await Promise.all([store.delete(key), store.update(key, "late", meta, version)]);
    expect([removed, late, await store.read(key)]).toEqual([true, undefined, undefined]);
  });

  test("a store is given what sessions of express-session have", async () => {
    const given: unknown[] = [];
    const engine = answering({
      set(_id, stored, done) {
        given.push(JSON.parse(JSON.stringify(stored)));
        done();
      },
    });
    const now = Date.now();
    await connectStore(engine, { clock: () => now }).create(newKey(), "x", { expiresAt: now + hour });
    expect(given).toEqual([
      {
        cookie: {
          originalMaxAge: hour,
          maxAge: hour,
          expires: new Date(now + hour).toISOString(),
          path: "/",
          httpOnly: true,
        },
        sojourn: { value: "x", version: expect.any(String), expiresAt: now + hour },
      },
    ]);
  });

  test("what is not of our shape is missing", async () => {
    const sojourn = { value: "x", version: "v", expiresAt: Date.now() + hour };
    const shapes = [
      null,
      undefined,
      "",
      "text",
      1,
      [],
      {},
      { cookie: {} },
      { sojourn: null },
      { sojourn: "x" },
      { sojourn: { ...sojourn, value: 1 } },
    ];
    for (const shape of [
      ...shapes,
      { sojourn: { ...sojourn, version: 1 } },
      { sojourn: { ...sojourn, expiresAt: "soon" } },
    ]) {
      const store = connectStore(answering({ get: (_id, done) => done(null, shape) }));
      expect(await store.read(newKey())).toBeUndefined();
      expect(await store.delete(newKey())).toBe(false);
      expect(await store.update(newKey(), "x", { expiresAt: Date.now() + hour }, "v")).toBeUndefined();
    }
    expect(await connectStore(answering({ get: (_id, done) => done(null, { sojourn }) })).read(newKey())).toEqual(
      sojourn,
    );
  });

  test("an ENOENT of get() is a missing session, as express-session takes it", async () => {
    const store = connectStore(
      answering({ get: (_id, done) => done(Object.assign(new Error("no such file"), { code: "ENOENT" })) }),
    );
    expect(await store.read(newKey())).toBeUndefined();
  });

  test("an error of the store is its own, called back, thrown or rejected", async () => {
    const meta = { expiresAt: Date.now() + hour };
    const broken = new Error("broken");
    const ways: ((...args: unknown[]) => unknown)[] = [
      (...args) => (args.at(-1) as (error: unknown) => void)(broken),
      () => {
        throw broken;
      },
      () => Promise.reject(broken),
    ];
    for (const fail of ways) {
      await expect(connectStore(answering({ get: fail })).read(newKey())).rejects.toBe(broken);
      await expect(connectStore(answering({ set: fail })).create(newKey(), "x", meta)).rejects.toBe(broken);
      const sojourn = { value: "x", version: "v", ...meta };
      const engine = answering({ get: (_id, done) => done(null, { sojourn }), destroy: fail });
      await expect(connectStore(engine).delete(newKey())).rejects.toBe(broken);
    }
  });

  test("a store that never calls back does not lock a key for ever", async () => {
    vi.useFakeTimers();
    let silent = true;
    const store = connectStore(answering({ get: (_id, done) => void (silent || done()) }));
    void store.read("key");
    silent = false;
    const next = store.read("key");
    await vi.advanceTimersByTimeAsync(10_000);
    expect(await next).toBeUndefined();
  });

  test("what is not such a store is refused", () => {
    for (const other of [undefined, null, {}, MemoryStore, session]) {
      expect(() => connectStore(other as unknown as ConnectStore)).toThrow(
        /Cannot use this as an express-session store: pass an instance/,
      );
    }
  });
});

/** A store that is empty and takes everything, but for what the test says. */
function answering(methods: Partial<ConnectStore>): ConnectStore {
  return {
    get: (_id, done) => done(),
    set: (_id, _session, done) => done(),
    destroy: (_id, done) => done(),
    ...methods,
  };
}

function raw(store: ConnectStore, key: string): Promise<unknown> {
  return new Promise(
    (resolve, reject) => void store.get(key, (error, stored) => (error ? reject(error) : resolve(stored))),
  );
}
