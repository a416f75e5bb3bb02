/** A table's name, taken apart. */
export interface TableName {
  readonly schema: string | undefined;
  readonly table: string;
}

// PostgreSQL cuts names after 63 characters: with "_expires_at_idx" behind it, a name of 48 is still whole.
const tableNames = /^(?:([A-Za-z_][A-Za-z0-9_]{0,47})\.)?([A-Za-z_][A-Za-z0-9_]{0,47})$/;

/**
 * Takes a table's name apart, and refuses whatever could be more than a name.
 *
 * @throws {TypeError} when it is not one or two identifiers.
 */
export function parseTableName(name: unknown): TableName {
  const parts = typeof name === "string" ? tableNames.exec(name) : null;
  if (parts?.[2] === undefined) {
    const shown = typeof name === "string" ? JSON.stringify(name) : typeof name;
    throw new TypeError(
      `Cannot use ${shown} as a table: name it as "table" or "schema.table", in letters, digits and underscores, at most 48 characters each`,
    );
  }
  return { schema: parts[1], table: parts[2] };
}

/** The name as it stands in a statement: quoted, so that letters keep their case and no word is reserved. */
export function quoted({ schema, table }: TableName, quote: '"' | "`"): string {
  const name = `${quote}${table}${quote}`;
  return schema === undefined ? name : `${quote}${schema}${quote}.${name}`;
}
