import { randomBytes } from "node:crypto";
import { createConnection } from "mysql2/promise";
import { Pool } from "pg";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createSessions } from "../../src/index.ts";
import { type ConnectStore, connectStore } from "../../src/stores/connect-store.ts";
import { type RedisClient, redisStore } from "../../src/stores/redis.ts";
import { testStore } from "../../src/testing.ts";
import { describeWith, fromBridgedStores, type Service, service } from "../services.ts";

/*
 * Stores of express-session on real engines behind connectStore(), and a client of Redis as it was before: from a folder
 * of their own, `npm ci --prefix test/bridged-stores`.
 */

const own = `sojourn_${randomBytes(6).toString("hex")}`;
const capabilities = { consistency: "eventual", index: false, sweep: false } as const;
const hour = 3_600_000;

const bridged = await service("bridged-stores");

interface Engine {
  readonly needs: Service;
  open(): Promise<{ store: ConnectStore; clear(): Promise<unknown>; close(): Promise<unknown> }>;
}

const engines: Record<string, Engine> = {
  "connect-pg-simple": {
    needs: await service("postgres"),
    async open() {
      const PgStore = fromBridgedStores("connect-pg-simple")(fromBridgedStores("express-session"));
      const pool = new Pool({ host: "127.0.0.1", user: "postgres", database: "postgres" });
      const store = new PgStore({ pool, tableName: own, createTableIfMissing: true, pruneSessionInterval: false });
      return {
        store,
        clear: () => pool.query(`DELETE FROM ${own}`).catch(() => {}),
        close: () => pool.query(`DROP TABLE IF EXISTS ${own}`).then(() => pool.end()),
      };
    },
  },
  "express-mysql-session": {
    needs: await service("mariadb"),
    async open() {
      const MysqlStore = fromBridgedStores("express-mysql-session")(fromBridgedStores("express-session"));
      const admin = await createConnection({ host: "127.0.0.1", user: "root", database: "test" });
      const schema = { tableName: own };
      const store = new MysqlStore({ host: "127.0.0.1", user: "root", database: "test", clearExpired: false, schema });
      await store.onReady();
      return {
        store,
        clear: () => admin.query(`DELETE FROM ${own}`),
        close: async () => {
          await admin.query(`DROP TABLE IF EXISTS ${own}`);
          await admin.end();
          await store.close();
        },
      };
    },
  },
};

for (const [name, { needs, open }] of Object.entries(engines)) {
  describeWith([bridged, needs], `connectStore(${name})`, () => {
    let opened: Awaited<ReturnType<Engine["open"]>>;
    beforeAll(async () => {
      opened = await open();
    });
    afterAll(() => opened?.close());

    testStore(
      "contract",
      async ({ clock }) => {
        await opened.clear();
        return connectStore(opened.store, { clock });
      },
      { test, capabilities },
    );

    test("a session that is touched and nothing else lives on, although the store's own touch is not seen by a read", async () => {
      let now = Date.now();
      const clock = (): number => now;
      const store = connectStore(opened.store, { clock });
      const sessions = createSessions({ store, clock, lifetime: { idle: 3_600, absolute: 86_400, touchEvery: 60 } });
      const signIn = sessions.wrap((_request, session) => {
        session.signIn("anna");
        return new Response();
      });
      const cookie = (await signIn(new Request("https://example.com/"))).headers.getSetCookie()[0]?.split(";")[0] ?? "";
      const look = sessions.wrap((_request, session) => new Response(session.subject ?? "nobody"));
      for (let visit = 0; visit < 4; visit++) {
        now += 0.75 * hour;
        const response = await look(new Request("https://example.com/", { headers: { cookie } }));
        expect(await response.text()).toBe("anna");
      }
    });
  });
}

describeWith([bridged, await service("redis")], "redis 4", () => {
  test("a client in legacyMode is refused, and its v4 is taken", async () => {
    const { createClient } = fromBridgedStores("redis");
    const client = createClient({ url: "redis://127.0.0.1:6379", legacyMode: true });
    client.on("error", () => {});
    await client.connect();
    try {
      expect(() => redisStore(client as RedisClient)).toThrow(/legacyMode.*client\.v4/s);
      const store = redisStore(client.v4 as RedisClient, { prefix: `${own}:` });
      const version = await store.create("key", "x", { expiresAt: Date.now() + hour });
      expect((await store.read("key"))?.value).toBe("x");
      expect(await store.delete("key", version)).toBe(true);
    } finally {
      await client.disconnect();
    }
  });
});
