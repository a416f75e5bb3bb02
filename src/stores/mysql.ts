/**
 * Sessions in MySQL or MariaDB, through `mysql2` or `mariadb`.
 *
 * @example
 * ```ts
 * import { createSessions } from "@sojourn/session";
 * import { mysqlStore } from "@sojourn/session/mysql";
 * import { createPool } from "mysql2/promise";
 *
 * const store = mysqlStore(createPool("mysql://app@localhost/app"));
 * await store.createTable();
 * const sessions = createSessions({ store });
 * ```
 *
 * @module
 */
import { countOf, rowsOf } from "./sql/answers.ts";
import { mysqlDialect } from "./sql/mysql-dialect.ts";
import { rerun } from "./sql/rerun.ts";
import { type SqlClient, type SqlStore, type SqlStoreOptions, schemaText, sqlStore } from "./sql/sql-store.ts";
import type { SqlValue } from "./sql/statements.ts";

export type { SqlStore, SqlStoreOptions, SqlValue };

/** What is called of a pool or connection of `mysql2/promise` or `mariadb`. */
export interface MysqlClient {
  /**
   * Prepares a statement, once for each connection, and runs it. Answers with a pair: the result and its description.
   */
  execute(query: { sql: string; rowsAsArray: boolean; metaAsArray: boolean }, values: SqlValue[]): Promise<unknown>;
}

/** A pool or connection of `mysql2` without promises: `promise()` gives the one with them. */
export interface MysqlCallbackClient {
  /** The same pool or connection with promises. */
  promise(): MysqlClient;
}

/**
 * Keeps sessions in a table of MySQL or MariaDB. The table is made by `createTable()`, or by the text of {@link schema}
 * in your migrations.
 *
 * Give it a pool, or a connection that is in no transaction. Expired rows stay until `sweep` is called, now and then.
 * Keys may have 255 bytes and subjects 2000; a value is as large as the server's `max_allowed_packet` lets a statement
 * be. Leave the connection's character set at `utf8mb4`, the default of both drivers.
 *
 * @throws {TypeError} when the client is none of these, the table's name is not a plain name, or `clock` is not a
 * function.
 */
export function mysqlStore(client: MysqlClient | MysqlCallbackClient, options: SqlStoreOptions = {}): SqlStore {
  const { table = "sessions", clock } = options;
  return sqlStore(adapt(withPromises(client)), mysqlDialect(table), clock);
}

/** The statement that makes the table, ended by a semicolon. It may run more than once. */
export function schema(table = "sessions"): string {
  return schemaText(mysqlDialect(table));
}

function withPromises(client: MysqlClient | MysqlCallbackClient): MysqlClient {
  const { promise, execute } = (client ?? {}) as Partial<MysqlClient & MysqlCallbackClient>;
  if (typeof promise === "function") return (client as MysqlCallbackClient).promise();
  if (typeof execute === "function") return client as MysqlClient;
  throw new TypeError("Cannot use this client: mysqlStore() takes a pool or connection of `mysql2` or `mariadb`");
}

/** What both drivers report of a writing statement. */
interface Outcome {
  readonly affectedRows: number;
  /** A number, or where a driver so chooses a bigint or a string. */
  readonly insertId: number | bigint | string;
}

function adapt(client: MysqlClient): SqlClient {
  async function execute(sql: string, values: SqlValue[]): Promise<unknown> {
    // With metaAsArray `mariadb` answers as `mysql2` does, with a result and its description. Both options override the
    // pool's own.
    const answer = await rerun(() => client.execute({ sql, rowsAsArray: true, metaAsArray: true }, values), gaveUp);
    return rowsOf(answer)[0];
  }
  return {
    async rows({ name, text }, values) {
      try {
        return rowsOf(await execute(text, values));
      } catch (error) {
        if (name === "present" && isMissingTable(error)) return [];
        throw error;
      }
    },
    async run({ name, text }, values) {
      const { affectedRows, insertId } = ((await execute(text, values)) ?? {}) as Partial<Outcome>;
      const count = countOf(affectedRows);
      if (Number(insertId) === 0) return count;
      // The mark: a `create` found its key taken, a `touch` its row.
      return name === "create" ? 0 : 1;
    },
    async define(statements) {
      for (const statement of statements) await execute(statement, []);
    },
  };
}

function isMissingTable(error: unknown): boolean {
  return (error as { errno?: unknown } | undefined)?.errno === 1146;
}

/** 1213 is a deadlock; 1020 is what newer MariaDB says instead when a row changed under the statement. */
function gaveUp(error: unknown): boolean {
  const { errno } = (error ?? {}) as { errno?: unknown };
  return errno === 1213 || errno === 1020;
}
