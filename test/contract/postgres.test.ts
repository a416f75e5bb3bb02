import { execFile } from "node:child_process";
import { randomBytes } from "node:crypto";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { Client, type Connection, Pool, type PoolClient, type PoolConfig } from "pg";
import postgres from "postgres";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type PostgresStoreOptions, postgresStore, schema } from "../../src/stores/postgres.ts";
import { describeWith, service, testWith } from "../services.ts";
import { sourcePaths } from "../support/sources.ts";
import { type SqlConnection, type SqlEngine, sqlStoreTests } from "./sql-store-tests.ts";

const server = { host: "127.0.0.1", user: "postgres" };
const database = `sojourn_${randomBytes(6).toString("hex")}`;
const hour = 3_600_000;
const bun = await service("bun");

describeWith(await service("postgres"), "postgresStore()", () => {
  beforeAll(async () => {
    await administrate(`CREATE DATABASE ${database}`);
    await administrate(`ALTER DATABASE ${database} SET synchronous_commit = off`); // Quicker, and no less correct while the server lives.
  });
  afterAll(() => administrate(`DROP DATABASE ${database} WITH (FORCE)`));

  sqlStoreTests(
    "pg, a Pool",
    engine((how) => pgPool({ max: how?.single ? 1 : 5 })),
  );
  sqlStoreTests("pg, a Client", engine(pgClient));
  sqlStoreTests(
    "postgres",
    engine((how) => postgresJs(how?.single ? 1 : 5)),
  );
  sqlStoreTests(
    "pg without prepared statements, where transactions are serializable by default",
    engine((how) =>
      pgPool(
        { max: how?.single ? 1 : 5, options: "-c default_transaction_isolation=serializable" },
        { prepare: false },
      ),
    ),
  );

  testWith(
    bun,
    "the SQL of Bun keeps the contract",
    async () => {
      const script = join(import.meta.dirname, "sql-runtimes", "postgres-bun.ts");
      const env = { ...process.env, DATABASE_URL: `postgres://${server.user}@${server.host}/${database}` };
      const { stderr } = await promisify(execFile)(bun.path!, [sourcePaths, "test", script], { cwd: tmpdir(), env });
      expect(stderr).toMatch(/^ 0 fail$/m);
      expect(Number(/^ (\d+) pass$/m.exec(stderr)?.[1])).toBeGreaterThan(40);
    },
    60_000,
  );

  describe("the rest", () => {
    test("a table in a schema", async () => {
      const pool = new Pool({ ...server, database });
      try {
        await pool.query("CREATE SCHEMA app");
        const store = postgresStore(pool, { table: "app.visits" });
        await store.createTable();
        await store.create("key", "value", { expiresAt: Date.now() + hour });
        expect((await pool.query("SELECT value FROM app.visits")).rows).toEqual([{ value: "value" }]);
      } finally {
        await pool.end();
      }
    });

    test("statements are prepared under the name of their table, unless that would be cut", async () => {
      const pool = new Pool({ ...server, database, max: 1 });
      try {
        const long = "x".repeat(48);
        await pool.query(`CREATE SCHEMA ${long}`);
        for (const table of ["prepared", `${long}.prepared`]) {
          const store = postgresStore(pool, { table });
          await store.createTable();
          await store.read("key");
          await store.create(table, table, { expiresAt: Date.now() + hour });
          expect((await store.read(table))?.value).toBe(table);
        }
        const { rows } = await pool.query("SELECT name FROM pg_prepared_statements ORDER BY name");
        expect(rows.map(({ name }) => name)).toEqual(["sojourn create prepared", "sojourn read prepared"]);
      } finally {
        await pool.end();
      }
    });

    test("bigints that a program had parsed as bigints are versions and times all the same", async () => {
      const types = { getTypeParser: () => (text: string) => (/^\d+$/.test(text) ? BigInt(text) : text) };
      const pool = new Pool({ ...server, database, types: types as never });
      try {
        const store = postgresStore(pool, { table: "parsed" });
        await store.createTable();
        const expiresAt = Date.now() + hour;
        const version = await store.create("key", "value", { expiresAt });
        expect(await store.read("key")).toEqual({ value: "value", version, expiresAt });
      } finally {
        await pool.end();
      }
    });

    test("columns that a program had renamed are found all the same", async () => {
      const sql = postgres({ ...server, database, transform: { column: postgres.toPascal } });
      try {
        const store = postgresStore(sql, { table: "renamed" });
        await store.createTable();
        const expiresAt = Date.now() + hour;
        const version = await store.create("key", "value", { expiresAt, subject: "anna" });
        expect(await store.read("key")).toEqual({ value: "value", version, expiresAt });
        expect(await store.keysOf("anna")).toEqual(["key"]);
      } finally {
        await sql.end();
      }
    });

    test("createTable() may be called by a role that may not define tables, once they are there", async () => {
      const role = `${database}_app`;
      const owner = new Pool({ ...server, database });
      const app = new Pool({ ...server, database, user: role });
      const sql = postgres({ ...server, database, user: role });
      try {
        await owner.query(`CREATE SCHEMA granted; CREATE ROLE ${role} LOGIN; GRANT USAGE ON SCHEMA granted TO ${role}`);
        const table = "granted.sessions";
        await expect(postgresStore(app, { table }).createTable()).rejects.toMatchObject({ code: "42501" });
        await postgresStore(owner, { table }).createTable();
        await owner.query(`GRANT SELECT, INSERT, UPDATE, DELETE ON granted.sessions TO ${role}`);
        for (const store of [postgresStore(app, { table }), postgresStore(sql, { table })]) {
          await store.createTable();
          expect(
            await store.create(randomBytes(8).toString("hex"), "x", { expiresAt: Date.now() + hour }),
          ).toBeDefined();
        }
        // What is missing is still made: somebody dropped an index.
        await owner.query("DROP INDEX granted.sessions_subject_idx");
        await postgresStore(owner, { table }).createTable();
        const indexes = await owner.query("SELECT indexname FROM pg_indexes WHERE schemaname = 'granted'");
        expect(indexes.rows).toContainEqual({ indexname: "sessions_subject_idx" });
      } finally {
        await owner.query(`DROP OWNED BY ${role}; DROP ROLE ${role}`);
        await Promise.all([owner.end(), app.end(), sql.end()]);
      }
    });

    test("a client that answers with something else than rows is a fault, and never an empty store", async () => {
      const meta = { expiresAt: Date.now() + hour };
      // Callbacks, pg-promise, a driver that counts nothing
      for (const answer of [undefined, null, [], {}, { rows: "x", rowCount: null }]) {
        for (const client of [{ query: async () => answer }, { unsafe: () => values(answer) }]) {
          const store = postgresStore(client as never);
          const calls = [
            () => store.read("key"),
            () => store.create("key", "x", meta),
            () => store.update("key", "x", meta, 1),
            () => store.delete("key"),
            () => store.touch("key", 1),
            () => store.keysOf("anna"),
            () => store.sweep(1),
          ];
          for (const call of calls)
            await expect(Promise.resolve(call())).rejects.toThrow(/^The database client answered with/);
        }
      }
    });

    test("createTable() prints no notice", async () => {
      const notices: unknown[] = [];
      const sql = postgres({ ...server, database, onnotice: (notice) => notices.push(notice) });
      try {
        for (let i = 0; i < 2; i++) await postgresStore(sql, { table: "quiet" }).createTable();
        expect(notices).toEqual([]);
      } finally {
        await sql.end();
      }
    });

    test("an engine that is down is the driver's own error", async () => {
      const pool = new Pool({ host: "127.0.0.1", port: 1 });
      await expect(postgresStore(pool).read("key")).rejects.toMatchObject({ code: "ECONNREFUSED" });
      await pool.end();
      const sql = postgres({ host: "127.0.0.1", port: 1 });
      await expect(postgresStore(sql).read("key")).rejects.toMatchObject({ code: "ECONNREFUSED" });
      await sql.end();
    });

    test("what is no client is refused", () => {
      for (const client of [undefined, null, {}, "postgres://localhost", () => {}]) {
        expect(() => postgresStore(client as never)).toThrow(
          /^Cannot use this client: postgresStore\(\) takes a Pool or Client/,
        );
      }
    });
  });
});

function engine(connect: SqlEngine["connect"]): SqlEngine {
  return { connect, schema, tableMissing: { code: "42P01" }, ...(connect === pgClient ? {} : { cut }) };
}

function pgPool(config: PoolConfig, options: PostgresStoreOptions = {}): SqlConnection {
  const pool = new Pool({ ...server, database, ...config });
  let statements = 0;
  pool.on("error", () => {}); // An idle connection was cut.
  pool.on("connect", (client) => countFor(client, () => statements++));
  return {
    open: (more) => postgresStore(pool, { ...options, ...more }),
    execute: (sql) => pool.query(sql),
    statements: () => statements,
    close: () => pool.end(),
  };
}

async function pgClient(): Promise<SqlConnection> {
  const client = new Client({ ...server, database });
  let statements = 0;
  countFor(client, () => statements++);
  await client.connect();
  return {
    open: (options) => postgresStore(client, options),
    execute: (sql) => client.query(sql),
    statements: () => statements,
    close: () => client.end(),
  };
}

/** The server says that it is ready for another query after each one. */
function countFor(client: Client | PoolClient, count: () => void): void {
  (client as unknown as { connection: Connection }).connection.on("readyForQuery", count);
}

function postgresJs(max: number): SqlConnection {
  let statements = 0;
  const sql = postgres({ ...server, database, max, debug: () => statements++ });
  return {
    open: (options) => postgresStore(sql, options),
    execute: (text) => sql.unsafe(text),
    statements: () => statements,
    // The driver waits for a connection that was cut for as long as it may.
    close: () => sql.end({ timeout: 1 }),
  };
}

function cut(): Promise<void> {
  return administrate(`SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '${database}'`);
}

async function administrate(sql: string): Promise<void> {
  const client = new Client({ ...server, database: "postgres" });
  await client.connect();
  await client.query(sql);
  await client.end();
}

/** An answer as that of postgres.js, which has its rows by another promise. */
function values(answer: unknown): Promise<unknown> {
  return Object.assign(Promise.resolve(answer), { values: async () => (Array.isArray(answer) ? undefined : answer) });
}
