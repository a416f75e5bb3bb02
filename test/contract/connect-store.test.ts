import { createRequire } from "node:module";
import { runInNewContext } from "node:vm";
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
      capabilities: { consistency: "eventual", index: false, sweep: false },
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
    // A minute later, since the clock of another server may be behind
    vi.setSystemTime(start + 3 * hour + 60_001);
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

  test("create() is one call, and looks first only at a key that this process has used", async () => {
    const calls: string[] = [];
    const engine = counting(new MemoryStore(), calls);
    const [store, key, meta] = [connectStore(engine), newKey(), { expiresAt: Date.now() + hour }];
    expect(await store.create(key, "1", meta)).toBeDefined();
    expect(calls.splice(0)).toEqual(["set"]);
    expect(await store.create(key, "2", meta)).toBeUndefined();
    expect(calls.splice(0)).toEqual(["get"]);
  });

  test("touch() is the store's own where a read shows what it did, and a write where it does not", async () => {
    const calls: string[] = [];
    const own = connectStore(counting(new MemoryStore(), calls));
    // As connect-redis, connect-pg-simple and express-mysql-session do: the engine's expiry, not the one in the session.
    const blind = new MemoryStore();
    const silent = connectStore(counting({ ...bound(blind), touch: (_id, _session, done) => done() }, calls));
    const none = connectStore(counting({ ...bound(new MemoryStore()), touch: undefined } as never, calls));
    const ways: [ReturnType<typeof connectStore>, string[], string[]][] = [
      [own, ["get", "touch", "get"], ["get", "touch"]],
      [silent, ["get", "touch", "get", "set"], ["get", "set"]],
      [none, ["get", "set"], ["get", "set"]],
    ];
    for (const [store, first, later] of ways) {
      const [key, expiresAt] = [newKey(), Date.now() + hour];
      const version = (await store.create(key, "x", { expiresAt })) as Version;
      calls.length = 0;
      expect(await store.touch?.(key, expiresAt + hour, version)).toBe(true);
      expect(calls.splice(0)).toEqual(first);
      expect(await store.touch?.(key, expiresAt + 2 * hour, version)).toBe(true);
      expect(calls.splice(0)).toEqual(later);
      expect(await store.read(key)).toEqual({ value: "x", version, expiresAt: expiresAt + 2 * hour });
      expect(await store.update(key, "y", { expiresAt }, version)).toBeDefined();
      expect(await store.read(key)).toMatchObject({ value: "y", expiresAt });
    }
  });

  test("a rejection from another realm's promise is the store's error", async () => {
    const broken = new Error("broken");
    const reject = (): unknown => runInNewContext("Promise.reject(broken)", { broken });
    await expect(connectStore(answering({ get: reject })).read(newKey())).rejects.toBe(broken);
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
          originalMaxAge: hour + 60_000,
          maxAge: hour + 60_000,
          expires: new Date(now + hour + 60_000).toISOString(),
          path: "/",
          httpOnly: true,
          sojournUntil: now + hour,
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

function bound(store: ConnectStore): ConnectStore {
  return { get: store.get.bind(store), set: store.set.bind(store), destroy: store.destroy.bind(store) };
}

/** The same store, which writes down what is called. */
function counting(store: ConnectStore, calls: string[]): ConnectStore {
  return new Proxy(store, {
    get(target, name: keyof ConnectStore) {
      const method = target[name] as ((...args: unknown[]) => unknown) | undefined;
      return (
        method &&
        ((...args: unknown[]) => {
          calls.push(name);
          return method.apply(target, args);
        })
      );
    },
  });
}

function raw(store: ConnectStore, key: string): Promise<unknown> {
  return new Promise(
    (resolve, reject) => void store.get(key, (error, stored) => (error ? reject(error) : resolve(stored))),
  );
}
