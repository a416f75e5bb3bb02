/**
 * Sessions in SQLite, through `better-sqlite3`, `node:sqlite`, `bun:sqlite` or libsql, and in Cloudflare D1.
 *
 * @example
 * ```ts
 * import { DatabaseSync } from "node:sqlite";
 * import { createSessions } from "@sojourn/session";
 * import { setUpSqlite, sqliteStore } from "@sojourn/session/sqlite";
 *
 * const database = setUpSqlite(new DatabaseSync("sessions.db"));
 * const store = sqliteStore(database);
 * await store.createTable();
 * const sessions = createSessions({ store });
 * ```
 *
 * @module
 */

import type { Awaitable } from "../platform/awaitable.ts";
import { countOf, rowsOf } from "./sql/answers.ts";
import { rerun } from "./sql/rerun.ts";
import { type SqlClient, type SqlStore, type SqlStoreOptions, schemaText, sqlStore } from "./sql/sql-store.ts";
import { sqliteDialect } from "./sql/sqlite-dialect.ts";
import { isBusy } from "./sql/sqlite-setup.ts";
import type { SqlValue, Statement } from "./sql/statements.ts";

export { setUpSqlite } from "./sql/sqlite-setup.ts";
export type { SqlStore, SqlStoreOptions, SqlValue };

/** What is called of a database of `better-sqlite3`, `node:sqlite` (`DatabaseSync`) or `bun:sqlite`. */
export interface SqliteDatabase {
  /** Prepares a statement with `?` for values. */
  prepare(sql: string): SqliteStatement;
}

/** What is called of their prepared statements. */
export interface SqliteStatement {
  /** All rows, as objects. */
  all(...values: SqlValue[]): unknown[];
  /** Runs a statement that writes. */
  run(...values: SqlValue[]): { readonly changes: number | bigint };
}

/** What is called of a client of `@libsql/client`. */
export interface LibsqlClient {
  /** Runs a statement with `?` for values. */
  execute(statement: {
    sql: string;
    args: SqlValue[];
  }): Promise<{ readonly rows: readonly ArrayLike<unknown>[]; readonly rowsAffected: number }>;
}

/** What is called of a D1 database. */
export interface D1Client {
  /** A statement with `?` for values. */
  prepare(sql: string): { bind(...values: SqlValue[]): D1Statement };
}

/** What is called of a D1 statement. */
export interface D1Statement {
  /** All rows, as arrays. */
  raw(): Promise<unknown[][]>;
  /** Runs a statement that writes. */
  run(): Promise<{ readonly meta: { readonly changes: number } }>;
}

/**
 * Keeps sessions in a table of SQLite. The table is made by `createTable()`, or by the text of {@link schema} in your
 * migrations. With `better-sqlite3`, `node:sqlite` and `bun:sqlite` every method answers at once, without a promise,
 * but for a `sweep` of more than a thousand rows.
 *
 * Several processes may share the file. Set it up for that, with {@link setUpSqlite} or the same PRAGMAs. A statement
 * that meets the lock of another process is run again for a second or so, and then has a promise. Expired rows stay
 * until `sweep` is called, now and then. A codec must not produce the character U+0000, where libsql and `node:sqlite`
 * of Node 22 end a text; JSON escapes it.
 *
 * @throws {TypeError} when the client is none of these, the table's name is not a plain name, or `clock` is not a
 * function.
 */
export function sqliteStore(client: SqliteDatabase | LibsqlClient, options: SqlStoreOptions = {}): SqlStore {
  const { table = "sessions", clock } = options;
  return sqlStore(adapt(client), sqliteDialect(table), clock);
}

/**
 * Keeps sessions in Cloudflare D1: `d1Store(env.DB)`. The table is made by `createTable()`, or by the text of {@link
 * schema} in a migration. Expired rows stay until `sweep` is called, from a cron trigger for example.
 *
 * Give it the binding itself. What `withSession()` returns may read from a replica, which does not know the latest
 * writes of others.
 *
 * @throws {TypeError} when the database is none, the table's name is not a plain name, or `clock` is not a function.
 */
export function d1Store(database: D1Client, options: SqlStoreOptions = {}): SqlStore {
  const { table = "sessions", clock } = options;
  if (!has(database, "prepare"))
    throw new TypeError("Cannot use this database: d1Store() takes a D1 binding, as in d1Store(env.DB)");
  return sqlStore(d1(database), sqliteDialect(table), clock);
}

/** The statements that make the table, each ended by a semicolon. They may run more than once. */
export function schema(table = "sessions"): string {
  return schemaText(sqliteDialect(table));
}

function adapt(client: SqliteDatabase | LibsqlClient): SqlClient {
  if (has(client, "execute")) return libsql(client as LibsqlClient);
  if (has(client, "prepare")) return synchronous(client as SqliteDatabase);
  throw new TypeError(
    "Cannot use this client: sqliteStore() takes a database of `better-sqlite3`, `node:sqlite` or `bun:sqlite`, or a libsql client",
  );
}

function has(client: unknown, method: string): boolean {
  return typeof (client as Record<string, unknown> | null | undefined)?.[method] === "function";
}

function synchronous(database: SqliteDatabase): SqlClient {
  // Prepared on first use: the table may be made later than the store.
  const statements = new Map<Statement, SqliteStatement>();
  function prepared(statement: Statement): SqliteStatement {
    const known = statements.get(statement) ?? database.prepare(statement.text);
    statements.set(statement, known);
    return known;
  }
  return {
    rows: (statement, values) =>
      unlessBusy(() => rowsOf(prepared(statement).all(...values)).map((row) => Object.values(row))),
    run: (statement, values) => unlessBusy(() => countOf(prepared(statement).run(...values)?.changes)),
    define: (statements) =>
      unlessBusy(() => {
        for (const statement of statements) database.prepare(statement).run();
      }),
  };
}

/** At once; only when another process has the lock, again a little later. */
function unlessBusy<T>(work: () => T): Awaitable<T> {
  try {
    return work();
  } catch (error) {
    if (isBusy(error)) return rerun(work, isBusy);
    throw error;
  }
}

function libsql(client: LibsqlClient): SqlClient {
  const execute = (sql: string, args: SqlValue[]): ReturnType<LibsqlClient["execute"]> =>
    rerun(() => client.execute({ sql, args }), isBusy);
  return {
    rows: async ({ text }, args) => rowsOf((await execute(text, args))?.rows),
    run: async ({ text }, args) => countOf((await execute(text, args))?.rowsAffected),
    async define(statements) {
      for (const sql of statements) await execute(sql, []);
    },
  };
}

function d1(database: D1Client): SqlClient {
  const bound = ({ text }: Statement, values: SqlValue[]): D1Statement => database.prepare(text).bind(...values);
  return {
    rows: async (statement, values) => rowsOf(await bound(statement, values).raw()),
    run: async (statement, values) => countOf((await bound(statement, values).run())?.meta?.changes),
    async define(statements) {
      for (const statement of statements) await database.prepare(statement).bind().run();
    },
  };
}
