import { randomBytes } from "node:crypto";
import { createPool as createMariadbPool } from "mariadb";
import { createPool as createCallbackPool } from "mysql2";
import { createConnection, createPool } from "mysql2/promise";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type MysqlCallbackClient, type MysqlClient, mysqlStore, schema } from "../../src/stores/mysql.ts";
import { describeWith, service } from "../services.ts";
import { type SqlConnection, type SqlEngine, sqlStoreTests } from "./sql-store-tests.ts";

const database = `sojourn_${randomBytes(6).toString("hex")}`;
const server = { host: "127.0.0.1", user: "root", database };
const hour = 3_600_000;

describeWith(await service("mariadb"), "mysqlStore()", () => {
  beforeAll(() => administrate(`CREATE DATABASE ${database} CHARACTER SET latin1`));
  afterAll(() => administrate(`DROP DATABASE ${database}`));

  sqlStoreTests(
    "mysql2, a promise pool",
    engine((connectionLimit) => createPool({ ...server, connectionLimit })),
  );
  sqlStoreTests(
    "mysql2, a pool with callbacks",
    engine((connectionLimit) => createCallbackPool({ ...server, connectionLimit })),
  );
  sqlStoreTests(
    "mysql2, every option against us",
    // Rows as objects or arrays, big numbers as strings, and affected rows that are changed rows.
    engine((connectionLimit) =>
      createPool({
        ...server,
        connectionLimit,
        supportBigNumbers: true,
        bigNumberStrings: true,
        flags: ["-FOUND_ROWS"],
        rowsAsArray: false,
      }),
    ),
  );
  sqlStoreTests(
    "mariadb, a pool",
    engine((connectionLimit) => createMariadbPool({ ...server, connectionLimit })),
  );
  sqlStoreTests(
    "mariadb, every option against us",
    engine((connectionLimit) =>
      createMariadbPool({
        ...server,
        connectionLimit,
        insertIdAsNumber: true,
        bigIntAsNumber: true,
        checkNumberRange: true,
        metaAsArray: false,
      }),
    ),
  );

  describe("the rest", () => {
    test("createTable() may be called by a user who may not define tables, once they are there", async () => {
      const user = `app_${randomBytes(6).toString("hex")}`;
      await administrate(`CREATE USER ${user}@'127.0.0.1'`);
      await administrate(`CREATE USER ${user}@'localhost'`);
      const [owner, app] = [createPool(server), createPool({ ...server, user })];
      try {
        await owner.query("CREATE TABLE other (id int)");
        for (const host of ["127.0.0.1", "localhost"])
          await administrate(`GRANT SELECT, INSERT, UPDATE, DELETE ON ${database}.* TO ${user}@'${host}'`);
        const table = "granted";
        await expect(mysqlStore(app, { table }).createTable()).rejects.toMatchObject({ errno: 1142 });
        await mysqlStore(owner, { table }).createTable();
        await mysqlStore(app, { table }).createTable();
        expect(await mysqlStore(app, { table }).create("key", "x", { expiresAt: Date.now() + hour })).toBeDefined();
      } finally {
        await Promise.all([owner.end(), app.end()]);
        for (const host of ["127.0.0.1", "localhost"]) await administrate(`DROP USER ${user}@'${host}'`);
      }
    });

    test("a client that answers with something else than rows is a fault, and never an empty store", async () => {
      const meta = { expiresAt: Date.now() + hour };
      // Callbacks, rows without their description, a result without its numbers
      for (const answer of [undefined, null, {}, [], [{}], [undefined]]) {
        const store = mysqlStore({ execute: async () => answer });
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
    });

    test("one connection is enough, and the table may be in another database", async () => {
      const connection = await createConnection({ ...server, database: "mysql" });
      try {
        const store = mysqlStore(connection, { table: `${database}.visits` });
        await store.createTable();
        await store.create("key", "value", { expiresAt: Date.now() + hour });
        expect((await store.read("key"))?.value).toBe("value");
      } finally {
        await connection.end();
      }
    });

    test("the longest key and subject are kept whole by a server that would cut in silence", async () => {
      const connection = await createConnection(server);
      try {
        await connection.query("SET SESSION sql_mode = ''");
        const store = mysqlStore(connection, { table: "lenient" });
        await store.createTable();
        const subject = "\u{1f6d2}".repeat(500);
        await store.create("k".repeat(255), "x".repeat(100_000), { expiresAt: Date.now() + hour, subject });
        expect((await store.read("k".repeat(255)))?.value).toHaveLength(100_000);
        expect(await store.keysOf(subject)).toEqual(["k".repeat(255)]);
      } finally {
        await connection.end();
      }
    });

    test("an engine that is down is the driver's own error", async () => {
      const pool = createPool({ host: "127.0.0.1", port: 1 });
      await expect(mysqlStore(pool).read("key")).rejects.toMatchObject({ code: "ECONNREFUSED" });
      await pool.end();
    });

    test("what is no client is refused", () => {
      for (const client of [undefined, null, {}, "mysql://localhost", () => {}]) {
        expect(() => mysqlStore(client as never)).toThrow(
          /^Cannot use this client: mysqlStore\(\) takes a pool or connection/,
        );
      }
    });
  });
});

type Pool = (MysqlClient | MysqlCallbackClient) & { end(): unknown };

function engine(createPool: (connectionLimit: number) => Pool): SqlEngine {
  return { connect: (how) => connect(createPool(how?.single ? 1 : 5)), schema, tableMissing: { errno: 1146 }, cut };
}

function connect(pool: Pool): SqlConnection {
  const client = "promise" in pool ? pool.promise() : pool;
  return {
    open: (options) => mysqlStore(pool, options),
    execute: (sql) => client.execute({ sql, rowsAsArray: true, metaAsArray: true }, []),
    async statements() {
      const query = { sql: "SHOW SESSION STATUS LIKE 'Questions'", rowsAsArray: true, metaAsArray: true };
      const [[row]] = (await client.execute(query, [])) as [[[string, string]]];
      asked.set(pool, (asked.get(pool) ?? 0) + 1);
      // The server counts what it was asked by this connection, and so this very question.
      return Number(row[1]) - (asked.get(pool) ?? 0);
    },
    close: () => (client as unknown as { end(): Promise<void> }).end(),
  };
}

const asked = new WeakMap<Pool, number>();

async function cut(): Promise<void> {
  const connection = await createConnection({ ...server, database: "mysql" });
  const [rows] = await connection.query("SELECT id FROM information_schema.processlist WHERE db = ?", [database]);
  for (const { id } of rows as { id: number }[]) await connection.query(`KILL ${id}`);
  await connection.end();
}

async function administrate(sql: string): Promise<void> {
  const connection = await createConnection({ ...server, database: "mysql" });
  await connection.query(sql);
  await connection.end();
}
