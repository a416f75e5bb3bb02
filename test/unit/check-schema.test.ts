import { expect, test } from "vitest";
import type { SchemaResult, StandardSchema } from "../../src/index.ts";
import { checkSchema } from "../../src/testing.ts";

type Data = { name?: unknown };

function schemaOf(name: (value: unknown) => SchemaResult<unknown>): StandardSchema<Data> {
  const validate = (value: unknown): SchemaResult<Data> => {
    const data = value as Data;
    if (data.name === undefined) return { value: {} };
    const result = name(data.name);
    return result.issues ? result : { value: { name: result.value } };
  };
  return { "~standard": { version: 1, vendor: "test", validate } };
}

test("checkSchema() passes a schema that leaves its own output as it is", () => {
  const trimmed = schemaOf((name) => ({ value: String(name).trim() }));
  expect(() => checkSchema(trimmed, [{}, { name: " Ada " }, { name: "Ada" }])).not.toThrow();
});

test("checkSchema() finds a schema that changes its own output, and a sample that does not fit", () => {
  const shouting = schemaOf((name) => ({ value: `${name}!` }));
  expect(() => checkSchema(shouting, [])).not.toThrow();
  expect(() => checkSchema(shouting, [{ name: "Ada" }])).toThrow(/changes name again/);
  const picky = schemaOf((name) => (name === "Ada" ? { value: name } : { issues: [{ message: "", path: ["name"] }] }));
  expect(() => checkSchema(picky, [{ name: "Ada" }, { name: "Bob" }])).toThrow(/does not fit the schema at "name"/);
});

test("checkSchema() finds output that cannot be stored, unless the codec can", () => {
  const dated = schemaOf((name) => ({ value: { when: name, toJSON: () => 10n } }));
  expect(() => checkSchema(dated, [{ name: 1 }])).toThrow(/cannot store/);
});

test("checkSchema() refuses what createSessions refuses", () => {
  const required: StandardSchema<Data> = {
    "~standard": { version: 1, vendor: "test", validate: () => ({ issues: [{ message: "missing", path: ["name"] }] }) },
  };
  expect(() => checkSchema(required, [])).toThrow(TypeError);
});
