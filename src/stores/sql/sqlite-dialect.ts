import { compile, type Dialect, standardStatements, sweepBatch } from "./statements.ts";
import { parseTableName, quoted } from "./table-name.ts";

/** The SQL of SQLite (3.24 or later), and so of libsql and Cloudflare D1. */
export function sqliteDialect(name: string): Dialect {
  const parts = parseTableName(name);
  const table = quoted(parts, '"');
  const index = (columns: string): string => quoted({ ...parts, table: `${parts.table}_${columns}_idx` }, '"');
  const statements = {
    ...standardStatements(table),
    // The row of an expired entry is taken over; a live one fails the last condition, and nothing is written.
    create:
      `INSERT INTO ${table} AS former (session_key, value, version, expires_at, subject)` +
      " VALUES (:key, :value, :version, :expiresAt, :subject) ON CONFLICT (session_key) DO UPDATE" +
      " SET value = excluded.value, version = excluded.version, expires_at = excluded.expires_at, subject = excluded.subject" +
      " WHERE former.expires_at <= :now",
    // DELETE ... LIMIT is left out of most builds.
    sweep:
      `DELETE FROM ${table} WHERE rowid IN (SELECT rowid FROM ${table}` +
      ` WHERE expires_at <= :now ORDER BY expires_at LIMIT ${sweepBatch})`,
  };
  const indexes = { expiry: `${parts.table}_expires_at_idx`, subject: `${parts.table}_subject_idx` };
  const names = [parts.table, indexes.expiry, indexes.subject];
  const catalog = quoted({ ...parts, table: "sqlite_master" }, '"');
  return {
    schema: [
      {
        name: parts.table,
        text: `CREATE TABLE IF NOT EXISTS ${table} (
  session_key text NOT NULL PRIMARY KEY,
  value text NOT NULL,
  version integer NOT NULL,
  expires_at integer NOT NULL,
  subject text
)`,
      },
      {
        name: indexes.expiry,
        text: `CREATE INDEX IF NOT EXISTS ${index("expires_at")} ON "${parts.table}" (expires_at)`,
      },
      {
        name: indexes.subject,
        text: `CREATE INDEX IF NOT EXISTS ${index("subject")} ON "${parts.table}" (subject) WHERE subject IS NOT NULL`,
      },
    ],
    present: {
      name: "present",
      text: `SELECT name FROM ${catalog} WHERE name IN (${names.map((name) => `'${name}'`).join(", ")})`,
      parameters: [],
    },
    statements: compile(statements, () => "?"),
  };
}
