import { randomBytes } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createClient as createLibsqlClient } from "@libsql/client";
import { type KV, Kvm } from "@nats-io/kv";
import { connect, type NatsConnection } from "@nats-io/transport-node";
import { createPool } from "mysql2/promise";
import { Pool } from "pg";
import { createClient } from "redis";
import { afterAll, beforeAll, vi } from "vitest";
import { memoryStore, type SessionStore } from "../../src/index.ts";
import { mysqlStore } from "../../src/stores/mysql.ts";
import { natsStore } from "../../src/stores/nats.ts";
import { postgresStore } from "../../src/stores/postgres.ts";
import { redisStore } from "../../src/stores/redis.ts";
import type { SqlStore } from "../../src/stores/sql/sql-store.ts";
import { sqliteStore } from "../../src/stores/sqlite.ts";
import { describeWith, type Service, service } from "../services.ts";
import { interleavingTests } from "../support/interleavings.ts";

/*
 * The promises of the core under concurrency, on every engine that can compare-and-set. Each step is a round trip, so
 * orders are drawn at random here; test/proof tries all of them in memory. Memory is part of this too: three requests
 * of which two crash have too many orders for a search.
 */

/** More of them, on a machine with time: INTERLEAVING_RUNS=200. */
const fewRuns = Number(process.env.INTERLEAVING_RUNS ?? 12);
const own = `sojourn_${randomBytes(6).toString("hex")}`;

vi.setConfig({ testTimeout: 60_000 + 1_000 * fewRuns });

interface Engine {
  readonly needs: Service | readonly Service[];
  open(clock: () => number): SessionStore | Promise<SessionStore>;
  setUp?(): Promise<unknown>;
  tearDown?(): Promise<unknown>;
  /** Orders to try for each property. */
  readonly runs?: number;
}

const engines: Record<string, Engine> = {
  "memoryStore()": { needs: [], open: (clock) => memoryStore({ clock }), runs: 400 },
  "redisStore()": redis(await service("redis")),
  "postgresStore()": postgres(await service("postgres")),
  "mysqlStore()": mysql(await service("mariadb")),
  "sqliteStore()": sqlite(),
  "natsStore()": nats(await service("nats")),
};

for (const [name, { needs, open, setUp, tearDown, runs = fewRuns }] of Object.entries(engines)) {
  describeWith(needs, name, () => {
    beforeAll(async () => void (await setUp?.()));
    afterAll(async () => void (await tearDown?.()));
    interleavingTests({ open, start: Date.now(), runs });
  });
}

function redis(needs: Service): Engine {
  const client = createClient({ url: "redis://127.0.0.1:6379" }).on("error", () => {});
  return {
    needs,
    open: (clock) => redisStore(client, { prefix: `${own}:`, clock }),
    setUp: () => client.connect(),
    async tearDown() {
      for await (const keys of client.scanIterator({ MATCH: `${own}:*`, COUNT: 1000 }))
        if (keys.length > 0) await client.unlink(keys);
      client.destroy();
    },
  };
}

function postgres(needs: Service): Engine {
  const pool = new Pool({
    host: "127.0.0.1",
    user: "postgres",
    database: "postgres",
    options: "-c synchronous_commit=off",
  });
  pool.on("error", () => {});
  return sql(
    needs,
    (options) => postgresStore(pool, options),
    () => pool.query(`DROP TABLE ${own}`).then(() => pool.end()),
  );
}

function mysql(needs: Service): Engine {
  const pool = createPool({ host: "127.0.0.1", user: "root", database: "test" });
  return sql(
    needs,
    (options) => mysqlStore(pool, options),
    () => pool.query(`DROP TABLE ${own}`).then(() => pool.end()),
  );
}

function sqlite(): Engine {
  const folder = mkdtempSync(join(tmpdir(), "sojourn-sqlite-"));
  const client = createLibsqlClient({ url: `file:${join(folder, "sessions.db")}` });
  const engine = sql(
    [],
    (options) => sqliteStore(client, options),
    async () => {
      client.close();
      rmSync(folder, { recursive: true });
    },
  );
  return {
    ...engine,
    async setUp() {
      await client.execute("PRAGMA journal_mode = WAL");
      await client.execute("PRAGMA synchronous = OFF");
      await engine.setUp?.();
    },
  };
}

function sql(
  needs: Engine["needs"],
  open: (options: { table: string; clock?: () => number }) => SqlStore,
  tearDown: () => Promise<unknown>,
): Engine {
  return {
    needs,
    open: (clock) => open({ table: own, clock }),
    setUp: async () => open({ table: own }).createTable(),
    tearDown,
  };
}

function nats(needs: Service): Engine {
  let connection: NatsConnection;
  let bucket: KV;
  return {
    needs,
    open: (clock) => natsStore(bucket, { clock }),
    async setUp() {
      connection = await connect({ servers: "127.0.0.1:4222" });
      bucket = await new Kvm(connection).create(own, { storage: "memory" as never });
    },
    async tearDown() {
      await bucket.destroy();
      await connection.close();
    },
  };
}
