import { type Codec, jsonCodec } from "../session/codec.ts";
import type { StableSchema, StandardSchema } from "../session/schema.ts";
import { createShape } from "../session/shape.ts";

/**
 * Checks that a schema suits the data of sessions: an empty session fits, each of the `samples` fits, and the schema
 * leaves its own output as it is, since what a request reads it may write again. That its output fits its input is a
 * matter of types: where it does not, the call does not compile.
 *
 * @param samples data as sessions hold it, with as many of its keys as may be
 * @throws TypeError for a schema that `createSessions` refuses; SessionError `data_invalid` for a sample
 * @example
 * ```ts
 * test("the schema of our sessions", () => {
 *   checkSchema(Data, [{ cart: ["book"], theme: "dark" }]);
 * });
 * ```
 */
export function checkSchema<Schema extends StandardSchema>(
  schema: Schema & StableSchema<Schema>,
  samples: readonly object[],
  { codec = jsonCodec }: { codec?: Codec } = {},
): void {
  const shape = createShape(schema, {}, codec, () => {});
  for (const sample of samples) shape?.check(sample as Record<string, unknown>, 1, Object.keys(sample));
}
