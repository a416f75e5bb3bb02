import { SessionError } from "../errors.ts";
import { ignoreRejection, isPromise } from "../platform/awaitable.ts";
import { type Codec, copyOf, isPlain, put } from "./codec.ts";
import { placesOf, type SchemaIssue, type StandardSchema } from "./schema.ts";

export type Data = Record<string, unknown>;

export type Validated = { readonly view: Data } | { readonly issues: readonly SchemaIssue[] };

/** Data held against a schema; without one anything fits. */
export interface Validator {
  /**
   * What a request sees of data, or why it does not fit. A schema that throws or answers with a promise is at fault,
   * not the data: `data_invalid` is thrown.
   */
  validate(data: Data): Validated;
  /** The view, or `data_invalid` with the places and `what` before them. */
  viewOrThrow(data: Data, what: string): Data;
  /** Throws `data_invalid` unless the schema leaves its own output as it is: what a request read it may write back. */
  checkIdempotence(data: Data, view: Data): void;
}

export function createValidator(schema: StandardSchema | undefined, codec: Codec): Validator {
  function validate(data: Data): Validated {
    if (schema === undefined) return { view: data };
    const result = answerOf(schema, copyOf(codec, data, "data"));
    return result.issues ? { issues: result.issues } : { view: viewOf(data, result.value as Data) };
  }

  function viewOrThrow(data: Data, what: string): Data {
    const result = validate(data);
    if ("issues" in result) throw invalid(what, result.issues);
    return result.view;
  }

  function checkIdempotence(data: Data, view: Data): void {
    const text = textOf(view);
    // Left as it was, it would be again
    if (text === textOf(data)) return;
    const again = validate(view);
    if ("view" in again && textOf(again.view) === text) return;
    const changed = Object.keys(view).filter(
      (key) => "issues" in again || textOf({ value: again.view[key] }) !== textOf({ value: view[key] }),
    );
    throw new SessionError(
      "data_invalid",
      `The schema must leave its own output as it is, but changes ${changed} again`,
    );
  }

  function textOf(data: Data): string {
    try {
      return codec.encode(data);
    } catch (cause) {
      throw new SessionError("data_invalid", "The schema gives what the codec cannot store", { cause });
    }
  }

  return { validate, viewOrThrow, checkIdempotence };
}

export function invalid(what: string, issues: readonly SchemaIssue[]): SessionError {
  return new SessionError("data_invalid", `${what} at ${placesOf(issues)}`);
}

/** `data` is a copy, since some schemas change what they are given. */
function answerOf(
  schema: StandardSchema,
  data: unknown,
): { value?: unknown; issues?: readonly SchemaIssue[] | undefined } {
  let result: unknown;
  try {
    result = schema["~standard"].validate(data);
  } catch (cause) {
    throw new SessionError("data_invalid", "The schema threw instead of naming issues", { cause });
  }
  if (isPromise(result)) {
    ignoreRejection(result);
    const message = "The schema answered with a promise: sessions are read at once, so leave out what is asynchronous";
    throw new SessionError("data_invalid", message);
  }
  // Whatever has the two properties: ArkType's answer is a list
  const { value, issues } = Object(result) as { value?: unknown; issues?: readonly SchemaIssue[] };
  if (!issues && !isData(value)) throw new SessionError("data_invalid", "The schema must give an object");
  return { value, issues };
}

/** An object of keys, and not a promise. */
export function isData(value: unknown): value is Data {
  if (isPromise(value)) ignoreRejection(value);
  return typeof value === "object" && value !== null && !Array.isArray(value) && !isPromise(value);
}

/**
 * The keys that the schema knows, as it gives them. Inside a value, what it does not know stays: `{ ...profile, name }`
 * must not lose the field of a newer deployment.
 */
function viewOf(data: Data, output: Data): Data {
  const view: Data = {};
  for (const [key, value] of Object.entries(output)) {
    if (value !== undefined) put(view, key, Object.hasOwn(data, key) ? withUnknown(data[key], value) : value);
  }
  return view;
}

function withUnknown(stored: unknown, output: unknown): unknown {
  if (Array.isArray(stored) && Array.isArray(output)) {
    return stored.length === output.length ? output.map((item, at) => withUnknown(stored[at], item)) : output;
  }
  if (!isData(stored) || !isData(output) || !isPlain(stored) || !isPlain(output)) return output;
  const merged: Data = {};
  for (const [key, value] of Object.entries(output)) {
    put(merged, key, Object.hasOwn(stored, key) ? withUnknown(stored[key], value) : value);
  }
  for (const [key, value] of Object.entries(stored)) if (!Object.hasOwn(output, key)) put(merged, key, value);
  return merged;
}

/** Whether requests may share a value: one that freezing protects. */
export function isShareable(value: unknown): boolean {
  if (typeof value !== "object" || value === null) return typeof value !== "function";
  return isPlain(value) && Object.values(value).every(isShareable);
}
