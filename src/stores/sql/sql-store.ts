/** What all SQL stores have in common: what each operation asks the engine, and what the answer means. */
import { type Awaitable, after } from "../../platform/awaitable.ts";
import { pause } from "../../platform/pause.ts";
import type { Entry, SessionStore, Version } from "../../store.ts";
import { type Dialect, type Parameters, type SqlValue, type Statement, sweepBatch } from "./statements.ts";

/** What every SQL store may be told. */
export interface SqlStoreOptions {
  /** The table, as `table` or `schema.table`: letters, digits and underscores. Default `sessions`. */
  readonly table?: string;
  /** The time in epoch milliseconds; the database's own is never asked. Default `Date.now`. */
  readonly clock?: () => number;
}

/**
 * A store in one table of an SQL database. Every operation is one prepared statement, so atomic, and one round trip.
 */
export interface SqlStore extends SessionStore {
  /** Moves the expiry (epoch milliseconds), and keeps the version. */
  touch(key: string, expiresAt: number, expected?: Version): Awaitable<boolean>;
  /** The keys of the subject's live entries, by an index. */
  keysOf(subject: string): Awaitable<string[]>;
  /**
   * Drops what expired at or before `now` (epoch milliseconds), 1000 rows at a time with a pause in between, and
   * returns how many.
   */
  sweep(now: number): Awaitable<number>;
  /**
   * Makes the table and its indexes where they are missing. Does no harm when they are there, nor when several
   * processes start at once. A role without the right to define tables may call it once they are there.
   */
  createTable(): Awaitable<void>;
}

/** What a store needs of a database's client. */
export interface SqlClient {
  /** The rows of a query, each as its columns in order. */
  rows(statement: Statement, values: SqlValue[]): Awaitable<readonly ArrayLike<unknown>[]>;
  /** Runs a writing statement, and returns how many rows it wrote. */
  run(statement: Statement, values: SqlValue[]): Awaitable<number>;
  /** Runs statements that define a table. */
  define(statements: readonly string[]): Awaitable<unknown>;
}

/** @throws {TypeError} when `clock` is not a function. */
export function sqlStore(client: SqlClient, dialect: Dialect, clock: () => number = () => Date.now()): SqlStore {
  if (typeof clock !== "function")
    throw new TypeError("Cannot read the time: clock must be a function that returns epoch milliseconds");
  const { statements } = dialect;
  // The columns are whole numbers, and a clock may know fractions.
  const now = (): number => Math.floor(clock());

  function rows(statement: Statement, parameters: Parameters): Awaitable<readonly ArrayLike<unknown>[]> {
    return client.rows(statement, inOrder(statement, parameters));
  }

  function run(statement: Statement, parameters: Parameters): Awaitable<number> {
    return client.run(statement, inOrder(statement, parameters));
  }

  function wrote(statement: Statement, parameters: Parameters): Awaitable<boolean> {
    return after(run(statement, parameters), (count) => count > 0);
  }

  return {
    read: (key) =>
      after(rows(statements.read, { key, now: now() }), ([row]) => (row === undefined ? undefined : entryOf(row))),
    create(key, value, meta) {
      refuseIllFormed(value);
      const version = firstVersion();
      const { subject = null } = meta;
      const parameters = { key, value, version, expiresAt: Math.floor(meta.expiresAt), subject, now: now() };
      return after(wrote(statements.create, parameters), (done) => (done ? version : undefined));
    },
    update(key, value, meta, expected) {
      refuseIllFormed(value);
      if (!isOurs(expected)) return undefined;
      const { subject = null } = meta;
      const parameters = { key, value, expected, expiresAt: Math.floor(meta.expiresAt), subject, now: now() };
      return after(wrote(statements.update, parameters), (done) => (done ? expected + 1 : undefined));
    },
    delete(key, expected) {
      if (expected === undefined) return wrote(statements.delete, { key, now: now() });
      return isOurs(expected) && wrote(statements.deleteAt, { key, expected, now: now() });
    },
    touch(key, expiry, expected) {
      const expiresAt = Math.floor(expiry);
      // The version stays, so that a touch makes no writer beside it start again.
      if (expected === undefined) return wrote(statements.touch, { key, expiresAt, now: now() });
      return isOurs(expected) && wrote(statements.touchAt, { key, expected, expiresAt, now: now() });
    },
    keysOf: (subject) =>
      after(rows(statements.keysOf, { subject, now: now() }), (found) => found.map((row) => String(row[0]))),
    sweep(time) {
      const until = Math.floor(time);
      const nextBatch = (): Awaitable<number> => run(statements.sweep, { now: until });
      const first = nextBatch();
      return typeof first === "number" && first < sweepBatch ? first : sweepOn(first, nextBatch);
    },
    createTable: () => createTable(client, dialect),
  };
}

/** Deletes batch after batch until one is not full; the number of entries deleted. */
async function sweepOn(first: Awaitable<number>, nextBatch: () => Awaitable<number>): Promise<number> {
  let total = 0;
  for (let batch = await first; ; batch = await nextBatch()) {
    total += batch;
    if (batch < sweepBatch) return total;
    // A synchronous client would block the whole program.
    await pause();
  }
}

/** Makes what is missing. */
function createTable(client: SqlClient, { schema, present }: Dialect): Awaitable<void> {
  return after(client.rows(present, []), (rows) => {
    const names = new Set(rows.map((row) => String(row[0])));
    const missing = schema.filter(({ name }) => !names.has(name)).map(({ text }) => text);
    return missing.length === 0 ? undefined : after(client.define(missing), () => undefined);
  });
}

/** The text that makes the table, for those who keep their migrations themselves. */
export function schemaText({ schema }: Dialect): string {
  return schema.map(({ text }) => `${text};\n`).join("");
}

/**
 * Versions count up from a random start, so that an entry deleted and created anew does not get one that it had before.
 * Chosen here and not by the database, so that no statement need return anything; below 2^52, so that counting stays
 * within whole numbers.
 */
function firstVersion(): number {
  return 1 + Math.floor(Math.random() * 2 ** 52);
}

/** Whatever else somebody hands in cannot be the version of an entry, and the database would call it an error. */
function isOurs(version: Version): version is number {
  return Number.isSafeInteger(version);
}

/** Drivers give large integers as numbers, strings or bigints. Damaged values are left to whoever decodes them. */
function entryOf(row: ArrayLike<unknown>): Entry {
  return { value: String(row[0]), version: Number(row[1]), expiresAt: Number(row[2]) };
}

function inOrder(statement: Statement, parameters: Parameters): SqlValue[] {
  return statement.parameters.map((name) => parameters[name] ?? null);
}

/** UTF-8 has no lone surrogates: the databases would put another character in their place, in silence. */
function refuseIllFormed(value: string): void {
  if ((value as { isWellFormed?(): boolean }).isWellFormed?.() === false)
    throw new TypeError("Cannot store text with a lone surrogate: the database would change it");
}
