import { randomBytes } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createClient as createLibsqlClient } from "@libsql/client";
import { Kvm } from "@nats-io/kv";
import { connect } from "@nats-io/transport-node";
import { Cluster } from "ioredis";
import { createPool } from "mysql2/promise";
import { Pool } from "pg";
import { createClient } from "redis";
import { createStorage } from "unstorage";
import fsDriver from "unstorage/drivers/fs";
import { expect, test } from "vitest";
import { memoryStore, prefixedStore, type SessionStore } from "../../src/index.ts";
import { mysqlStore } from "../../src/stores/mysql.ts";
import { natsStore } from "../../src/stores/nats.ts";
import { postgresStore } from "../../src/stores/postgres.ts";
import { redisStore } from "../../src/stores/redis.ts";
import { sqliteStore } from "../../src/stores/sqlite.ts";
import { unstorageStore } from "../../src/stores/unstorage.ts";
import { describeWith, type Service, service } from "../services.ts";
import { listWhileChurning, revokeWhileChurning } from "../support/index-churn.ts";
import { redisServerProgram, startRedisCluster } from "./redis-server.ts";

/*
 * A list of a user's sessions that leaves out a live one keeps an intruder signed in after "sign out everywhere". So
 * every index is listed while sessions come and go.
 */

const own = `sojourn_${randomBytes(6).toString("hex")}`;

interface Opened {
  readonly store: SessionStore;
  close(): unknown;
}

const engines: Record<string, { needs: Service | readonly Service[]; open(): Opened | Promise<Opened> }> = {
  "memoryStore()": { needs: [], open: () => ({ store: memoryStore(), close() {} }) },
  "prefixedStore()": { needs: [], open: () => ({ store: prefixedStore(memoryStore(), "shop"), close() {} }) },
  "redisStore()": {
    needs: await service("redis"),
    async open() {
      const client = await createClient({ url: "redis://127.0.0.1:6379" })
        .on("error", () => {})
        .connect();
      async function close(): Promise<void> {
        for await (const keys of client.scanIterator({ MATCH: `${own}:*`, COUNT: 1000 }))
          if (keys.length > 0) await client.unlink(keys);
        client.destroy();
      }
      return { store: redisStore(client, { prefix: `${own}:` }), close };
    },
  },
  "redisStore() on a cluster": {
    needs: redisServerProgram(),
    async open() {
      const servers = await startRedisCluster();
      const client = new Cluster(servers.ports.map((port) => ({ host: "127.0.0.1", port })));
      return { store: redisStore(client), close: () => servers.stop().then(() => client.disconnect()) };
    },
  },
  "postgresStore()": {
    needs: await service("postgres"),
    async open() {
      const pool = new Pool({ host: "127.0.0.1", user: "postgres", database: "postgres" });
      const store = postgresStore(pool, { table: own });
      await store.createTable();
      return { store, close: () => pool.query(`DROP TABLE ${own}`).then(() => pool.end()) };
    },
  },
  "mysqlStore()": {
    needs: await service("mariadb"),
    async open() {
      const pool = createPool({ host: "127.0.0.1", user: "root", database: "test" });
      const store = mysqlStore(pool, { table: own });
      await store.createTable();
      return { store, close: () => pool.query(`DROP TABLE ${own}`).then(() => pool.end()) };
    },
  },
  "sqliteStore() on libsql": {
    needs: [],
    async open() {
      const folder = mkdtempSync(join(tmpdir(), "sojourn-sqlite-"));
      const client = createLibsqlClient({ url: `file:${join(folder, "sessions.db")}` });
      await client.execute("PRAGMA synchronous = OFF");
      const store = sqliteStore(client);
      await store.createTable();
      return {
        store,
        close() {
          client.close();
          rmSync(folder, { recursive: true });
        },
      };
    },
  },
  "natsStore()": {
    needs: await service("nats"),
    async open() {
      const connection = await connect({ servers: "127.0.0.1:4222" });
      const bucket = await new Kvm(connection).create(own, { storage: "memory" as never });
      return { store: natsStore(bucket), close: () => bucket.destroy().then(() => connection.close()) };
    },
  },
  "unstorageStore() in memory": {
    needs: [],
    open: () => ({ store: unstorageStore(createStorage()), close() {} }),
  },
  "unstorageStore() on files": {
    needs: [],
    open() {
      const base = mkdtempSync(join(tmpdir(), "unstorage-"));
      const storage = createStorage({ driver: fsDriver({ base }) });
      const close = (): Promise<void> => storage.dispose().then(() => rmSync(base, { recursive: true }));
      return { store: unstorageStore(storage), close };
    },
  },
};

for (const [name, { needs, open }] of Object.entries(engines)) {
  describeWith(needs, name, () => {
    test("a listing has every lasting session while others come, go and move", async () => {
      const { store, close } = await open();
      try {
        expect((await listWhileChurning(store)).faults).toEqual([]);
      } finally {
        await close();
      }
    });

    test("revokeAll() ends every lasting session while others come, go and move", async () => {
      const { store, close } = await open();
      try {
        expect(await revokeWhileChurning(store)).toEqual([]);
      } finally {
        await close();
      }
    });
  });
}
