/*
 * A client of another kind, or one with callbacks, answers with something else. Taken for no rows it would look like an
 * empty store, so that everybody is signed out.
 */

/** Rows that a client answered with. */
export function rowsOf(answer: unknown): readonly ArrayLike<unknown>[] {
  if (Array.isArray(answer)) return answer as readonly ArrayLike<unknown>[];
  throw new TypeError(`The database client answered with ${kindOf(answer)} instead of rows: ${NOT_KNOWN}`);
}

/** How many rows a client says it wrote. */
export function countOf(answer: unknown): number {
  if (typeof answer === "number" || typeof answer === "bigint") return Number(answer);
  throw new TypeError(`The database client answered with ${kindOf(answer)} instead of a number of rows: ${NOT_KNOWN}`);
}

const NOT_KNOWN = "it is not one of the clients that this store takes";

function kindOf(answer: unknown): string {
  return answer === null ? "null" : typeof answer === "object" ? "an object" : typeof answer;
}
