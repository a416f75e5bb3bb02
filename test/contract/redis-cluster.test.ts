// cspell:ignore evalsha
import { randomUUID } from "node:crypto";
import { Cluster, Redis } from "ioredis";
import { createCluster } from "redis";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { SessionStore, Version } from "../../src/store.ts";
import { newToken as newKey } from "../../src/stored/token.ts";
import { type RedisClient, redisStore } from "../../src/stores/redis.ts";
import { testStore } from "../../src/testing.ts";
import { describeWith } from "../services.ts";
import { redisServerProgram, startRedisCluster } from "./redis-server.ts";

const hour = 3_600_000;

const program = redisServerProgram();
const servers = program.available ? await startRedisCluster() : undefined;
const nodes = servers?.ports.map((port) => ({ host: "127.0.0.1", port })) ?? [];
afterAll(() => servers?.stop());

describeWith(program, "redisStore() on a cluster of three", () => {
  const nodeRedis = createCluster({
    rootNodes: nodes.map(({ host, port }) => ({ url: `redis://${host}:${port}` })),
  }).on("error", () => {});
  const ioredis = new Cluster(nodes, { lazyConnect: true });
  beforeAll(async () => {
    await nodeRedis.connect();
    await ioredis.connect();
  });
  afterAll(() => {
    nodeRedis.destroy();
    ioredis.disconnect();
  });

  const clients: Record<string, RedisClient> = {
    "node-redis cluster": nodeRedis,
    "ioredis Cluster": ioredis,
    "object with sendCommand and isCluster": {
      isCluster: true,
      sendCommand: ([command = "", ...args]) => ioredis.call(command, ...args),
    },
  };
  for (const [name, client] of Object.entries(clients)) {
    const makeStore = ({ clock }: { clock: () => number }): SessionStore =>
      redisStore(client, { prefix: `${randomUUID()}:`, clock });
    testStore(`redisStore(${name})`, makeStore, { test, capabilities: { sweep: false } });
    const inOneSlot = ({ clock }: { clock: () => number }): SessionStore =>
      redisStore(client, { prefix: `{${randomUUID()}}:`, clock });
    testStore(`redisStore(${name}) with a hash tag`, inOneSlot, { test, capabilities: { sweep: false } });
  }

  test("sessions are spread over all three nodes", async () => {
    const store = redisStore(nodeRedis, { prefix: "spread:" });
    for (let i = 0; i < 60; i++) await store.create(newKey(), "x", { expiresAt: Date.now() + hour, subject: "anna" });
    for (const { port } of nodes) expect((await on(port, (node) => node.keys("spread:*"))).length).toBeGreaterThan(0);
    expect(await store.keysOf?.("anna")).toHaveLength(60);
  });

  describe("between the index and the session", () => {
    /** A client whose process dies before its nth script. */
    function dying(nth: number): RedisClient {
      let scripts = 0;
      return {
        isCluster: true,
        sendCommand: async ([command = "", ...args]) => {
          if (command === "EVALSHA" && ++scripts >= nth) throw new Error("killed");
          return ioredis.call(command, ...args);
        },
      };
    }

    test("a crash of create() leaves a name that is not listed, and expires", async () => {
      const prefix = `${randomUUID()}:`;
      const [store, key, expiresAt] = [redisStore(ioredis, { prefix }), newKey(), Date.now() + hour];
      await store.create(newKey(), "x", { expiresAt, subject: "warm up" });
      await expect(redisStore(dying(2), { prefix }).create(key, "x", { expiresAt, subject: "anna" })).rejects.toThrow(
        "killed",
      );
      expect(await store.keysOf?.("anna")).toEqual([]);
      expect(await store.read(key)).toBeUndefined();
      const created = await store.create(key, "y", { expiresAt });
      expect(await store.keysOf?.("anna")).toEqual([]);
      expect(await store.update(key, "z", { expiresAt, subject: "anna" }, created as Version)).toBeDefined();
      expect(await store.keysOf?.("anna")).toEqual([key]);
    });

    test("a crash of update() leaves the session listed where it was", async () => {
      const prefix = `${randomUUID()}:`;
      const [store, key, expiresAt] = [redisStore(ioredis, { prefix }), newKey(), Date.now() + hour];
      const version = (await store.create(key, "x", { expiresAt, subject: "anna" })) as Version;
      await expect(
        redisStore(dying(2), { prefix }).update(key, "y", { expiresAt, subject: "bert" }, version),
      ).rejects.toThrow("killed");
      expect(await store.keysOf?.("anna")).toEqual([key]);
      expect(await store.keysOf?.("bert")).toEqual([]);
    });

    test("a refused update() with a sooner expiry does not take a live session out of the index", async () => {
      const prefix = `${randomUUID()}:`;
      let now = Date.now();
      const [store, key] = [redisStore(ioredis, { prefix, clock: () => now }), newKey()];
      const first = (await store.create(key, "1", { expiresAt: now + hour, subject: "anna" })) as Version;
      await store.update(key, "2", { expiresAt: now + 5 * hour, subject: "anna" }, first);
      expect(await store.update(key, "late", { expiresAt: now + hour, subject: "anna" }, first)).toBeUndefined();
      now += 2 * hour;
      await store.create(newKey(), "x", { expiresAt: now + hour, subject: "bert" });
      expect(await store.keysOf?.("anna")).toEqual([key]);
    });

    test("a session that moves to another key while it is listed is listed", async () => {
      const prefix = `${randomUUID()}:`;
      const [store, key, next] = [redisStore(ioredis, { prefix }), newKey(), newKey()];
      const meta = { expiresAt: Date.now() + hour, subject: "anna" };
      const version = (await store.create(key, "x", meta)) as Version;
      let moved = false;
      const late: RedisClient = {
        isCluster: true,
        sendCommand: async ([command = "", ...args]) => {
          if (command === "GETRANGE" && !moved) {
            moved = true;
            await store.create(next, "x", meta);
            await store.update(key, "moved", { expiresAt: meta.expiresAt }, version);
          }
          return ioredis.call(command, ...args);
        },
      };
      expect(await redisStore(late, { prefix }).keysOf?.("anna")).toEqual([next]);
    });

    test("what a session left behind is removed", async () => {
      const prefix = `${randomUUID()}:`;
      const [store, key, expiresAt] = [redisStore(nodeRedis, { prefix }), newKey(), Date.now() + hour];
      let version = (await store.create(key, "1", { expiresAt, subject: "anna" })) as Version;
      for (const subject of ["bert", "anna", "carl"])
        version = (await store.update(key, "2", { expiresAt, subject }, version)) as Version;
      await store.update(key, "ended", { expiresAt }, version);
      await expect.poll(() => indexes(prefix)).toEqual([]);
    });
  });

  async function indexes(prefix: string): Promise<string[]> {
    return (await Promise.all(nodes.map(({ port }) => on(port, (node) => node.keys(`${prefix}subject:*`))))).flat();
  }

  async function on<T>(port: number, work: (node: Redis) => Promise<T>): Promise<T> {
    const node = new Redis(port, "127.0.0.1");
    try {
      return await work(node);
    } finally {
      node.disconnect();
    }
  }
});
