/** The statements of an SQL store: their names, their parameters, and those that every dialect says alike. */

export type StatementName =
  | "read"
  | "create"
  | "update"
  | "touch"
  | "touchAt"
  | "delete"
  | "deleteAt"
  | "keysOf"
  | "sweep";

/** What a statement may take. `expected` is a version, `now` and `expiresAt` are epoch milliseconds. */
export interface Parameters {
  readonly key?: string;
  readonly value?: string;
  readonly version?: number;
  readonly expected?: number;
  readonly expiresAt?: number;
  readonly now?: number;
  readonly subject?: string | null;
}

/** What a parameter is made of. */
export type SqlValue = string | number | null;

/** A statement as the engine reads it. */
export interface Statement {
  readonly name: StatementName | "present";
  readonly text: string;
  /** What goes where: the parameters in the order of their placeholders. */
  readonly parameters: readonly (keyof Parameters)[];
}

export type Statements = { readonly [Name in StatementName]: Statement };

/** A table or an index, by its name and the statement that makes it. */
export interface Definition {
  readonly name: string;
  readonly text: string;
}

/** All the SQL of one engine for one table. */
export interface Dialect {
  /** What makes the table, in order. Every statement leaves alone what is there already. */
  readonly schema: readonly Definition[];
  /**
   * Asks which of the names of the schema are there; one row for each. Asked first, since a role that may not define
   * anything is refused even what would change nothing.
   */
  readonly present: Statement;
  readonly statements: Statements;
}

/** How many rows one statement of `sweep` deletes: enough to be quick, few enough that nobody waits for it. */
export const sweepBatch = 1_000;

/**
 * What needs no dialect. Each is one statement, so that the engine makes it atomic. Of two that race on a row, the
 * engine makes the second wait and then judge the row as the first left it; so a version matches at most once.
 *
 * @param table the quoted name
 */
export function standardStatements(table: string): Record<Exclude<StatementName, "create" | "sweep">, string> {
  return {
    read: `SELECT value, version, expires_at FROM ${table} WHERE session_key = :key AND expires_at > :now`,
    update:
      `UPDATE ${table} SET value = :value, version = version + 1, expires_at = :expiresAt, subject = :subject` +
      " WHERE session_key = :key AND version = :expected AND expires_at > :now",
    touch: `UPDATE ${table} SET expires_at = :expiresAt WHERE session_key = :key AND expires_at > :now`,
    touchAt: `UPDATE ${table} SET expires_at = :expiresAt WHERE session_key = :key AND version = :expected AND expires_at > :now`,
    delete: `DELETE FROM ${table} WHERE session_key = :key AND expires_at > :now`,
    deleteAt: `DELETE FROM ${table} WHERE session_key = :key AND version = :expected AND expires_at > :now`,
    keysOf: `SELECT session_key FROM ${table} WHERE subject = :subject AND expires_at > :now`,
  };
}

/** Turns `:name` into the engine's own placeholders. */
export function compile(texts: Record<StatementName, string>, placeholder: (position: number) => string): Statements {
  const statements = Object.entries(texts).map(([name, source]) => {
    const parameters: (keyof Parameters)[] = [];
    const text = source.replace(/:([a-zA-Z]+)/g, (_, parameter: keyof Parameters) =>
      placeholder(parameters.push(parameter)),
    );
    return [name, { name, text, parameters }];
  });
  return Object.fromEntries(statements) as Statements;
}
