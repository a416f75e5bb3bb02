import { compile, type Dialect, standardStatements, sweepBatch } from "./statements.ts";
import { parseTableName, quoted } from "./table-name.ts";

/** The SQL of PostgreSQL (9.5 or later). */
export function postgresDialect(name: string): Dialect {
  const parts = parseTableName(name);
  const table = quoted(parts, '"');
  const statements = {
    ...standardStatements(table),
    // The row of an expired entry is taken over; a live one fails the last condition, and nothing is written.
    create:
      `INSERT INTO ${table} AS former (session_key, value, version, expires_at, subject)` +
      " VALUES (:key, :value, :version, :expiresAt, :subject) ON CONFLICT (session_key) DO UPDATE" +
      " SET value = excluded.value, version = excluded.version, expires_at = excluded.expires_at, subject = excluded.subject" +
      " WHERE former.expires_at <= :now",
    // SKIP LOCKED: processes that sweep at the same time share the work. ARRAY: a join might run the limited query more
    // than once.
    sweep:
      `DELETE FROM ${table} WHERE session_key = ANY (ARRAY(SELECT session_key FROM ${table}` +
      ` WHERE expires_at <= :now ORDER BY expires_at LIMIT ${sweepBatch} FOR UPDATE SKIP LOCKED))`,
  };
  const indexes = { expiry: `${parts.table}_expires_at_idx`, subject: `${parts.table}_subject_idx` };
  const names = [parts.table, indexes.expiry, indexes.subject];
  const wanted = names.map((name) => `('${name}', '${quoted({ ...parts, table: name }, '"')}')`).join(", ");
  return {
    // COLLATE "C" compares bytes, whatever the database's language, and survives an upgrade of the system's collations.
    schema: [
      {
        name: parts.table,
        text: `CREATE TABLE IF NOT EXISTS ${table} (
  session_key text COLLATE "C" PRIMARY KEY,
  value text NOT NULL,
  version bigint NOT NULL,
  expires_at bigint NOT NULL,
  subject text COLLATE "C"
)`,
      },
      { name: indexes.expiry, text: `CREATE INDEX IF NOT EXISTS "${indexes.expiry}" ON ${table} (expires_at)` },
      {
        name: indexes.subject,
        text: `CREATE INDEX IF NOT EXISTS "${indexes.subject}" ON ${table} (subject) WHERE subject IS NOT NULL`,
      },
    ],
    present: {
      name: "present",
      text: `SELECT name FROM (VALUES ${wanted}) AS wanted (name, path) WHERE to_regclass(path) IS NOT NULL`,
      parameters: [],
    },
    statements: compile(statements, (position) => `$${position}`),
  };
}
