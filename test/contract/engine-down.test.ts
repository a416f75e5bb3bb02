import { randomBytes } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createClient as createLibsqlClient } from "@libsql/client";
import { Kvm } from "@nats-io/kv";
import { connect } from "@nats-io/transport-node";
import { Redis } from "ioredis";
import { createPool as createMariadbPool } from "mariadb";
import { createPool } from "mysql2/promise";
import { Pool } from "pg";
import postgres from "postgres";
import { createClient } from "redis";
import { describe, expect, test } from "vitest";
import { createSessions, type SessionEvent, type SessionStore } from "../../src/index.ts";
import { mysqlStore } from "../../src/stores/mysql.ts";
import { natsStore } from "../../src/stores/nats.ts";
import { postgresStore } from "../../src/stores/postgres.ts";
import { redisStore } from "../../src/stores/redis.ts";
import { sqliteStore } from "../../src/stores/sqlite.ts";
import { type ServiceName, service, testWith } from "../services.ts";
import { type NetworkProxy, startProxy } from "../support/proxy.ts";

/*
 * With its engine gone a store fails in time and takes nothing with it: not the process, not the user's cookie, not the
 * session. A proxy stands in for the outage, so that the engine that others use stays up.
 */

const own = `sojourn_${randomBytes(6).toString("hex")}`;
const storeTimeout = 400;

interface Opened {
  readonly store: SessionStore;
  close(): unknown;
}

interface Client {
  readonly needs: ServiceName;
  readonly port: number;
  open(port: number): Promise<Opened>;
}

const clients: Record<string, Client> = {
  "redisStore() on node-redis": {
    needs: "redis",
    port: 6379,
    async open(port) {
      const client = createClient({ url: `redis://127.0.0.1:${port}`, socket: { reconnectStrategy: 50 } }).on(
        "error",
        () => {},
      );
      await client.connect();
      return {
        store: redisStore(client, { prefix: `${own}:` }),
        close: () => removeKeys(client).then(() => client.destroy()),
      };
    },
  },
  "redisStore() on ioredis": {
    needs: "redis",
    port: 6379,
    async open(port) {
      const client = new Redis({
        port,
        host: "127.0.0.1",
        autoResendUnfulfilledCommands: false,
        retryStrategy: () => 50,
      });
      client.on("error", () => {});
      return {
        store: redisStore(client, { prefix: `${own}:` }),
        close: () => removeKeys(client).then(() => client.disconnect()),
      };
    },
  },
  "postgresStore() on pg": {
    needs: "postgres",
    port: 5432,
    async open(port) {
      const pool = new Pool({ host: "127.0.0.1", port, user: "postgres", database: "postgres" });
      pool.on("error", () => {});
      const store = postgresStore(pool, { table: own });
      await store.createTable();
      return { store, close: () => pool.query(`DROP TABLE ${own}`).then(() => pool.end()) };
    },
  },
  "postgresStore() on postgres": {
    needs: "postgres",
    port: 5432,
    async open(port) {
      const sql = postgres({ host: "127.0.0.1", port, user: "postgres", database: "postgres", backoff: () => 0.05 });
      const store = postgresStore(sql, { table: own });
      await store.createTable();
      return { store, close: () => sql.unsafe(`DROP TABLE ${own}`).then(() => sql.end({ timeout: 1 })) };
    },
  },
  "mysqlStore() on mysql2": {
    needs: "mariadb",
    port: 3306,
    async open(port) {
      const pool = createPool({ host: "127.0.0.1", port, user: "root", database: "test" });
      const store = mysqlStore(pool, { table: own });
      await store.createTable();
      return { store, close: () => pool.query(`DROP TABLE ${own}`).then(() => pool.end()) };
    },
  },
  "mysqlStore() on mariadb": {
    needs: "mariadb",
    port: 3306,
    async open(port) {
      const pool = createMariadbPool({ host: "127.0.0.1", port, user: "root", database: "test", connectionLimit: 3 });
      const store = mysqlStore(pool, { table: own });
      await store.createTable();
      return { store, close: () => pool.query(`DROP TABLE ${own}`).then(() => pool.end()) };
    },
  },
  "natsStore()": {
    needs: "nats",
    port: 4222,
    async open(port) {
      const servers = `127.0.0.1:${port}`;
      // A server tells its clients where else it is found; these are to stay with the proxy.
      const connection = await connect({
        servers,
        reconnectTimeWait: 50,
        maxReconnectAttempts: -1,
        ignoreClusterUpdates: true,
      });
      const bucket = await new Kvm(connection).create(own, { storage: "memory" as never });
      return { store: natsStore(bucket), close: () => bucket.destroy().then(() => connection.close()) };
    },
  },
};

const outages: Record<string, (proxy: NetworkProxy) => { readonly end: () => void; readonly codes: RegExp }> = {
  "is down": (proxy) => {
    proxy.refuse();
    return { end: proxy.allow, codes: /^store_(failed|timeout)$/ };
  },
  "does not answer": (proxy) => {
    proxy.silence();
    return { end: proxy.speak, codes: /^store_timeout$/ };
  },
};

for (const [name, { needs, port, open }] of Object.entries(clients)) {
  const needed = await service(needs);
  describe(name, () => {
    for (const [what, begin] of Object.entries(outages)) {
      testWith(
        needed,
        `while the engine ${what}: an error in time, no cookie touched, and all as before when it is back`,
        async () => {
          const proxy = await startProxy(port);
          const { store, close } = await open(proxy.port);
          try {
            await expectToOutlive(store, () => begin(proxy));
          } finally {
            await close();
            await proxy.close();
          }
        },
      );
    }
  });
}

describe("sqliteStore() on libsql", () => {
  test("while another process holds the lock: an error in time, no cookie touched, and all as before when it is gone", async () => {
    const folder = mkdtempSync(join(tmpdir(), "sojourn-sqlite-"));
    const url = `file:${join(folder, "sessions.db")}`;
    const [client, other] = [createLibsqlClient({ url }), createLibsqlClient({ url })];
    try {
      const store = sqliteStore(client);
      await store.createTable();
      await expectToOutlive(store, async () => {
        const lock = await other.transaction("write");
        await lock.execute("PRAGMA locking_mode");
        await lock.execute("UPDATE sessions SET version = version");
        return { end: () => void lock.rollback(), codes: /^store_(failed|timeout)$/, readable: true };
      });
    } finally {
      client.close();
      other.close();
      rmSync(folder, { recursive: true });
    }
  });
});

async function removeKeys(client: {
  keys(pattern: string): Promise<string[]>;
  unlink(keys: string[]): Promise<unknown>;
}): Promise<void> {
  const keys = await client.keys(`${own}:*`);
  if (keys.length > 0) await client.unlink(keys);
}

/** `readable`: the outage stops writes only. */
type Outage = { readonly end: () => void; readonly codes: RegExp; readonly readable?: boolean };

async function expectToOutlive(store: SessionStore, begin: () => Outage | Promise<Outage>): Promise<void> {
  const events: SessionEvent[] = [];
  const options = { store, storeTimeout, observe: (event: SessionEvent) => void events.push(event) };
  const [strict, lenient] = [
    createSessions<{ n: number }>(options),
    createSessions<{ n: number }>({ ...options, onStoreFailure: "anonymous" }),
  ];
  let cookie = "";
  async function count(): Promise<number | undefined> {
    let n: number | undefined;
    const handle = strict.wrap((_request, session) => {
      session.update("n", (before = 0) => before + 1);
      n = session.get("n");
      return new Response();
    });
    const response = await handle(ask());
    cookie = response.headers.getSetCookie()[0]?.split(";")[0] ?? cookie;
    return n;
  }
  function ask(): Request {
    return new Request("https://example.com/", { headers: { cookie } });
  }

  expect(await count()).toBe(1);
  const before = cookie;
  const { end, codes, readable } = await begin();
  try {
    const failed = await inTime(
      count().then(
        () => undefined,
        (error: unknown) => error,
      ),
    );
    expect(failed).toMatchObject({ name: "SessionError", code: expect.stringMatching(codes) });
    expect(events).toContainEqual(expect.objectContaining({ type: "store_failed" }));
    // Who goes on without a store gives the visitor a page, and leaves the cookie alone.
    if (!readable) {
      const page = await inTime(
        Promise.resolve(lenient.wrap((_request, session) => new Response(String(session.isNew)))(ask())),
      );
      expect(page.status).toBe(200);
      expect(page.headers.getSetCookie()).toEqual([]);
    }
    expect(cookie).toBe(before);
  } finally {
    end();
  }
  // The write that failed may have arrived: it was not acknowledged, and not refused.
  await expect
    .poll(() => count().catch((error: { code: string }) => error.code), { timeout: 20_000 })
    .toBeTypeOf("number");
  expect(cookie).toBe(before);
  const now = await count();
  expect(now).toBeGreaterThanOrEqual(3);
  expect(await count()).toBe((now as number) + 1);
}

/** Much later than `storeTimeout` counts as never. */
function inTime<T>(work: Promise<T>): Promise<T> {
  return Promise.race([
    work,
    new Promise<never>((_, reject) => setTimeout(() => reject(new Error("It took for ever")), 20 * storeTimeout)),
  ]);
}
