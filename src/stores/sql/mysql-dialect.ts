import { compile, type Dialect, standardStatements, sweepBatch } from "./statements.ts";
import { parseTableName, quoted } from "./table-name.ts";

/** The SQL of MySQL (5.7 or later) and MariaDB (10.2 or later). */
export function mysqlDialect(name: string): Dialect {
  const parts = parseTableName(name);
  const table = quoted(parts, "`");
  const touch = `UPDATE ${table} SET version = LAST_INSERT_ID(version), expires_at = :expiresAt WHERE session_key = :key`;
  const statements = {
    ...standardStatements(table),
    // Drivers count matched or changed rows, depending on their settings. LAST_INSERT_ID(x) makes the statements
    // independent of that: it evaluates to x and is returned as the result's insertId, which is 0 otherwise. Here it
    // marks a matched row, even if its expiry is already the new one.
    touch: `${touch} AND expires_at > :now`,
    touchAt: `${touch} AND version = :expected AND expires_at > :now`,
    // Here it marks a live entry, which keeps every column. VALUES() is the only syntax for the new row that MySQL and
    // MariaDB share. Assignments run from left to right, so expires_at, which all of them test, comes last.
    create:
      `INSERT INTO ${table} (session_key, value, version, expires_at, subject)` +
      " VALUES (:key, :value, :version, :expiresAt, :subject) ON DUPLICATE KEY UPDATE" +
      " version = IF(expires_at > :now, LAST_INSERT_ID(version), VALUES(version))," +
      " value = IF(expires_at > :now, value, VALUES(value))," +
      " subject = IF(expires_at > :now, subject, VALUES(subject))," +
      " expires_at = IF(expires_at > :now, expires_at, VALUES(expires_at))",
    keysOf: `SELECT CONVERT(session_key USING utf8mb4) FROM ${table} WHERE subject = :subject AND expires_at > :now`,
    sweep: `DELETE FROM ${table} WHERE expires_at <= :now ORDER BY expires_at LIMIT ${sweepBatch}`,
  };
  return {
    // Bytes for what is looked up: every collation of text that both engines have ignores spaces at the end.
    schema: [
      {
        name: parts.table,
        text: `CREATE TABLE IF NOT EXISTS ${table} (
  session_key varbinary(255) NOT NULL PRIMARY KEY,
  value longtext NOT NULL,
  version bigint NOT NULL,
  expires_at bigint NOT NULL,
  subject varbinary(2000),
  INDEX expires_at_idx (expires_at),
  INDEX subject_idx (subject)
) ENGINE=InnoDB ROW_FORMAT=DYNAMIC DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin`,
      },
    ],
    // Not by information_schema: whether letters have to match in case is up to the server.
    present: {
      name: "present",
      text: `SELECT '${parts.table}' FROM (SELECT 1) AS one WHERE NOT EXISTS (SELECT 1 FROM ${table} WHERE FALSE)`,
      parameters: [],
    },
    statements: compile(statements, () => "?"),
  };
}
