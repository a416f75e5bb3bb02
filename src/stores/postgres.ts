/**
 * Sessions in PostgreSQL, through `pg`, `postgres` or the `SQL` of Bun.
 *
 * @example
 * ```ts
 * import { createSessions } from "@sojourn/session";
 * import { postgresStore } from "@sojourn/session/postgres";
 * import { Pool } from "pg";
 *
 * const pool = new Pool();
 * pool.on("error", console.error); // without it, pg ends the process when an idle connection breaks
 * const store = postgresStore(pool);
 * await store.createTable();
 * const sessions = createSessions({ store });
 * ```
 *
 * @module
 */
import { countOf, rowsOf } from "./sql/answers.ts";
import { postgresDialect } from "./sql/postgres-dialect.ts";
import { rerun } from "./sql/rerun.ts";
import { type SqlClient, type SqlStore, type SqlStoreOptions, schemaText, sqlStore } from "./sql/sql-store.ts";
import type { SqlValue, Statement } from "./sql/statements.ts";

export type { SqlStore, SqlStoreOptions, SqlValue };

/** What is called of a `Pool` or `Client` of `pg`. */
export interface PgClient {
  /** Runs one statement, prepared where it has a name; or several without values, as one transaction. */
  query(query: { text: string; name?: string; values?: unknown[]; rowMode: "array" }): Promise<{
    readonly rows: readonly unknown[][];
    readonly rowCount: number | null;
  }>;
}

/** What is called of the `sql` of `postgres` (postgres.js), and of Bun's `SQL`, which follows it. */
export interface PostgresJsClient {
  /** Runs one statement with values for `$1` and so on; or several without values, as one transaction. */
  unsafe(
    text: string,
    values?: SqlValue[],
    options?: { prepare: boolean },
  ): PromiseLike<{ readonly count: number | null }> & {
    values(): PromiseLike<readonly unknown[][]>;
  };
}

/** Options of {@link postgresStore}. */
export interface PostgresStoreOptions extends SqlStoreOptions {
  /**
   * Whether statements are prepared, once for each connection, under a name. Default true; false for a pooler that
   * gives each statement another connection and does not know prepared statements (PgBouncer before 1.21 in transaction
   * mode).
   */
  readonly prepare?: boolean;
}

/**
 * Keeps sessions in a table of PostgreSQL. The table is made by `createTable()`, or by the text of {@link schema} in
 * your migrations.
 *
 * Give it a pool, or a connection that is in no transaction. Expired rows stay until `sweep` is called, now and then. A
 * value or subject with the character U+0000 is an error, since PostgreSQL's text cannot hold it; in JSON it is
 * escaped.
 *
 * @throws {TypeError} when the client is none of these, the table's name is not a plain name, or `clock` is not a
 * function.
 */
export function postgresStore(client: PgClient | PostgresJsClient, options: PostgresStoreOptions = {}): SqlStore {
  const { table = "sessions", clock, prepare = true } = options;
  const dialect = postgresDialect(table);
  if (isPostgresJs(client)) return sqlStore(postgresJs(client, table, prepare), dialect, clock);
  if (isPg(client)) return sqlStore(pg(client, table, prepare), dialect, clock);
  throw new TypeError(
    "Cannot use this client: postgresStore() takes a Pool or Client of `pg`, the sql of `postgres`, or the SQL of Bun",
  );
}

/** The statements that make the table, each ended by a semicolon. They may run more than once. */
export function schema(table = "sessions"): string {
  return schemaText(postgresDialect(table));
}

function isPostgresJs(client: PgClient | PostgresJsClient): client is PostgresJsClient {
  return typeof (client as Partial<PostgresJsClient> | null)?.unsafe === "function";
}

function isPg(client: PgClient): boolean {
  return typeof (client as PgClient | null)?.query === "function";
}

function pg(client: PgClient, table: string, prepare: boolean): SqlClient {
  function query({ name, text }: Statement, values: SqlValue[]): ReturnType<PgClient["query"]> {
    const statement = `sojourn ${name} ${table}`;
    // The server cuts names after 63 characters; two that are cut to the same would be taken for one.
    const named = prepare && name !== "present" && statement.length <= 63 ? { name: statement } : {};
    return rerun(() => client.query({ ...named, text, values, rowMode: "array" }), gaveUp);
  }
  return {
    rows: async (statement, values) => rowsOf((await query(statement, values))?.rows),
    run: async (statement, values) => countOf((await query(statement, values))?.rowCount),
    define: (statements) => client.query({ text: definition(statements, table), rowMode: "array" }),
  };
}

function postgresJs(client: PostgresJsClient, table: string, prepare: boolean): SqlClient {
  const options = { prepare };
  return {
    rows: (statement, values) =>
      rerun(async () => rowsOf(await client.unsafe(statement.text, values, options).values()), gaveUp),
    run: (statement, values) =>
      rerun(async () => countOf((await client.unsafe(statement.text, values, options))?.count), gaveUp),
    define: async (statements) => client.unsafe(definition(statements, table)),
  };
}

/**
 * One message, so one transaction. The lock is for processes that start at the same time: two of them that find the
 * table missing would both make it, IF NOT EXISTS or not. What exists already is not worth the notice that `postgres`
 * prints.
 */
function definition(statements: readonly string[], table: string): string {
  const quietly = `SELECT pg_advisory_xact_lock(hashtext('sojourn ${table}')), set_config('client_min_messages', 'warning', true)`;
  return [quietly, ...statements].join(";\n");
}

/**
 * 40001 serialization_failure (where transactions are stricter than "read committed" by default), 40P01
 * deadlock_detected.
 */
function gaveUp(error: unknown): boolean {
  const { code } = (error ?? {}) as { code?: unknown };
  return code === "40001" || code === "40P01";
}
