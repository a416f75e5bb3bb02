// cspell:ignore evalsha flushall wrongtype zrangebyscore
import { spawnSync } from "node:child_process";
import { randomUUID } from "node:crypto";
import { fileURLToPath } from "node:url";
import { Redis } from "ioredis";
import { createClient, createClientPool, createSentinel } from "redis";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createSessions, type Session } from "../../src/index.ts";
import type { Version } from "../../src/store.ts";
import { digest, newToken as newKey } from "../../src/stored/token.ts";
import { type RedisClient, redisStore } from "../../src/stores/redis.ts";
import { testStore } from "../../src/testing.ts";
import { describeWith, service } from "../services.ts";
import { redisServerProgram, startRedis, startSentinel } from "./redis-server.ts";

const hour = 3_600_000;
/** What Redis keeps everything beyond its end. */
const slack = 60_000;
const url = "redis://127.0.0.1:6379";
/** Of this run alone, and removed after it. */
const run = `sojourn-test:${randomUUID()}:`;

describeWith(await service("redis"), "redisStore()", () => {
  const nodeRedis = createClient({ url }).on("error", () => {});
  const resp3 = createClient({ url, RESP: 3 }).on("error", () => {});
  const pool = createClientPool({ url }).on("error", () => {});
  const ioredis = new Redis(url, { lazyConnect: true });

  beforeAll(async () => {
    await Promise.all([nodeRedis.connect(), resp3.connect(), pool.connect(), ioredis.connect()]);
  });
  afterAll(async () => {
    for await (const keys of nodeRedis.scanIterator({ MATCH: `${run}*`, COUNT: 1000 }))
      if (keys.length > 0) await nodeRedis.unlink(keys);
    nodeRedis.destroy();
    resp3.destroy();
    pool.destroy();
    ioredis.disconnect();
  });

  /** Clients of one test, which may cut them off. */
  const clients: Record<string, () => Promise<{ client: RedisClient; close(): void }>> = {
    "node-redis client": () => opened(nodeRedis.duplicate()),
    "node-redis client with RESP3": () => opened(resp3.duplicate()),
    "node-redis pool": () => opened(createClientPool({ url }, { minimum: 1 })),
    ioredis: async () => {
      const client = ioredis.duplicate();
      await client.connect();
      return { client, close: () => client.disconnect() };
    },
    "object with sendCommand": async () => {
      const { client, close } = await opened(nodeRedis.duplicate());
      return { client: { sendCommand: (args) => client.sendCommand(args) }, close };
    },
  };
  for (const [name, open] of Object.entries(clients)) {
    testStore(
      `redisStore(${name})`,
      async ({ clock }) => {
        const { client, close } = await open();
        const options = { prefix: `${run}${randomUUID()}:`, clock };
        let dispose = close;
        const cut = (): void => {
          close();
          dispose = () => {};
        };
        return {
          store: redisStore(client, options),
          other: redisStore(nodeRedis, options),
          cut,
          dispose: () => dispose(),
        };
      },
      { test, capabilities: { sweep: false, other: true, cut: true } },
    );
  }

  describe("commands", () => {
    test("read() is one GET, and each write is one script", async () => {
      const store = redisStore(nodeRedis, { prefix: run });
      const [key, meta] = [newKey(), { expiresAt: Date.now() + hour, subject: "anna" }];
      let version: Version | undefined;
      await store.create(newKey(), "the server has the scripts from here on", meta);
      await store.touch?.(newKey(), meta.expiresAt, "unknown");
      await store.delete(newKey(), "unknown");

      expect(
        await commandsOf(async () => {
          version = await store.create(key, "1", meta);
        }),
      ).toEqual(["evalsha"]);
      expect(await commandsOf(() => store.read(key))).toEqual(["get"]);
      // A write of a session is a read and an update.
      expect(
        await commandsOf(async () => {
          const entry = await store.read(key);
          version = await store.update(key, "2", meta, entry?.version as Version);
        }),
      ).toEqual(["get", "evalsha"]);
      expect(
        await commandsOf(async () => {
          version = await store.update(key, "3", { ...meta, subject: "bert" }, version as Version);
        }),
      ).toEqual(["evalsha"]);
      expect(await commandsOf(() => store.touch?.(key, meta.expiresAt + hour, version))).toEqual(["evalsha"]);
      expect(await commandsOf(() => store.keysOf?.("bert"))).toEqual(["zrangebyscore"]);
      expect(await commandsOf(() => store.delete(key, version))).toEqual(["evalsha"]);
      expect(await store.keysOf?.("bert")).toEqual([]);
    });

    test("a read of a session costs one command, a write two, an untouched request without a cookie none", async () => {
      const sessions = createSessions<{ n: number }>({ store: redisStore(nodeRedis, { prefix: run }) });
      const visit = async (cookie: string, handler: (session: Session<{ n: number }>) => void): Promise<string> => {
        const handle = sessions.wrap((_request, session) => {
          handler(session);
          return new Response("ok");
        });
        const response = await handle(new Request("https://example.com/", { headers: { cookie } }));
        return response.headers.getSetCookie()[0]?.split(";")[0] ?? cookie;
      };
      const cookie = await visit("", (session) => session.signIn("anna"));
      await visit(cookie, (session) => session.set("n", 1));

      expect(await commandsOf(() => visit(cookie, (session) => session.get("n")))).toEqual(["get"]);
      expect(await commandsOf(() => visit(cookie, (session) => session.update("n", (n = 0) => n + 1)))).toEqual([
        "get",
        "evalsha",
      ]);
      expect(await commandsOf(() => visit("", () => {}))).toEqual([]);
      expect(await commandsOf(() => visit("", (session) => session.set("n", 1)))).toEqual(["evalsha"]);
      expect(await commandsOf(() => visit(cookie, (session) => session.destroy()))).toEqual(["get", "evalsha"]);
    });

    test("a write that the client sends again, because the answer got lost, is accepted once and counted once", async () => {
      const stutter: RedisClient = {
        sendCommand: async (args) => {
          await nodeRedis.sendCommand(args);
          return nodeRedis.sendCommand(args);
        },
      };
      const store = redisStore(stutter, { prefix: run });
      const [key, meta] = [newKey(), { expiresAt: Date.now() + hour, subject: "anna" }];
      const first = await store.create(key, "1", meta);
      expect(first).toBeDefined();
      const second = await store.update(key, "2", meta, first as Version);
      expect(second).toBeDefined();
      expect(await store.read(key)).toMatchObject({ value: "2", version: second });
      expect(await store.update(key, "3", meta, first as Version)).toBeUndefined();
    });

    test("all goes on after SCRIPT FLUSH", async () => {
      const store = redisStore(ioredis, { prefix: run });
      const [key, meta] = [newKey(), { expiresAt: Date.now() + hour }];
      const version = await store.create(key, "1", meta);
      await nodeRedis.sendCommand(["SCRIPT", "FLUSH"]);
      expect(await store.touch?.(key, meta.expiresAt, version)).toBe(true);
      expect(await store.update(key, "2", meta, version as Version)).toBeDefined();
      expect(await store.delete(key)).toBe(true);
    });
  });

  describe("what is left in Redis", () => {
    test("sessions and index expire by themselves, each with the last of what it holds", async () => {
      const prefix = `${run}ttl:`;
      const store = redisStore(nodeRedis, { prefix });
      const [key, other, now] = [newKey(), newKey(), Date.now()];
      const version = await store.create(key, "x", { expiresAt: now + hour, subject: "anna" });
      await store.create(other, "x", { expiresAt: now + 2 * hour, subject: "anna" });
      const [index] = await nodeRedis.keys(`${prefix}subject:*`);
      expect(await nodeRedis.pExpireTime(prefix + key)).toBe(now + hour + slack);
      expect(await nodeRedis.pExpireTime(index as string)).toBe(now + 2 * hour + slack);
      await store.create(newKey(), "x", { expiresAt: now + hour, subject: "anna" });
      expect(await nodeRedis.pExpireTime(index as string)).toBe(now + 2 * hour + slack);
      await store.touch?.(key, now + 3 * hour, version);
      expect(await nodeRedis.pExpireTime(prefix + key)).toBe(now + 3 * hour + slack);
      expect(await nodeRedis.pExpireTime(index as string)).toBe(now + 3 * hour + slack);
    });

    test("a server whose clock is seconds ahead clears away nothing that lives for the others", async () => {
      const [prefix, start] = [`${run}ahead:`, Date.now()];
      const behind = redisStore(nodeRedis, { prefix, clock: () => start });
      const ahead = redisStore(nodeRedis, { prefix, clock: () => start + 30_000 });
      const [key, other] = [newKey(), newKey()];
      const version = await behind.create(key, "x", { expiresAt: start + 20_000, subject: "anna" });
      await ahead.create(other, "x", { expiresAt: start + hour, subject: "anna" });
      expect((await behind.keysOf?.("anna"))?.sort()).toEqual([key, other].sort());
      expect(await ahead.keysOf?.("anna")).toEqual([other]);
      expect(await behind.touch?.(key, start + hour, version)).toBe(true);
      expect((await ahead.keysOf?.("anna"))?.sort()).toEqual([key, other].sort());
      // Redis' own clock is a third one: an entry that ended for it lives on for a clock that is behind.
      const past = redisStore(nodeRedis, { prefix, clock: () => Date.now() - 30_000 });
      const late = newKey();
      await past.create(late, "x", { expiresAt: Date.now() - 10_000 });
      expect(await past.read(late)).toBeDefined();
    });

    test("the index is written before the session: where it cannot be, nothing is", async () => {
      const prefix = `${run}first:`;
      const store = redisStore(nodeRedis, { prefix });
      const [key, fresh, expiresAt] = [newKey(), newKey(), Date.now() + hour];
      const version = (await store.create(key, "1", { expiresAt, subject: "anna" })) as Version;
      const index = (await nodeRedis.keys(`${prefix}subject:*`))[0] as string;
      await nodeRedis.del(index);
      await nodeRedis.set(index, "not a sorted set");
      const before = await nodeRedis.get(prefix + key);
      await expect(store.create(fresh, "1", { expiresAt, subject: "anna" })).rejects.toThrow(/WRONGTYPE/);
      expect(await store.read(fresh)).toBeUndefined();
      await expect(store.update(key, "2", { expiresAt, subject: "anna" }, version)).rejects.toThrow(/WRONGTYPE/);
      await expect(store.touch?.(key, expiresAt + hour, version)).rejects.toThrow(/WRONGTYPE/);
      expect(await nodeRedis.get(prefix + key)).toBe(before);
      expect(await nodeRedis.pExpireTime(prefix + key)).toBe(expiresAt + slack);
    });

    test("a write to a subject's index drops from it what has expired, and a session that leaves its subject leaves nothing", async () => {
      const prefix = `${run}clean:`;
      let now = Date.now();
      const store = redisStore(nodeRedis, { prefix, clock: () => now });
      for (let i = 0; i < 5; i++) await store.create(newKey(), "x", { expiresAt: now + hour, subject: "anna" });
      now += hour + slack;
      const key = newKey();
      const version = await store.create(key, "x", { expiresAt: now + hour, subject: "anna" });
      const [index] = await nodeRedis.keys(`${prefix}subject:*`);
      expect(await nodeRedis.zCard(index as string)).toBe(1);
      await store.update(key, "x", { expiresAt: now + hour }, version as Version);
      expect(await nodeRedis.keys(`${prefix}subject:*`)).toEqual([]);
    });

    test("subjects of any characters are told apart, and none can name another key", async () => {
      const prefix = `${run}hostile:`;
      const store = redisStore(nodeRedis, { prefix });
      const subjects = [
        "",
        " ",
        "*",
        "a",
        "a ",
        "{a}",
        "a:b",
        "a\r\nFLUSHALL\r\n",
        "\0",
        "\ud800",
        "\udbff",
        "é",
        "e\u0301",
        "x".repeat(100_000),
      ];
      const keys = new Map(subjects.map((subject) => [subject, newKey()]));
      for (const [subject, key] of keys) await store.create(key, "x", { expiresAt: Date.now() + hour, subject });
      for (const [subject, key] of keys) expect(await store.keysOf?.(subject)).toEqual([key]);
      expect(await nodeRedis.keys(`${prefix}*`)).toHaveLength(2 * subjects.length);
    });

    test("values of any characters come back, lone surrogates too", async () => {
      const store = redisStore(nodeRedis, { prefix: run });
      for (const value of [
        "",
        "\n",
        "\ud800",
        "a\udc00b\n",
        '"\ud83d"',
        "\ud83d\ude00",
        "\0\u2028\uffff",
        "text\n",
        "x".repeat(1_000_000),
      ]) {
        const key = newKey();
        const version = await store.create(key, value, { expiresAt: Date.now() + hour, subject: "anna" });
        expect((await store.read(key))?.value).toBe(value);
        expect(await store.touch?.(key, Date.now() + 2 * hour, version)).toBe(true);
        expect((await store.read(key))?.value).toBe(value);
        expect(await store.delete(key)).toBe(true);
      }
      expect(await store.keysOf?.("anna")).not.toContain(undefined);
    });

    test("read() hands on a damaged value as it is; no version opens it, and create() and delete() may replace it", async () => {
      const store = redisStore(nodeRedis, { prefix: run });
      const meta = { expiresAt: Date.now() + hour };
      for (const damaged of [
        "",
        "x",
        "{}",
        `${"A".repeat(22)} 00000000000000x1 - - text\nv`,
        `${"A".repeat(22)} ${"9".repeat(16)} - - json\nv`,
      ]) {
        const key = newKey();
        await nodeRedis.set(run + key, damaged);
        const entry = await store.read(key);
        expect(entry?.value).toBe(damaged);
        expect(await store.update(key, "y", meta, entry?.version as Version)).toBeUndefined();
        expect(await store.touch?.(key, meta.expiresAt)).toBe(false);
        expect(await store.delete(key, entry?.version)).toBe(false);
        expect((await store.read(key))?.value).toBe(damaged);
      }
      const events: string[] = [];
      const sessions = createSessions({ store, observe: ({ type }) => events.push(type) });
      const token = newKey();
      await nodeRedis.set(run + digest(token), "x");
      const session = await sessions.load(
        new Request("https://example.com/", { headers: { cookie: `__Host-Http-session=${token}` } }),
      );
      expect([session.isNew, events]).toEqual([true, ["record_rejected"]]);

      const [key, other] = [newKey(), newKey()];
      await nodeRedis.set(run + key, "x");
      await nodeRedis.set(run + other, "x");
      expect(await store.create(key, "new", meta)).toBeDefined();
      expect((await store.read(key))?.value).toBe("new");
      expect(await store.delete(other)).toBe(true);
      expect(await store.read(other)).toBeUndefined();
    });
  });

  describe("errors", () => {
    test("an error of the engine is the client's own", async () => {
      const key = newKey();
      await nodeRedis.hSet(run + key, "a", "b");
      for (const client of [nodeRedis, ioredis]) {
        const store = redisStore(client, { prefix: run });
        await expect(store.read(key)).rejects.toThrow(/WRONGTYPE/);
        await expect(store.create(key, "x", { expiresAt: Date.now() + hour })).rejects.toThrow(/WRONGTYPE/);
      }
    });

    test("a client that is closed rejects, and nothing is left unhandled", async () => {
      const closed = createClient({ url }).on("error", () => {});
      const store = redisStore(closed);
      await expect(store.read(newKey())).rejects.toThrow(/closed/i);
      await expect(store.create(newKey(), "x", { expiresAt: Date.now() + hour, subject: "anna" })).rejects.toThrow(
        /closed/i,
      );
      await expect(store.keysOf?.("anna")).rejects.toThrow(/closed/i);
    });

    test("a prefix that could be taken for something else is refused, with what to write", () => {
      for (const prefix of [
        "a b",
        "é",
        "*",
        "x".repeat(101),
        "",
        "a\n",
        1 as unknown as string,
        null as unknown as string,
      ]) {
        expect(() => redisStore(nodeRedis, { prefix })).toThrow(/Cannot use Redis prefix .*: write 1 to 100 of/s);
      }
    });

    test("a client that answers with callbacks is refused", () => {
      expect(() => redisStore(nodeRedis.legacy() as unknown as RedisClient)).toThrow(/legacy\(\).*without legacy/s);
      // Version 4 of the package, as far as it differs
      const four = { ...nodeRedis, connect() {}, sendCommand() {}, options: { legacyMode: true } };
      expect(() => redisStore(four as unknown as RedisClient)).toThrow(/legacyMode.*client\.v4/s);
    });

    test("no answer is an error, and never an empty store", async () => {
      const meta = { expiresAt: Date.now() + hour, subject: "anna" };
      const silent: Record<string, () => unknown> = {
        "no promise": () => undefined,
        "a promise of nothing": async () => undefined,
        "itself, as a pipeline does": () => ({ exec() {} }),
      };
      for (const [what, answer] of Object.entries(silent)) {
        for (const client of [{ sendCommand: answer }, { call: answer }, { send: answer }]) {
          const store = redisStore(client as unknown as RedisClient);
          const calls: (() => unknown)[] = [
            () => store.read(newKey()),
            () => store.create(newKey(), "x", meta),
            () => store.update(newKey(), "x", meta, "a b c"),
            () => store.touch?.(newKey(), meta.expiresAt, "a"),
            () => store.touch?.(newKey(), meta.expiresAt),
            () => store.delete(newKey(), "a"),
            () => store.delete(newKey()),
            () => store.keysOf?.("anna"),
          ];
          for (const call of calls) {
            await expect(Promise.resolve(call()), what).rejects.toThrow(/^The Redis client answered [A-Z]+ with/);
          }
        }
      }
      const events: unknown[] = [];
      const client = { sendCommand: silent["no promise"] } as unknown as RedisClient;
      const sessions = createSessions({ store: redisStore(client), observe: ({ type }) => events.push(type) });
      const request = new Request("https://example.com/", { headers: { cookie: `__Host-Http-session=${newKey()}` } });
      await expect(sessions.load(request)).rejects.toMatchObject({ code: "store_failed" });
      expect(events).toEqual(["store_failed"]);
    });

    test("what is not a client is refused", () => {
      for (const client of [undefined, null, "redis://127.0.0.1", {}, { get() {} }]) {
        expect(() => redisStore(client as unknown as RedisClient)).toThrow(
          /Cannot use (undefined|null|string|object) as a Redis client/,
        );
      }
    });
  });

  /** What the server was sent meanwhile under this run's prefix, by anybody. */
  async function commandsOf(work: () => unknown): Promise<string[]> {
    const monitor = await ioredis.duplicate().monitor();
    const seen: string[] = [];
    const end = `end of ${randomUUID()}`;
    const done = new Promise<void>((resolve) => {
      monitor.on("monitor", (_time: string, [command = "", ...args]: string[], source: string) => {
        if (args[0] === end) resolve();
        else if (source !== "lua" && args.some((arg) => arg.startsWith(run))) seen.push(command.toLowerCase());
      });
    });
    await work();
    await nodeRedis.sendCommand(["ECHO", end]);
    await done;
    monitor.disconnect();
    return seen;
  }
});

async function opened<Client extends { on(event: "error", listen: () => void): unknown; destroy(): void }>(
  client: Client & { connect(): Promise<unknown> },
): Promise<{ client: Client; close(): void }> {
  client.on("error", () => {});
  await client.connect();
  return { client, close: () => client.destroy() };
}

describeWith([await service("redis"), await service("bun")], "redisStore(RedisClient of Bun)", () => {
  test("keeps the whole contract", async () => {
    const bun = (await service("bun")).path as string;
    const program = fileURLToPath(new URL("redis-bun.ts", import.meta.url));
    const { status, stdout, stderr } = spawnSync(bun, [program, url, `${run}bun:`], {
      encoding: "utf8",
      timeout: 60_000,
    });
    expect({ status, stdout, stderr }).toMatchObject({
      status: 0,
      stdout: expect.stringMatching(/^[1-9]\d+ tests passed\n$/),
    });
  });
});

describeWith(redisServerProgram(), "redisStore() on a server of its own", () => {
  test("rejects while Redis is down and goes on when it is back, with the scripts gone", async () => {
    const server = await startRedis();
    const client = createClient({
      url: `redis://127.0.0.1:${server.port}`,
      disableOfflineQueue: true,
      socket: { reconnectStrategy: 20 },
    });
    client.on("error", () => {});
    await client.connect();
    try {
      const store = redisStore(client);
      const meta = { expiresAt: Date.now() + hour, subject: "anna" };
      expect(await store.create(newKey(), "x", meta)).toBeDefined();
      await server.stop();
      await expect(store.read(newKey())).rejects.toThrow();
      await expect(store.create(newKey(), "x", meta)).rejects.toThrow();
      const request = new Request("https://example.com/", { headers: { cookie: `__Host-Http-session=${newKey()}` } });
      await expect(createSessions({ store }).load(request)).rejects.toMatchObject({
        code: "store_failed",
        cause: expect.any(Error),
      });
      const ready = new Promise((resolve) => client.once("ready", resolve));
      await server.start();
      await ready;
      const key = newKey();
      expect(await store.create(key, "x", meta)).toBeDefined();
      expect(await store.keysOf?.("anna")).toEqual([key]);
    } finally {
      client.destroy();
      await server.stop();
    }
  });

  test("at its maxmemory under noeviction: sessions are read, listed and ended, and a write that needs room fails whole", async () => {
    const server = await startRedis("maxmemory-policy noeviction");
    const client = createClient({ url: `redis://127.0.0.1:${server.port}` }).on("error", () => {});
    await client.connect();
    try {
      const store = redisStore(client);
      const [anna, bert, expiresAt] = [newKey(), newKey(), Date.now() + hour];
      const version = (await store.create(anna, "1", { expiresAt, subject: "anna" })) as Version;
      const other = (await store.create(bert, "1", { expiresAt })) as Version;
      await client.configSet("maxmemory", "1mb");
      const [size, before] = [await client.dbSize(), await Promise.all([store.read(anna), store.read(bert)])];
      for (const subject of ["anna", "new", undefined]) {
        const meta = { expiresAt: expiresAt + hour, ...(subject !== undefined && { subject }) };
        await expect(store.create(newKey(), "2", meta)).rejects.toThrow(/OOM/);
        await expect(store.update(anna, "2", meta, version)).rejects.toThrow(/OOM/);
        await expect(store.update(bert, "2", meta, other)).rejects.toThrow(/OOM/);
      }
      await expect(store.touch?.(anna, expiresAt + hour, version)).rejects.toThrow(/OOM/);
      await expect(store.touch?.(bert, expiresAt + hour, other)).rejects.toThrow(/OOM/);
      expect(await client.dbSize()).toBe(size);
      expect(await Promise.all([store.read(anna), store.read(bert)])).toEqual(before);
      expect(await store.keysOf?.("anna")).toEqual([anna]);
      expect(await store.delete(anna, version)).toBe(true);
      expect(await store.delete(bert)).toBe(true);
      expect(await client.dbSize()).toBe(0);
    } finally {
      client.destroy();
      await server.stop();
    }
  });

  test("keeps the contract's basics over Sentinel", async () => {
    const server = await startRedis();
    const sentinel = await startSentinel(server);
    const client = createSentinel({ name: "main", sentinelRootNodes: [{ host: "127.0.0.1", port: sentinel.port }] }).on(
      "error",
      () => {},
    );
    try {
      await client.connect();
      const store = redisStore(client);
      const [key, meta] = [newKey(), { expiresAt: Date.now() + hour, subject: "anna" }];
      const version = await store.create(key, "1", meta);
      expect(await store.update(key, "2", meta, version as Version)).toBeDefined();
      expect((await store.read(key))?.value).toBe("2");
      expect(await store.keysOf?.("anna")).toEqual([key]);
    } finally {
      client.destroy();
      await sentinel.stop();
      await server.stop();
    }
  });
});
