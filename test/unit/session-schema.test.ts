import { beforeEach, describe, expect, test, vi } from "vitest";
import {
  createSessions,
  memoryStore,
  type SchemaIssue,
  type SchemaResult,
  type Session,
  type SessionEvent,
  type Sessions,
  type SessionsOptions,
  type StandardSchema,
} from "../../src/index.ts";
import { generateKey, sealedCookies } from "../../src/sealed.ts";

type Data = Record<string, unknown>;
type Where = NonNullable<SessionsOptions["store"]>;

/** A schema that knows the keys it has checks for, and strips the rest. A check gives a message, or nothing. */
function schemaOf(checks: Record<string, (value: unknown) => string | undefined>, defaults: Data = {}) {
  const validate = vi.fn((value: unknown): SchemaResult<Data> => {
    const issues: SchemaIssue[] = [];
    const known: Data = { ...defaults };
    for (const [key, check] of Object.entries(checks)) {
      const given = (value as Data)[key];
      if (given === undefined) continue;
      const message = check(given);
      if (message === undefined) known[key] = given;
      else issues.push({ message, path: [key] });
    }
    return issues.length > 0 ? { issues } : { value: known };
  });
  const schema: StandardSchema<Data> = { "~standard": { version: 1, vendor: "test", validate } };
  return Object.assign(schema, { validate });
}

const isNumber = (value: unknown) => (typeof value === "number" ? undefined : "not a number");
const isText = (value: unknown) => (typeof value === "string" ? undefined : "not a text");
const isList = (value: unknown) => (Array.isArray(value) ? undefined : "not a list");
const shop = () => schemaOf({ count: isNumber, theme: isText, cart: isList }, { cart: [] });

let store: Where;
let cookie: string;
let events: SessionEvent[];
const observe = (event: SessionEvent): void => void events.push(event);

function start(schema?: StandardSchema<Data>, options: SessionsOptions = {}): Sessions<Data> {
  return schema
    ? createSessions({ store, observe, schema, ...options })
    : createSessions<Data>({ store, observe, ...options });
}

/** One request of the visitor. */
async function request<Result>(sessions: Sessions<Data>, handle: (session: Session<Data>) => Result): Promise<Result> {
  let result: Result | undefined;
  const fetch = sessions.wrap((_request, session) => {
    result = handle(session);
    return new Response();
  });
  const response = await fetch(new Request("https://shop.example/", { headers: { cookie } }));
  const [line] = response.headers.getSetCookie();
  if (line !== undefined) cookie = line.slice(0, line.indexOf(";"));
  return result as Result;
}

const all = (session: Session<Data>): Data => ({ ...session.all() });

describe.each<[string, () => Where]>([
  ["memory", () => memoryStore()],
  ["sealed cookies", () => sealedCookies({ keys: [generateKey()] })],
  ["sealed cookies with revocations", () => sealedCookies({ keys: [generateKey()], revocations: memoryStore() })],
])("sessions with a schema, in %s", (_, makeStore) => {
  beforeEach(() => {
    store = makeStore();
    cookie = "";
    events = [];
  });

  test("a visitor reads the defaults, and nothing is stored for them", async () => {
    const sessions = start(shop());
    const seen = await request(sessions, (session) => {
      session.update("cart", (cart) => cart);
      session.update("count", (count) => count);
      session.delete("cart");
      session.clear();
      return [all(session), session.get("cart"), session.has("cart"), session.has("theme")];
    });
    expect(seen).toEqual([{ cart: [] }, [], true, false]);
    expect([cookie, events]).toEqual(["", []]);
  });

  test("a default that is set is stored; one that is deleted comes back", async () => {
    const sessions = start(shop());
    await request(sessions, (session) => session.set("cart", ["book"]));
    expect(
      await request(sessions, (session) => {
        session.delete("cart");
        return all(session);
      }),
    ).toEqual({ cart: [] });
    expect(await request(sessions, all)).toEqual({ cart: [] });
    expect(await request(start(), all)).toEqual({});
  });

  test("what does not fit is refused at the commit, whatever the response, and nothing is stored", async () => {
    const sessions = start(shop());
    await request(sessions, (session) => session.set("count", 1));
    const refused = request(sessions, (session) => {
      session.set("theme", "dark");
      session.set("count", "two");
    });
    await expect(refused).rejects.toMatchObject({
      code: "data_invalid",
      message: expect.stringMatching(/after changes to theme, count .* at "count"/),
    });
    expect(await request(sessions, all)).toEqual({ cart: [], count: 1 });
    await expect(request(sessions, (session) => session.update("count", () => "two"))).rejects.toThrow(/"count"/);
  });

  test("what does not fit on the way is no matter if it fits in the end, or the session ends", async () => {
    const sessions = start(shop());
    await request(sessions, (session) => {
      session.set("count", "one");
      session.set("count", 1);
    });
    expect(await request(sessions, all)).toEqual({ cart: [], count: 1 });
    await request(sessions, (session) => {
      session.set("count", "two");
      session.destroy();
      expect(session.get("cart")).toEqual([]);
    });
    expect(await request(sessions, (session) => session.isNew)).toBe(true);
  });

  test("keys that the schema does not know are not read, and not lost", async () => {
    await request(start(), (session) => {
      session.set("wishes", ["lamp"]);
      session.set("count", 1);
    });
    const sessions = start(shop());
    await request(sessions, (session) => {
      expect(all(session)).toEqual({ cart: [], count: 1 });
      session.update("wishes", () => undefined);
      expect([session.has("wishes"), session.get("wishes"), session.take("wishes")]).toEqual([
        false,
        undefined,
        undefined,
      ]);
    });
    await request(sessions, (session) => session.update("count", (count) => (count as number) + 1));
    await request(sessions, (session) => session.signIn("ada"));
    await request(sessions, (session) => session.delete("count"));
    await request(sessions, (session) => session.renew());
    expect(await request(start(), (session) => [all(session), session.subject])).toEqual([{ wishes: ["lamp"] }, "ada"]);
  });

  test("clear() and another user's sign-in drop them: they mean all data", async () => {
    for (const end of [
      (session: Session<Data>) => session.clear(),
      (session: Session<Data>) => session.signIn("bob"),
    ]) {
      await request(start(), (session) => {
        session.signIn("ada");
        session.set("wishes", ["lamp"]);
      });
      const sessions = start(shop());
      expect(
        await request(sessions, (session) => {
          end(session);
          return all(session);
        }),
      ).toEqual({ cart: [] });
      expect(await request(start(), all)).toEqual({});
    }
  });

  describe("stored data that does not fit", () => {
    beforeEach(async () => {
      await request(start(), (session) => {
        session.signIn("ada");
        session.set("count", "many");
        session.set("wishes", ["lamp"]);
      });
      events = [];
    });

    test("is an error where data is read or changed; who is signed in can be asked, and can sign out", async () => {
      const sessions = start(shop());
      for (const look of [
        (session: Session<Data>) => session.get("theme"),
        (session: Session<Data>) => session.has("theme"),
        (session: Session<Data>) => session.all(),
        (session: Session<Data>) => session.set("theme", "dark"),
        (session: Session<Data>) => session.update("theme", () => "dark"),
        (session: Session<Data>) => session.delete("count"),
      ]) {
        await expect(request(sessions, look)).rejects.toMatchObject({
          code: "data_invalid",
          message: expect.stringMatching(/^The stored data of version 1 does not fit the schema at "count"/),
        });
      }
      expect(await request(sessions, (session) => session.subject)).toBe("ada");
      await request(sessions, (session) => session.signIn("ada"));
      await request(sessions, (session) => session.renew());
      expect(await request(start(), all)).toEqual({ count: "many", wishes: ["lamp"] });
      await request(sessions, (session) => session.destroy());
      expect(await request(sessions, (session) => [session.isNew, all(session)])).toEqual([true, { cart: [] }]);
      expect(events.filter(({ type }) => type === "data_reset")).toEqual([]);
    });

    test("is gone after clear()", async () => {
      const sessions = start(shop());
      await request(sessions, (session) => session.clear());
      expect(await request(sessions, (session) => [session.subject, all(session)])).toEqual(["ada", { cart: [] }]);
    });

    test('with "reset" the user stays signed in and begins anew, and an event says so', async () => {
      const sessions = start(shop(), { onInvalid: "reset" });
      expect(await request(sessions, (session) => [session.subject, all(session)])).toEqual(["ada", { cart: [] }]);
      expect(events).toEqual([{ type: "data_reset", handle: expect.any(String), subject: "ada" }]);
      expect(await request(start(), all)).toEqual({ count: "many", wishes: ["lamp"] });
      await request(sessions, (session) => session.set("count", 1));
      expect(await request(start(), (session) => [session.subject, all(session)])).toEqual(["ada", { count: 1 }]);
    });

    test("a function gives other data, which is stored with the next change", async () => {
      const onInvalid = ({ count: _, ...rest }: Data): Data => rest;
      const sessions = start(shop(), { onInvalid });
      expect(await request(sessions, all)).toEqual({ cart: [] });
      await request(sessions, (session) => session.set("count", 2));
      expect(await request(start(), all)).toEqual({ count: 2, wishes: ["lamp"] });
    });
  });

  describe("versions", () => {
    const one = () => start(schemaOf({ basket: isList, seen: isNumber }));
    const two = (options: SessionsOptions = {}) =>
      start(schemaOf({ cart: isList, seen: isNumber }), {
        version: 2,
        migrate: { 1: ({ basket, ...rest }) => ({ ...rest, cart: basket ?? [] }) },
        ...options,
      });

    test("older data is migrated in memory, and stored with the next change alone", async () => {
      await request(one(), (session) => session.set("basket", ["book"]));
      const sessions = two();
      expect(await request(sessions, all)).toEqual({ cart: ["book"] });
      await request(sessions, (session) => session.signIn("ada"));
      await request(sessions, (session) => session.renew());
      expect(await request(one(), all)).toEqual({ basket: ["book"] });
      await request(sessions, (session) => session.update("cart", (cart) => [...(cart as string[]), "lamp"]));
      expect(await request(start(), all)).toEqual({ cart: ["book", "lamp"] });
      expect(await request(sessions, all)).toEqual({ cart: ["book", "lamp"] });
    });

    test("a new session is of the present version, and is not migrated", async () => {
      const sessions = two({ migrate: { 1: () => ({ cart: ["from a migration"] }) } });
      expect(await request(sessions, all)).toEqual({});
      await request(sessions, (session) => session.set("seen", 1));
      expect(await request(sessions, all)).toEqual({ seen: 1 });
    });

    test("newer data is kept with its version by older code, and by code without any version", async () => {
      await request(two(), (session) => session.set("cart", ["book"]));
      for (const old of [one(), start()]) {
        await request(old, (session) => session.update("seen", (seen = 0) => (seen as number) + 1));
        await request(old, (session) => session.signIn("ada"));
        await request(old, (session) => session.renew());
      }
      // Were it taken for version 1, the migration would put an empty cart in its place
      expect(await request(two(), all)).toEqual({ cart: ["book"], seen: 2 });
    });

    test("a migration that throws is an error, and the user stays signed in", async () => {
      await request(one(), (session) => {
        session.signIn("ada");
        session.set("basket", ["book"]);
      });
      const boom = new Error("boom");
      const broken = two({
        onInvalid: "reset",
        migrate: {
          1: () => {
            throw boom;
          },
        },
      });
      await expect(request(broken, all)).rejects.toMatchObject({ code: "data_invalid", cause: boom });
      expect(await request(broken, (session) => session.subject)).toBe("ada");
      expect(await request(two(), (session) => [session.subject, all(session)])).toEqual(["ada", { cart: ["book"] }]);
    });
  });
});

describe("in a store", () => {
  beforeEach(() => {
    store = memoryStore();
    cookie = "";
    events = [];
  });

  test("a text is validated once: by the request that writes it, or the first that reads it", async () => {
    await request(start(), (session) => session.set("count", 1));
    const schema = shop();
    const sessions = start(schema);
    schema.validate.mockClear();
    for (let times = 0; times < 5; times++) await request(sessions, all);
    expect(schema.validate).toHaveBeenCalledTimes(1);
    await request(sessions, (session) => session.set("count", 2));
    const written = schema.validate.mock.calls.length;
    for (let times = 0; times < 5; times++) await request(sessions, all);
    expect(schema.validate).toHaveBeenCalledTimes(written);
    for (let times = 0; times < 5; times++) await request(sessions, (session) => session.subject);
    expect(schema.validate).toHaveBeenCalledTimes(written);
  });

  test("old and new code that write at once lose nothing of each other, while one of them migrates", async () => {
    const old = start(schemaOf({ basket: isList, seen: isNumber }));
    const next = start(schemaOf({ cart: isList, likes: isNumber }), {
      version: 2,
      migrate: { 1: ({ basket, ...rest }) => ({ ...rest, cart: basket }) },
    });
    await request(old, (session) => session.set("basket", ["book"]));
    const headers = { cookie };
    const loaded = await Promise.all(
      [old, next, old, next].map((by) => by.load(new Request("https://shop.example/", { headers }))),
    );
    const count = (value: unknown): number => ((value as number | undefined) ?? 0) + 1;
    for (const [at, session] of loaded.entries()) session.update(at % 2 ? "likes" : "seen", count);
    await next.commit(loaded[1] as Session<Data>);
    await old.commit(loaded[0] as Session<Data>);
    await next.commit(loaded[3] as Session<Data>);
    await old.commit(loaded[2] as Session<Data>);
    expect(await request(start(), all)).toEqual({ cart: ["book"], seen: 2, likes: 2 });
    expect(events.filter(({ type }) => type === "conflict_retried").length).toBeGreaterThan(0);
  });

  test("another request's data is validated again before it is written over: a bad merge is refused", async () => {
    const both = schemaOf({ a: isNumber, b: isNumber });
    const { validate } = both["~standard"];
    const limited: StandardSchema<Data> = {
      "~standard": {
        ...both["~standard"],
        validate: (value) => {
          const { a = 0, b = 0 } = value as { a?: number; b?: number };
          return a + b > 1 ? { issues: [{ message: "too many" }] } : validate(value);
        },
      },
    };
    const sessions = start(limited);
    await request(sessions, (session) => session.set("a", 0));
    const headers = { cookie };
    const load = () => sessions.load(new Request("https://shop.example/", { headers }));
    const [first, second] = [await load(), await load()];
    first.set("a", 1);
    second.set("b", 1);
    await sessions.commit(first);
    await expect(sessions.commit(second)).rejects.toMatchObject({
      code: "data_invalid",
      message: expect.stringMatching(/after changes to b .* at the top/),
    });
    expect(await request(sessions, all)).toEqual({ a: 1 });
  });

  test("what a request reads is frozen, and a shared view never changes", async () => {
    const sessions = start(schemaOf({ cart: isList }, { cart: [{ id: 1 }] }));
    await request(sessions, (session) => session.set("theme", "dark"));
    await request(sessions, (session) => {
      expect(() => (session.get("cart") as { id: number }[]).push({ id: 2 })).toThrow(TypeError);
      session.update("cart", (cart) => [...(cart as object[]), { id: 2 }]);
      session.destroy();
    });
    expect(await request(sessions, all)).toEqual({ cart: [{ id: 1 }] });
  });
});
