import { describe, expect, test, vi } from "vitest";
import type { SessionEvent } from "../../src/index.ts";
import { type Codec, jsonCodec } from "../../src/session/codec.ts";
import type { SchemaIssue, SchemaResult, StandardSchema } from "../../src/session/schema.ts";
import { createShape, type DataOptions, type Shape } from "../../src/session/shape.ts";

type Data = Record<string, unknown>;

function schemaOf(validate: (value: Data) => unknown): StandardSchema<Data> {
  const run = validate as (value: unknown) => SchemaResult<Data>;
  return { "~standard": { version: 1, vendor: "test", validate: run } };
}

/** Knows `cart`, a list with a default, and `theme`, "light" or "dark"; strips the rest. */
const shop = schemaOf(({ cart = [], theme }) => {
  const issues: SchemaIssue[] = [];
  if (!Array.isArray(cart)) issues.push({ message: `not ${cart}`, path: ["cart"] });
  else
    for (const [at, item] of cart.entries())
      if (typeof item?.id !== "number") issues.push({ message: "id", path: [{ key: "cart" }, at, "id"] });
  if (theme !== undefined && theme !== "light" && theme !== "dark")
    issues.push({ message: `not ${theme}`, path: ["theme"] });
  if (issues.length > 0) return { issues };
  return {
    value: { cart: (cart as { id: number }[]).map(({ id }) => ({ id })), ...(theme !== undefined && { theme }) },
  };
});

function shapeOf(options: DataOptions & { schema?: StandardSchema }, codec: Codec = jsonCodec) {
  const events: SessionEvent[] = [];
  const shape = createShape(options.schema, options, codec, (event) => events.push(event)) as Shape;
  const open = (data: Data, version = 1) => shape.open({ data, version, handle: "h", subject: "ada" });
  return { shape, open, events };
}

describe("a view", () => {
  test("has the defaults; the data to store has not", () => {
    const { open, shape } = shapeOf({ schema: shop });
    expect(open({})).toEqual({ data: {}, view: { cart: [] }, version: 1 });
    expect(shape.empty()).toEqual({ cart: [] });
    expect(shape.empty()).not.toBe(shape.empty());
  });

  test("has no keys that the schema does not know, but values keep all that is in them", () => {
    const stored = { cart: [{ id: 1, gift: { for: "Ada" } }], wishes: ["a"] };
    const { data, view } = shapeOf({ schema: shop }).open(stored);
    expect(view).toEqual({ cart: [{ id: 1, gift: { for: "Ada" } }] });
    expect(data).toEqual(stored);
  });

  test("has no keys whose value is undefined", () => {
    const { open } = shapeOf({ schema: schemaOf(() => ({ value: { a: undefined, b: 1 } })) });
    expect(Object.keys(open({}).view)).toEqual(["b"]);
  });

  test("is made once for each stored object, and anew where requests cannot share it", () => {
    const validate = vi.fn(() => ({ value: {} as Data }));
    const plain = shapeOf({ schema: schemaOf(validate) });
    validate.mockClear();
    const stored = { a: 1 };
    expect(plain.open(stored)).toBe(plain.open(stored));
    expect(validate).toHaveBeenCalledTimes(1);
    const dates = shapeOf(
      { schema: schemaOf(({ when = 0 }) => ({ value: { when: new Date(Number(new Date(when as string))) } })) },
      {
        encode: JSON.stringify,
        decode: JSON.parse,
      },
    );
    const due = { when: "2030-01-01T00:00:00.000Z" };
    expect(dates.open(due).view.when).not.toBe(dates.open(due).view.when);
  });

  test("is made of a copy: a schema that changes what it gets changes nothing that is stored", () => {
    const schema = schemaOf((value) => {
      delete value.old;
      (value.list as unknown[] | undefined)?.splice(0);
      return { value };
    });
    const stored = { old: 1, list: [1, 2] };
    expect(shapeOf({ schema }).open(stored)).toEqual({
      data: { old: 1, list: [1, 2] },
      view: { list: [] },
      version: 1,
    });
    expect(stored).toEqual({ old: 1, list: [1, 2] });
  });

  test("takes a key called __proto__ for a key", () => {
    const { view } = shapeOf({ schema: schemaOf((value) => ({ value })) }).open(
      JSON.parse('{"__proto__":{"admin":true}}'),
    );
    expect(Object.keys(view)).toEqual(["__proto__"]);
    expect((view as { admin?: unknown }).admin).toBeUndefined();
  });
});

describe("before a write", () => {
  const changed = ["theme", "cart"];

  test("data that does not fit is refused with its places and the changed keys, and no word of the data", () => {
    const { shape } = shapeOf({ schema: shop });
    const check = () => shape.check({ theme: "secret", cart: [{ id: 1 }, { id: "secret" }] }, 1, changed);
    expect(check).toThrow(/^Nothing was stored: after changes to theme, cart .* at "cart\[1\]\.id", "theme" \(/);
    expect(check).toThrow(expect.objectContaining({ code: "data_invalid" }));
    expect(check).not.toThrow(/secret/);
  });

  test("many issues are named up to five", () => {
    const issues = Array.from({ length: 8 }, (_, n) => ({ message: "", path: ["list", n] }));
    const { shape } = shapeOf({ schema: schemaOf((value) => ("list" in value ? { issues } : { value })) });
    expect(() => shape.check({ list: [] }, 1, ["list"])).toThrow(/"list\[4\]" and 3 more places/);
  });

  test("data that fits is validated already when it is read", () => {
    const { shape, open } = shapeOf({ schema: shop });
    const data = { cart: [{ id: 1 }], other: 1 };
    shape.check(data, 1, changed);
    expect(open(data)).toBe(open(data));
    expect(open(data).view).toEqual({ cart: [{ id: 1 }] });
  });

  test.each<[string, (value: Data) => Data, Data]>([
    [
      "appends each time",
      ({ name, ...rest }) => ({ ...rest, ...(name !== undefined && { name: `${name}!` }) }),
      { name: "a" },
    ],
    ["counts each time", ({ n }) => (n === undefined ? {} : { n: Number(n) + 1 }), { n: 1 }],
  ])("a schema that %s is refused", (_, transform, data) => {
    const { shape } = shapeOf({ schema: schemaOf((value) => ({ value: transform(value) })) });
    const check = () => shape.check(data, 1, Object.keys(data));
    expect(check).toThrow(/leave its own output as it is, but changes (name|n) again/);
    expect(check).toThrow(expect.objectContaining({ code: "data_invalid" }));
  });

  test("a schema that refuses its own output is refused", () => {
    const schema = schemaOf(({ n }) =>
      typeof n === "number" ? { issues: [{ message: "" }] } : { value: n ? { n: Number(n) } : {} },
    );
    expect(() => shapeOf({ schema }).shape.check({ n: "5" }, 1, ["n"])).toThrow(/changes n again/);
  });

  test("trimming and defaults are fine", () => {
    const { shape } = shapeOf({ schema: schemaOf(({ name = "" }) => ({ value: { name: String(name).trim() } })) });
    expect(() => shape.check({ name: " a " }, 1, ["name"])).not.toThrow();
  });
});

describe("a schema at fault", () => {
  const late: [string, (value: Data) => unknown, RegExp][] = [
    [
      "throws",
      () => {
        throw new Error("boom");
      },
      /threw/,
    ],
    ["answers with a promise", async () => ({ value: {} }), /promise/],
    [
      "answers with a promise that fails",
      async () => {
        throw new Error("boom");
      },
      /promise/,
    ],
    ["answers with nothing", () => undefined, /must give an object/],
    ["gives a list", () => ({ value: [] }), /must give an object/],
    ["gives a text", () => ({ value: "a" }), /must give an object/],
    ["gives null", () => ({ value: null }), /must give an object/],
  ];

  test.each(late)("that %s is refused at construction", (_, validate, message) => {
    expect(() => shapeOf({ schema: schemaOf(validate) })).toThrow(TypeError);
    expect(() => shapeOf({ schema: schemaOf(validate) })).toThrow(message);
  });

  test.each(late)(
    "that %s for some data only is an error each time, whatever onInvalid says",
    (_, validate, message) => {
      const schema = schemaOf((value) => ("odd" in value ? validate(value) : { value }));
      for (const onInvalid of ["throw", "reset", () => ({})] as const) {
        const { open, events } = shapeOf({ schema, onInvalid });
        expect(() => open({ odd: 1 })).toThrow(
          expect.objectContaining({ code: "data_invalid", message: expect.stringMatching(message) }),
        );
        expect(events).toEqual([]);
      }
    },
  );

  test.each<[string, unknown, RegExp]>([
    [
      "requires a key",
      schemaOf((value) => ("a" in value ? { value } : { issues: [{ message: "a is missing", path: ["a"] }] })),
      /make each key optional or give it a default \("a": a is missing\)/,
    ],
    ["changes its own default", schemaOf(({ n = 0 }) => ({ value: { n: Number(n) + 1 } })), /leave its own output/],
    ["has a default that cannot be stored", schemaOf(() => ({ value: { at: new Date() } })), /"session.at"/],
    ["is none", {}, /Standard Schema/],
    ["is a text", "schema", /Standard Schema/],
    ["is null", null, /Standard Schema/],
    ["is of another version", { "~standard": { version: 2, validate: () => ({ value: {} }) } }, /Standard Schema/],
    ["has no validate", { "~standard": { version: 1 } }, /Standard Schema/],
  ])("that %s is refused at construction", (_, schema, message) => {
    expect(() => shapeOf({ schema: schema as StandardSchema })).toThrow(TypeError);
    expect(() => shapeOf({ schema: schema as StandardSchema })).toThrow(message);
  });

  test("may be a function, as those of ArkType are", () => {
    const schema = Object.assign(() => {}, shop);
    expect(shapeOf({ schema }).open({}).view).toEqual({ cart: [] });
  });
});

describe("versions", () => {
  const migrate = {
    1: ({ basket, ...rest }: Data) => ({ ...rest, cart: ((basket as number[]) ?? []).map((id) => ({ id })) }),
    2: ({ dark, ...rest }: Data) => ({ ...rest, theme: dark ? "dark" : "light" }),
  };

  test("older data is migrated step by step, validated, and of our version", () => {
    const { open } = shapeOf({ schema: shop, version: 3, migrate });
    const stored = { basket: [7], dark: true, other: 1 };
    expect(open(stored, 1)).toEqual({
      data: { cart: [{ id: 7 }], theme: "dark", other: 1 },
      view: { cart: [{ id: 7 }], theme: "dark" },
      version: 3,
    });
    expect(stored).toEqual({ basket: [7], dark: true, other: 1 });
    expect(open({ cart: [], dark: false }, 2).view).toEqual({ cart: [], theme: "light" });
    expect(open({ theme: "dark" }, 3).data).toEqual({ theme: "dark" });
  });

  test("newer data is validated as it is and keeps its version", () => {
    const { open, events } = shapeOf({ schema: shop, version: 3, migrate, onInvalid: "reset" });
    expect(open({ theme: "dark", later: 1 }, 4)).toEqual({
      data: { theme: "dark", later: 1 },
      view: { cart: [], theme: "dark" },
      version: 4,
    });
    expect(() => open({ theme: "sepia" }, 4)).toThrow(/data of version 4 does not fit the schema at "theme"/);
    expect(events).toEqual([]);
  });

  test("without a schema data is migrated all the same", () => {
    const { open, shape } = shapeOf({ version: 2, migrate: { 1: ({ a }) => ({ b: a }) } });
    expect(open({ a: 1 })).toEqual({ data: { b: 1 }, view: { b: 1 }, version: 2 });
    expect(() => shape.check({ anything: 1 }, 2, [])).not.toThrow();
    expect(createShape(undefined, {}, jsonCodec, () => {})).toBeUndefined();
  });

  test("a migration may change what it gets", () => {
    const change = (data: Data): Data => {
      (data.list as number[]).push(2);
      data.renamed = data.list;
      delete data.list;
      return data;
    };
    const stored = Object.freeze({ list: Object.freeze([1]) });
    expect(shapeOf({ version: 2, migrate: { 1: change } }).open(stored as never).data).toEqual({ renamed: [1, 2] });
    expect(stored).toEqual({ list: [1] });
  });

  test.each<[string, (data: Data) => unknown, string, RegExp]>([
    [
      "throws",
      () => {
        throw new Error("boom");
      },
      "data_invalid",
      /migrate\[1\] threw/,
    ],
    ["is async", async () => ({}), "data_invalid", /must return an object of data, at once/],
    [
      "is async and fails",
      async () => {
        throw new Error("boom");
      },
      "data_invalid",
      /at once/,
    ],
    ["returns nothing", () => undefined, "data_invalid", /must return an object/],
    ["returns a list", () => [], "data_invalid", /must return an object/],
    ["returns what JSON cannot hold", () => ({ at: new Date() }), "value_not_storable", /"data.at"/],
  ])("a migration that %s is an error each time, whatever onInvalid says", (_, step, code, message) => {
    for (const onInvalid of ["throw", "reset", () => ({})] as const) {
      const { open, events } = shapeOf({ schema: shop, version: 2, migrate: { 1: step as never }, onInvalid });
      const stored = { a: 1 };
      for (let time = 0; time < 2; time++)
        expect(() => open(stored)).toThrow(expect.objectContaining({ code, message: expect.stringMatching(message) }));
      expect(events).toEqual([]);
    }
  });

  test("data too old for any migration is invalid", () => {
    const { open } = shapeOf({ schema: shop, version: 3, migrate: { 2: (data) => data } });
    expect(() => open({}, 1)).toThrow(/stored data of version 1, and no migration from it/);
    const issues: unknown[] = [];
    const lenient = shapeOf({
      schema: shop,
      version: 3,
      onInvalid: (_, found) => (issues.push(...found) > 0 ? {} : {}),
    });
    expect(lenient.open({ a: 1 }, 1)).toEqual({ data: {}, view: { cart: [] }, version: 3 });
    expect(issues).toEqual([{ message: expect.stringMatching(/migration/) }]);
  });

  test.each<[DataOptions | Record<string, unknown>, RegExp]>([
    [{ version: 0 }, /version must be a whole number from 1, not 0/],
    [{ version: 1.5 }, /version must be/],
    [{ version: -1 }, /version must be/],
    [{ version: Number.NaN }, /version must be/],
    [{ version: Number.POSITIVE_INFINITY }, /version must be/],
    [{ version: "2" }, /version must be .* not "2"/],
    [{ version: null }, /version must be/],
    [{ version: 2n }, /version must be/],
    [{ migrate: { 1: (data: Data) => data } }, /a key of migrate must be a version from 1 to below 1/],
    [{ version: 2, migrate: { 2: (data: Data) => data } }, /a key of migrate/],
    [{ version: 2, migrate: { 0: (data: Data) => data } }, /a key of migrate/],
    [{ version: 2, migrate: { "1.0": (data: Data) => data } }, /a key of migrate/],
    [{ version: 2, migrate: { v1: (data: Data) => data } }, /a key of migrate/],
    [{ version: 4, migrate: { 1: (data: Data) => data, 3: (data: Data) => data } }, /migrate\[2\] must be a function/],
    [{ version: 4, migrate: { 1: (data: Data) => data, 2: (data: Data) => data } }, /migrate\[3\] must be a function/],
    [{ version: 2, migrate: { 1: "rename" } }, /migrate\[1\] must be a function/],
    [{ version: 2, migrate: null }, /migrate must be an object/],
    [{ version: 2, migrate: () => ({}) }, /migrate must be an object/],
    [{ onInvalid: "ignore" }, /onInvalid must be "throw" or "reset"/],
    [{ onInvalid: "reset" }, /onInvalid needs a schema/],
  ])("%o is refused at construction", (options, message) => {
    expect(() => shapeOf(options as DataOptions)).toThrow(message);
  });
});

describe("data that does not fit", () => {
  const stored = { theme: "blue", cart: [{ id: 1 }] };

  test("is an error by default, at each request", () => {
    const { open } = shapeOf({ schema: shop });
    for (let time = 0; time < 2; time++)
      expect(() => open(stored)).toThrow(/^The stored data of version 1 does not fit the schema at "theme" \(/);
  });

  test("is left out with reset, and an event says so once for each text", () => {
    const { open, events } = shapeOf({ schema: shop, onInvalid: "reset" });
    expect(open(stored)).toEqual({ data: {}, view: { cart: [] }, version: 1 });
    open(stored);
    expect(events).toEqual([{ type: "data_reset", handle: "h", subject: "ada" }]);
  });

  test("is what a function makes of it", () => {
    const onInvalid = vi.fn((data: Data, issues: readonly SchemaIssue[]) => {
      for (const { path = [] } of issues) delete data[String(path[0])];
      return data;
    });
    const { open } = shapeOf({ schema: shop, onInvalid });
    expect(open(stored)).toEqual({ data: { cart: [{ id: 1 }] }, view: { cart: [{ id: 1 }] }, version: 1 });
    expect(onInvalid).toHaveBeenCalledTimes(1);
    expect(stored.theme).toBe("blue");
  });

  test.each<[string, () => unknown, RegExp]>([
    [
      "throws",
      () => {
        throw new Error("boom");
      },
      /onInvalid threw/,
    ],
    ["is async", async () => ({}), /onInvalid must return an object/],
    ["returns nothing", () => undefined, /onInvalid must return an object/],
    [
      "returns what does not fit either",
      () => ({ theme: "blue" }),
      /What onInvalid returned does not fit the schema at "theme"/,
    ],
  ])("a function that %s is an error", (_, onInvalid, message) => {
    const { open } = shapeOf({ schema: shop, onInvalid: onInvalid as never });
    expect(() => open(stored)).toThrow(
      expect.objectContaining({ code: "data_invalid", message: expect.stringMatching(message) }),
    );
  });
});
