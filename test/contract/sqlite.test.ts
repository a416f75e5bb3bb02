import { execFile, spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { type Config, createClient, type InStatement } from "@libsql/client";
import { Miniflare } from "miniflare";
import { afterAll, describe, expect, test } from "vitest";
import { type D1Client, d1Store, type SqliteDatabase, schema, sqliteStore } from "../../src/stores/sqlite.ts";
import { describeWith, fromAddons, service, testWith } from "../services.ts";
import { sourcePaths, sourcePlatform } from "../support/sources.ts";
import { insertOf, type SqlConnection, sqlStoreTests } from "./sql-store-tests.ts";

const folder = mkdtempSync(join(tmpdir(), "sojourn-sqlite-"));
afterAll(() => rmSync(folder, { recursive: true }));

describe("sqliteStore()", () => {
  sqlStoreTests("libsql", {
    connect: () => libsql({ url: `file:${join(folder, "libsql.db")}` }),
    schema,
    tableMissing: { message: expect.stringContaining("no such table") },
  });
  sqlStoreTests("libsql with bigints", {
    connect: () => libsql({ url: `file:${join(folder, "libsql-bigint.db")}`, intMode: "bigint" }),
    schema,
    tableMissing: { message: expect.stringContaining("no such table") },
  });

  test("a client that answers with something else than rows is a fault, and never an empty store", async () => {
    const meta = { expiresAt: Date.now() + 3_600_000 };
    // sqlite3 with its callbacks, sqlite with its promises, D1 given to the wrong store, a client that counts nothing
    const clients = [
      { prepare: () => ({ all: () => undefined, run: () => undefined }) },
      { prepare: () => ({ all: async () => [], run: async () => ({ changes: 1 }) }) },
      { prepare: () => ({ all: () => ({}), run: () => ({}) }) },
      { execute: async () => undefined },
      { execute: async () => ({ rows: null }) },
    ];
    for (const client of clients) {
      const store = sqliteStore(client as never);
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
        await expect((async () => call())()).rejects.toThrow(/^The database client answered with/);
    }
  });

  test("what is no client is refused", () => {
    for (const client of [undefined, null, {}, "file:sessions.db", () => {}]) {
      expect(() => sqliteStore(client as never)).toThrow(
        /^Cannot use this client: sqliteStore\(\) takes a database of/,
      );
    }
  });
});

const runtimes = join(import.meta.dirname, "sql-runtimes");
const run = promisify(execFile);

for (const name of ["node-22", "node-24", "node-26"] as const) {
  const node = await service(name);
  testWith(
    node,
    `sqliteStore() on node:sqlite of ${name} keeps the contract`,
    async () => {
      const { stdout } = await run(node.path!, [
        "--no-warnings",
        "--import",
        sourcePlatform,
        "--test-reporter=tap",
        join(runtimes, "sqlite-node.ts"),
      ]);
      expect(stdout).toMatch(/^# fail 0$/m);
      expect(Number(/^# pass (\d+)$/m.exec(stdout)?.[1])).toBeGreaterThan(80);
    },
    60_000,
  );
}

const node = await service("node-24");
testWith(
  node,
  "eight processes at once on a new file: setUpSqlite() and createTable() wait for each other, and no update is lost",
  async () => {
    const file = join(folder, "at-once.db");
    const program = join(runtimes, "at-once.ts");
    const ended: Promise<[number | null, string]>[] = [];
    const children = Array.from({ length: 8 }, () => {
      const child = spawn(node.path!, ["--no-warnings", "--import", sourcePlatform, program, file, "25"], {
        stdio: ["ignore", "ignore", "pipe", "ipc"],
      });
      let errors = "";
      child.stderr?.on("data", (chunk) => {
        errors += chunk;
      });
      ended.push(new Promise((resolve) => child.once("close", (code) => resolve([code, errors]))));
      return child;
    });
    await Promise.all(children.map((child) => new Promise((resolve) => child.once("message", resolve))));
    for (const child of children) child.send("go");
    expect(await Promise.all(ended)).toEqual(children.map(() => [0, ""]));
    const client = createClient({ url: `file:${file}` });
    expect((await sqliteStore(client).read("key"))?.value).toBe("200");
    expect((await client.execute("PRAGMA journal_mode")).rows[0]?.[0]).toBe("wal");
    client.close();
  },
  60_000,
);

testWith(
  node,
  "four threads at once on a new file lose no update",
  async () => {
    const file = join(folder, "threads.db");
    const args = ["--no-warnings", "--import", sourcePlatform, join(runtimes, "threads.ts"), file, "25"];
    const { stdout } = await run(node.path!, args);
    expect(JSON.parse(stdout)).toEqual([0, 0, 0, 0]);
    const client = createClient({ url: `file:${file}` });
    expect((await sqliteStore(client).read("key"))?.value).toBe("100");
    client.close();
  },
  60_000,
);

const bun = await service("bun");
testWith(
  bun,
  "sqliteStore() on bun:sqlite keeps the contract",
  async () => {
    const { stderr } = await run(bun.path!, [sourcePaths, "test", join(runtimes, "sqlite-bun.ts")], { cwd: folder });
    expect(stderr).toMatch(/^ 0 fail$/m);
    expect(Number(/^ (\d+) pass$/m.exec(stderr)?.[1])).toBeGreaterThan(80);
  },
  60_000,
);

const addon = await service("better-sqlite3");
describeWith(addon, "sqliteStore() on better-sqlite3", () => {
  for (const safeIntegers of [false, true]) {
    sqlStoreTests(safeIntegers ? "with bigints" : "as it is", {
      connect: () => betterSqlite3(`better-${safeIntegers}.db`, safeIntegers),
      schema,
      tableMissing: { name: "SqliteError", code: "SQLITE_ERROR" },
    });
  }

  test("nothing is a promise", async () => {
    const connection = await betterSqlite3(":memory:", false);
    const store = connection.open();
    expect(store.createTable()).toBeUndefined();
    const meta = { expiresAt: Date.now() + 3_600_000, subject: "anna" };
    const version = store.create("key", "value", meta) as number;
    expect(version).toBeTypeOf("number");
    expect(store.read("key")).toEqual({ value: "value", version, expiresAt: meta.expiresAt });
    expect(store.update("key", "value", meta, version)).toBe(version + 1);
    expect(store.touch("key", meta.expiresAt)).toBe(true);
    expect(store.keysOf("anna")).toEqual(["key"]);
    expect(store.delete("key")).toBe(true);
    expect(store.sweep(Date.now())).toBe(0);
    connection.close();
  });

  test("sweep() lets the program go on after every thousand rows", async () => {
    const connection = await betterSqlite3(":memory:", false);
    const store = connection.open();
    store.createTable();
    connection.execute(insertOf("sessions", 2500, 1));
    let left: unknown;
    setImmediate(() => {
      left = connection.rows("SELECT count(*) AS rows FROM sessions");
    });
    expect(await store.sweep(1)).toBe(2500);
    // After the first thousand or after the second, whichever turn it got
    expect([[{ rows: 1500 }], [{ rows: 500 }]]).toContainEqual(left);
    connection.close();
  });

  test("while another connection has the lock a write has a promise, and is done when the lock is free", async () => {
    const Database = fromAddons("better-sqlite3") as new (
      file: string,
      options?: { timeout: number },
    ) => BetterSqlite3 & { exec(sql: string): unknown };
    const file = join(folder, "locked.db");
    // Without patience of its own, as node:sqlite and libsql come.
    const [database, other] = [new Database(file, { timeout: 0 }), new Database(file)];
    const store = sqliteStore(database);
    other.exec("BEGIN EXCLUSIVE");
    const made = store.createTable();
    expect(made).toBeInstanceOf(Promise);
    other.exec("COMMIT");
    await made;
    const meta = { expiresAt: Date.now() + 3_600_000, subject: "anna" };
    other.exec("BEGIN EXCLUSIVE");
    const created = store.create("key", "x", meta);
    const listed = store.keysOf("anna");
    expect([created, listed]).toEqual([expect.any(Promise), expect.any(Promise)]);
    other.exec("COMMIT");
    expect(await created).toBeDefined();
    expect(await store.keysOf("anna")).toEqual(["key"]);
    await listed;
    // For ever is a fault.
    other.exec("BEGIN EXCLUSIVE");
    await expect(Promise.resolve(store.delete("key"))).rejects.toMatchObject({ code: "SQLITE_BUSY" });
    other.exec("COMMIT");
    expect(store.delete("key")).toBe(true);
    database.close();
    other.close();
  });

  test("createTable() defines nothing where all is there", async () => {
    const connection = await betterSqlite3("there.db", false);
    const store = connection.open();
    store.createTable();
    connection.execute("DROP INDEX sessions_subject_idx");
    store.createTable();
    expect(connection.rows("SELECT name FROM sqlite_master WHERE name = 'sessions_subject_idx'")).toHaveLength(1);
    connection.execute("PRAGMA query_only = ON");
    expect(store.createTable()).toBeUndefined();
    connection.close();
  });

  test("a table in another schema", async () => {
    const connection = await betterSqlite3(":memory:", false);
    connection.execute("ATTACH ':memory:' AS app");
    const store = connection.open({ table: "app.visits" });
    store.createTable();
    store.createTable();
    store.create("key", "value", { expiresAt: Date.now() + 3_600_000 });
    expect(store.read("key")).toMatchObject({ value: "value" });
    connection.close();
  });
});

// That it keeps the contract is shown inside workerd, by test/runtimes: from here every call takes a long way.
describe("d1Store()", () => {
  test("makes its table at once from several sides, and sweeps it a thousand rows at a time", async () => {
    const miniflare = new Miniflare({ modules: true, script: "export default {}", d1Databases: ["DB"] });
    try {
      const database = await miniflare.getD1Database("DB");
      let statements = 0;
      const counted: D1Client = {
        prepare(sql) {
          statements++;
          return database.prepare(sql);
        },
      };
      const store = d1Store(counted);
      await expect(store.read("key")).rejects.toThrow("no such table: sessions");
      await Promise.all([store.createTable(), store.createTable()]);
      const expiresAt = Date.now() + 3_600_000;
      const version = await store.create("key", "value", { expiresAt });
      expect(await store.create("key", "other", { expiresAt })).toBeUndefined();
      await database.prepare(insertOf("sessions", 2500, 1)).run();
      statements = 0;
      expect(await store.sweep(1)).toBe(2500);
      expect(statements).toBe(3);
      expect(await store.read("key")).toEqual({ value: "value", version, expiresAt });
      expect(statements).toBe(4);
    } finally {
      await miniflare.dispose();
    }
  });

  test("what is no database is refused", () => {
    for (const database of [undefined, null, {}]) {
      expect(() => d1Store(database as never)).toThrow(
        "Cannot use this database: d1Store() takes a D1 binding, as in d1Store(env.DB)",
      );
    }
  });
});

async function libsql(config: Config): Promise<SqlConnection> {
  const client = createClient(config);
  await client.execute("PRAGMA journal_mode = WAL");
  await client.execute("PRAGMA synchronous = OFF");
  let statements = 0;
  const execute = client.execute.bind(client);
  Object.assign(client, {
    execute(statement: InStatement) {
      statements++;
      return execute(statement);
    },
  });
  return {
    open: (options) => sqliteStore(client, options),
    execute: (sql) => client.execute(sql),
    statements: () => statements,
    close: () => client.close(),
  };
}

interface BetterSqlite3 extends SqliteDatabase {
  pragma(text: string): unknown;
  defaultSafeIntegers(on: boolean): unknown;
  close(): unknown;
}

async function betterSqlite3(
  file: string,
  safeIntegers: boolean,
): Promise<SqlConnection & { rows(sql: string): unknown[] }> {
  // It has no types of its own
  const Database = fromAddons("better-sqlite3") as new (
    file: string,
    options: { verbose: () => void },
  ) => BetterSqlite3;
  let statements = 0;
  const database = new Database(file === ":memory:" ? file : join(folder, file), { verbose: () => statements++ });
  database.pragma("journal_mode = WAL");
  database.pragma("synchronous = OFF");
  database.defaultSafeIntegers(safeIntegers);
  return {
    open: (options) => sqliteStore(database, options),
    execute: (sql) => database.prepare(sql).run(),
    rows: (sql) => database.prepare(sql).all(),
    statements: () => statements,
    close: () => database.close(),
  };
}
