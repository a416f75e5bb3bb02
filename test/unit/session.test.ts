import { describe, expect, test } from "vitest";
import { type Codec, createSessions, type Session } from "../../src/index.ts";

const REQUEST = { url: "https://example.com/", headers: { get: () => null } };

async function visitor<Data extends object = Record<string, unknown>>(codec?: Codec): Promise<Session<Data>> {
  return createSessions<Data>(codec ? { codec } : {}).load(REQUEST);
}

describe("data", () => {
  test("is Map-like: get, has, set, delete, clear, all, with any string as a key", async () => {
    const session = await visitor();
    for (const key of ["save", "get", "toJSON", "constructor", "__proto__", "hasOwnProperty", "", "ü", "a b"]) {
      expect([session.has(key), session.get(key)]).toEqual([false, undefined]);
      session.set(key, { key });
      expect([session.has(key), session.get(key)]).toEqual([true, { key }]);
    }
    expect(Object.keys(session.all())).toContain("__proto__");
    session.delete("__proto__");
    expect(session.has("__proto__")).toBe(false);
    session.clear();
    expect(session.all()).toEqual({});
    expect(({} as { key?: string }).key).toBe(undefined);
  });

  test("set(key, undefined) and an update that returns undefined delete", async () => {
    const session = await visitor();
    session.set("a", 1);
    session.set("a", undefined);
    session.set("b", 1);
    session.update("b", () => undefined);
    expect(session.all()).toEqual({});
  });

  test("set takes a snapshot: later changes to the argument do not count", async () => {
    const session = await visitor();
    const list = [{ n: 1 }];
    session.set("list", list);
    list[0] = { n: 2 };
    list.push({ n: 3 });
    expect(session.get("list")).toEqual([{ n: 1 }]);
  });

  test("what get and all return is frozen all the way down: a mutation throws instead of vanishing", async () => {
    const session = await visitor<{ deep: { list: { n: number }[] } }>();
    session.set("deep", { list: [{ n: 1 }] });
    const deep = session.get("deep") as { list: { n: number }[] };
    expect(() => deep.list.push({ n: 2 })).toThrow(TypeError);
    expect(() => {
      (deep.list[0] as { n: number }).n = 2;
    }).toThrow(TypeError);
    expect(() => Object.assign(session.all(), { deep: 1 })).toThrow(TypeError);
  });

  test("update gets a copy of its own, may change and return it, and sees its own request's changes", async () => {
    const session = await visitor<{ list: number[]; n: number }>();
    session.set("list", [1]);
    const before = session.get("list");
    session.update("list", (list = []) => {
      list.push(2);
      return list;
    });
    session.update("n", (n = 0) => n + 1);
    session.update("n", (n = 0) => n + 1);
    expect([before, session.get("list"), session.get("n")]).toEqual([[1], [1, 2], 2]);
  });

  test("an update that throws changes nothing", async () => {
    const session = await visitor<{ n: number }>();
    session.set("n", 1);
    expect(() =>
      session.update("n", () => {
        throw new Error("no");
      }),
    ).toThrow("no");
    expect(session.get("n")).toBe(1);
  });

  test("take reads and deletes", async () => {
    const session = await visitor<{ flash: string }>();
    session.set("flash", "saved");
    expect([session.take("flash"), session.take("flash"), session.has("flash")]).toEqual(["saved", undefined, false]);
  });

  test("wrong arguments are told", async () => {
    const session = await visitor();
    expect(() => session.set(1 as never, 1)).toThrow(/key is a string/);
    expect(() => session.update("n", 1 as never)).toThrow(/takes a function/);
    for (const subject of ["", undefined, null, 7, "x".repeat(501), "a\0b", "\ud800", "a\udc00b"])
      expect(() => session.signIn(subject as string)).toThrow(/1 to 500 characters/);
  });
});

class Money {
  readonly amount: number;
  constructor(amount: number) {
    this.amount = amount;
  }
}
const cyclic: Record<string, unknown> = {};
cyclic.self = cyclic;

describe("what JSON would change in silence is refused, with the path", () => {
  test.each<[string, unknown, RegExp]>([
    ["a Date", { at: new Date() }, /"key\.at".*an instance of Date/],
    ["a Map", [new Map()], /"key\[0\]".*an instance of Map/],
    ["a Set", new Set(), /"key".*an instance of Set/],
    ["bytes", new Uint8Array(1), /an instance of Uint8Array/],
    ["an instance", { price: new Money(1) }, /"key\.price".*an instance of Money/],
    ["NaN", { n: Number.NaN }, /"key\.n".*NaN/],
    ["Infinity", [1, Number.POSITIVE_INFINITY], /"key\[1\]".*Infinity/],
    ["a bigint", 1n, /a value of type bigint/],
    ["a function", { toJSON: () => 1 }, /"key\.toJSON".*a value of type function/],
    ["a symbol", Symbol("x"), /a value of type symbol/],
    ["undefined in a list", [undefined], /"key\[0\]".*a value of type undefined/],
    ["a hole in a list", new Array(1), /"key\[0\]".*undefined/],
    ["a cycle", cyclic, /nested deeper/],
  ])("%s", async (_name, value, message) => {
    const session = await visitor();
    expect(() => session.set("key", value)).toThrow(
      expect.objectContaining({ code: "value_not_storable", message: expect.stringMatching(message) }),
    );
    expect(session.has("key")).toBe(false);
    expect(() => session.update("key", () => value)).toThrow(expect.objectContaining({ code: "value_not_storable" }));
  });

  test("an undefined property is no property, in this request as in the next; -0 is 0; own __proto__ is data", async () => {
    const session = await visitor();
    session.set("key", JSON.parse('{"__proto__":{"x":1},"n":-0}'));
    session.update("key", (value) => ({ ...(value as object), gone: undefined }));
    expect(Object.keys(session.get("key") as object)).toEqual(["__proto__", "n"]);
    expect(Object.is((session.get("key") as { n: number }).n, 0)).toBe(true);
  });
});

describe("a codec of one's own", () => {
  const withDates: Codec = {
    encode: (data) => JSON.stringify(data, (_key, value) => value),
    decode: (text) =>
      JSON.parse(text, (_key, value) =>
        typeof value === "string" && /^\d{4}-.*Z$/.test(value) ? new Date(value) : value,
      ),
  };

  test("copies values by a round trip of its own, so that a Date is a Date", async () => {
    const session = await visitor<{ at: Date }>(withDates);
    const at = new Date(0);
    session.set("at", at);
    at.setFullYear(2000);
    expect(session.get("at")).toEqual(new Date(0));
  });

  test("one whose encode throws fails the commit and stores nothing", async () => {
    const sessions = createSessions({
      codec: {
        encode() {
          throw new Error("too big");
        },
        decode: JSON.parse,
        copy: (value) => value,
      },
    });
    const session = await sessions.load(REQUEST);
    session.set("a", 1);
    await expect(sessions.commit(session)).rejects.toThrow("too big");
  });
});

describe("facts", () => {
  test("of a visitor: new, without subject, and with the handle that it will have", async () => {
    const sessions = createSessions({ clock: () => 1000 });
    const session = await sessions.load(REQUEST);
    expect(session).toMatchObject({
      isNew: true,
      subject: undefined,
      authenticatedAt: undefined,
      createdAt: 1000,
      expiresAt: 43_201_000,
    });
    expect(session.handle).toMatch(/^[\w-]{43}$/);
    session.signIn("ada");
    expect(session).toMatchObject({ subject: "ada", authenticatedAt: 1000 });
  });

  test("a session shows nothing of itself to JSON", async () => {
    const session = await visitor();
    session.set("secret", "value");
    expect(JSON.stringify(session)).toBe("{}");
  });
});

test("persistent is true or false: a text from a form would otherwise mean true", async () => {
  const session = await createSessions().load(new Request("https://example.com/"));
  for (const wrong of ["no", "", 1, null]) {
    expect(() => session.persist(wrong as unknown as boolean)).toThrow(/persist must be true or false/);
    expect(() => session.signIn("ada", { persistent: wrong as unknown as boolean })).toThrow(/persistent must be/);
  }
  expect(session.subject).toBeUndefined();
});
