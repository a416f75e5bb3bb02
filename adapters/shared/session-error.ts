import type { SessionErrorCode } from "../../src/index.ts";

/** Whether an error is a `SessionError` of one of the codes, by its fields: a process may hold two copies of ours. */
export function isSessionError(error: unknown, ...codes: readonly SessionErrorCode[]): boolean {
  const { name, code } = Object(error) as { name?: unknown; code?: unknown };
  return name === "SessionError" && codes.some((one) => one === code);
}
