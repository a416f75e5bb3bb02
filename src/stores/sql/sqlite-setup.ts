import type { SqliteDatabase } from "../sqlite.ts";

/** How often the lock is asked for; with the pauses in between for a few seconds. */
const ATTEMPTS = 200;

/**
 * Sets a database of `better-sqlite3`, `node:sqlite` or `bun:sqlite` up for a server, and returns it: write-ahead log,
 * so that readers and the writer do not wait for each other; `synchronous = NORMAL`, safe with it; and five seconds of
 * patience with the lock of another process.
 *
 * Several processes may do so at the same time on a new file. The change to the write-ahead log needs the file for
 * itself, and SQLite does not wait for that: it is asked for again, after a random pause, for some seconds.
 *
 * @throws the database's own error when the file stays locked
 */
export function setUpSqlite<Database extends SqliteDatabase>(database: Database): Database {
  for (const pragma of ["busy_timeout = 5000", "journal_mode = WAL", "synchronous = NORMAL"]) {
    whenFree(() => database.prepare(`PRAGMA ${pragma}`).all());
  }
  return database;
}

/** SQLITE_BUSY, however the client spells it; its extended codes begin with it, or have it in their lowest byte. */
export function isBusy(error: unknown): boolean {
  const { code, errcode } = (error ?? {}) as { code?: unknown; errcode?: unknown };
  if (typeof errcode === "number") return (errcode & 0xff) === SQLITE_BUSY;
  return typeof code === "string" && code.startsWith("SQLITE_BUSY");
}

const SQLITE_BUSY = 5;

function whenFree(work: () => void): void {
  for (let attempt = 1; ; attempt++) {
    try {
      work();
      return;
    } catch (error) {
      if (attempt === ATTEMPTS || !isBusy(error)) throw error;
    }
    // Synchronous as the database itself, and only while the program starts.
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1 + Math.random() * 30);
  }
}
