import { createHmac } from "node:crypto";
import { describe, expect, test, vi } from "vitest";
import type { SessionEvent, SessionStore, SessionsOptions } from "../../src/index.ts";
import { createSessions, memoryStore } from "../../src/index.ts";
import { expressSession, fromSessions, migrationSource, type SourceDefinition } from "../../src/migrate.ts";
import { generateKey, sealedCookies } from "../../src/sealed.ts";
import { COOKIE } from "../support/process.ts";

const DAY = 86_400_000;
const START = 1_800_000_000_000;

interface Data {
  cart: string;
}

// biome-ignore lint/suspicious/noExplicitAny: whatever the old session is
type AnySource = Partial<SourceDefinition<any>>;

/** What a request says of its session. */
interface Saw {
  subject: string;
  cart: string;
  createdAt: number;
  authenticatedAt: number;
  isNew: boolean;
}

/** Old sessions in a table of the test, which `end` empties. */
function oldStore(rows: Record<string, Record<string, unknown>> = { one: { user: "ada", cart: "book" } }) {
  const table = new Map(Object.entries(rows));
  const calls: string[] = [];
  const definition: SourceDefinition<Record<string, unknown>> = {
    name: "old",
    cookies: ["old"],
    read: ({ old }) => ({
      proof: old as string,
      load() {
        calls.push(`load ${old}`);
        const data = table.get(old as string);
        return data && { data, createdAt: data.createdAt as number, expiresAt: data.expiresAt as number };
      },
    }),
    adopt: ({ user, cart }) => ({ subject: user as string, data: { cart } }),
    end(proof) {
      calls.push(`end ${proof}`);
      table.delete(proof);
    },
  };
  return { table, calls, definition };
}

function serve(sources: readonly AnySource[], options: Omit<SessionsOptions, "migrateFrom" | "observe"> = {}) {
  const clock = { now: START };
  const events: SessionEvent[] = [];
  const sessions = createSessions<Data>({
    store: memoryStore({ clock: () => clock.now }),
    lifetime: { idle: 30 * 86_400, absolute: 90 * 86_400 },
    clock: () => clock.now,
    ...options,
    migrateFrom: sources.map((source) => migrationSource(source as SourceDefinition)),
    observe: (event) => events.push(event),
  });
  const fetch = sessions.wrap((request, session) => {
    if (request.method === "DELETE") session.destroy();
    if (request.method === "PUT") session.set("cart", "lamp");
    const { subject, createdAt, authenticatedAt, isNew } = session;
    return Response.json({ subject, cart: session.get("cart"), createdAt, authenticatedAt, isNew });
  });
  return {
    sessions,
    events,
    clock,
    types: () => events.map(({ type }) => type),
    async visit(cookie: string, method = "GET") {
      const response = await fetch(new Request("https://example.com/", { method, headers: { cookie } }));
      const lines = response.headers.getSetCookie();
      const ours = lines.filter((line) => line.startsWith(`${COOKIE}=`)).map((line) => line.split(";", 1)[0] as string);
      const saw = (await response.json()) as Partial<Saw>;
      return { lines, ours: ours.at(-1), ...saw };
    },
  };
}

describe("who is taken over", () => {
  test("a request with a session of ours does not ask the sources", async () => {
    const { definition, calls } = oldStore();
    const server = serve([definition]);
    const { ours } = await server.visit("old=one");
    calls.length = 0;
    expect(await server.visit(`old=one; ${ours}`)).toMatchObject({ subject: "ada", lines: [] });
    expect(calls).toEqual([]);
  });

  test("from `until` on nobody, and the old cookie is left alone", async () => {
    vi.spyOn(console, "warn").mockImplementation(() => {});
    const { definition } = oldStore();
    const server = serve([{ ...definition, until: new Date(START + DAY) }]);
    server.clock.now += DAY;
    expect(await server.visit("old=one")).toMatchObject({ isNew: true, lines: [] });
    server.clock.now -= 1;
    expect(await server.visit("old=one")).toMatchObject({ subject: "ada" });
    vi.restoreAllMocks();
  });

  test.each([[1_900_000_000_000], ["2027-01-31"], [new Date("soon")], [{}]])("until %o is refused", (until) => {
    expect(() => migrationSource({ ...oldStore().definition, until: until as Date })).toThrow(TypeError);
  });

  test("an end that is near is said", () => {
    const warn = vi.spyOn(console, "warn").mockImplementation(() => {});
    migrationSource({ ...oldStore().definition, until: new Date(Date.now() + 13 * DAY) });
    expect(warn).toHaveBeenCalledOnce();
    migrationSource({ ...oldStore().definition, until: new Date(Date.now() + 15 * DAY) });
    expect(warn).toHaveBeenCalledOnce();
    vi.restoreAllMocks();
  });

  test("the age is taken over, and the absolute limit counts from it", async () => {
    const { definition } = oldStore({ one: { user: "ada", createdAt: START - 80 * DAY } });
    const server = serve([definition]);
    const first = await server.visit("old=one");
    expect(first).toMatchObject({ createdAt: START - 80 * DAY, authenticatedAt: START - 80 * DAY });
    expect(server.events).toContainEqual(expect.objectContaining({ type: "migrated", source: "old", age: 80 * DAY }));
    server.clock.now += 9 * DAY;
    expect(await server.visit(first.ours as string)).toMatchObject({ subject: "ada" });
    server.clock.now += DAY;
    expect(await server.visit(first.ours as string)).toMatchObject({ isNew: true });
  });

  test.each([["a text"], [7], [true], [null], [() => {}]])("what load() gives is no session: %o", async (given) => {
    for (const store of [memoryStore(), sealedCookies({ keys: [generateKey()] })]) {
      const read = () => ({ proof: "p", load: () => given as never });
      const server = serve([{ ...oldStore().definition, read }], { store });
      expect(await server.visit("old=one")).toMatchObject({ isNew: true, lines: [] });
      expect(server.events).toEqual([]);
    }
  });

  test("to be taken over is no authentication: without an age it is not said when that was", async () => {
    for (const store of [memoryStore(), sealedCookies({ keys: [generateKey()] })]) {
      const server = serve([oldStore().definition], { store, clock: Date.now });
      const first = await server.visit("old=one");
      expect(first).toMatchObject({ subject: "ada" });
      expect(first.authenticatedAt).toBeUndefined();
      expect((await server.visit(first.ours as string)).authenticatedAt).toBeUndefined();
    }
  });

  test("a session that is older than the absolute limit, or past its own end, is none", async () => {
    const { definition } = oldStore({
      old: { user: "ada", createdAt: START - 90 * DAY },
      over: { user: "ada", expiresAt: START },
      odd: { user: "ada", createdAt: Number.NaN, expiresAt: -1 },
      ahead: { user: "ada", createdAt: START + DAY },
    });
    const server = serve([definition]);
    for (const id of ["old", "over"]) expect(await server.visit(`old=${id}`)).toMatchObject({ isNew: true, lines: [] });
    for (const id of ["odd", "ahead"]) expect(await server.visit(`old=${id}`)).toMatchObject({ createdAt: START });
  });
});

describe("what adopt says", () => {
  test.each<[string, unknown]>([
    ["a promise", Promise.resolve({ subject: "eve", data: { cart: "x" } })],
    ["no data", { subject: "eve" }],
  ])("%s counts", async (_, answer) => {
    const server = serve([{ ...oldStore().definition, adopt: () => answer as never }]);
    expect(await server.visit("old=one")).toMatchObject({ subject: "eve" });
  });

  test("undefined leaves the session behind, its cookie and its record", async () => {
    const { definition, table } = oldStore();
    const server = serve([{ ...definition, adopt: () => undefined }]);
    expect(await server.visit("old=one")).toMatchObject({ isNew: true, lines: [] });
    expect([table.size, server.events]).toEqual([1, []]);
  });

  test.each<[string, unknown]>([
    ["a text", "ada"],
    ["true", true],
    ["a function", () => {}],
    ["a number as subject", { subject: 7 }],
    ["null as subject", { subject: null }],
    ["an empty subject", { subject: "" }],
    ["a list as data", { data: [] }],
    ["null as data", { data: null }],
    ["a text as data", { data: "x" }],
    ["data that JSON does not hold", { data: { at: new Map() } }],
    ["a text as persistent", { persistent: "no" }],
  ])("nonsense is no session and an event: %s", async (_, answer) => {
    for (const store of [memoryStore(), sealedCookies({ keys: [generateKey()] })]) {
      const { definition, table } = oldStore();
      const server = serve([{ ...definition, adopt: () => answer as never }], { store });
      expect(await server.visit("old=one")).toMatchObject({ isNew: true, lines: [] });
      expect(server.events).toEqual([
        expect.objectContaining({ type: "migration_failed", source: "old", step: "adopt" }),
      ]);
      expect(table.size).toBe(1);
    }
  });

  test.each<[string, () => never]>([
    [
      "throws",
      () => {
        throw new TypeError("no user");
      },
    ],
    ["rejects", () => Promise.reject(new TypeError("no user")) as never],
  ])("what it %s is no session and an event that names it", async (_, adopt) => {
    const server = serve([{ ...oldStore().definition, adopt }]);
    expect(await server.visit("old=one")).toMatchObject({ isNew: true, lines: [] });
    expect(server.events).toEqual([
      { type: "migration_failed", source: "old", step: "adopt", message: "TypeError: no user" },
    ]);
  });

  test.each<[string, unknown, string]>([
    ["an object without a text", Object.create(null), "object"],
    ["undefined", undefined, "undefined"],
    ["null", null, "null"],
    ["a text", "no user", "no user"],
  ])("it may throw anything: %s", async (_, thrown, message) => {
    for (const store of [memoryStore(), sealedCookies({ keys: [generateKey()] })]) {
      const adopt = () => {
        throw thrown;
      };
      const server = serve([{ ...oldStore().definition, adopt }], { store });
      expect(await server.visit("old=one")).toMatchObject({ isNew: true, lines: [] });
      expect(server.events).toEqual([{ type: "migration_failed", source: "old", step: "adopt", message }]);
    }
  });

  test("data that does not fit the schema is no session, and an event, not a failed request", async () => {
    const isText = (value: unknown) => value === undefined || typeof value === "string";
    const validate = (data: unknown) =>
      isText((data as Partial<Data>).cart) ? { value: data } : { issues: [{ message: "text", path: ["cart"] }] };
    const schema = { "~standard": { version: 1, vendor: "test", validate } } as never;
    for (const store of [memoryStore(), sealedCookies({ keys: [generateKey()] })]) {
      const server = serve([oldStore({ one: { cart: 7 }, two: { cart: "pen" } }).definition], {
        store,
        clock: Date.now,
        schema,
        version: 2,
        migrate: { 1: () => ({ cart: "migrated" }) },
      } as never);
      expect(await server.visit("old=one")).toMatchObject({ isNew: true, lines: [] });
      expect(server.types()).toEqual(["migration_failed"]);
      const { ours } = await server.visit("old=two");
      expect((await server.visit(ours as string)).cart).toBe("pen");
    }
  });

  test("an adopt that hangs is no session once storeTimeout is over", async () => {
    const hangs = () => new Promise<never>(() => {});
    const server = serve([{ ...oldStore().definition, adopt: hangs }], { storeTimeout: 20 });
    expect(await server.visit("old=one")).toMatchObject({ isNew: true, lines: [] });
    expect(server.types()).toEqual(["migration_failed"]);
  });
});

describe("an old store that fails", () => {
  const failing: [string, AnySource, string][] = [
    ["load() rejects", { read: () => ({ proof: "p", load: () => Promise.reject(new Error("down")) }) }, "store_failed"],
    [
      "load() throws",
      {
        read: () => ({
          proof: "p",
          load: () => {
            throw new Error("down");
          },
        }),
      },
      "store_failed",
    ],
    ["load() hangs", { read: () => ({ proof: "p", load: () => new Promise(() => {}) }) }, "store_timeout"],
    ["read() rejects", { read: () => Promise.reject(new Error("down")) }, "store_failed"],
    ["read() hangs", { read: () => new Promise(() => {}) }, "store_timeout"],
  ];

  test.each(failing)("%s: the request fails as when our own store does", async (_, wrong, code) => {
    for (const store of [memoryStore(), sealedCookies({ keys: [generateKey()] })]) {
      const server = serve([{ ...oldStore().definition, ...wrong }], { store, storeTimeout: 20 });
      await expect(server.visit("old=one")).rejects.toMatchObject({ code });
    }
  });

  test.each(failing)(
    '%s: with onStoreFailure "anonymous" nobody is signed in, and the old cookie stays',
    async (_, wrong) => {
      const server = serve([{ ...oldStore().definition, ...wrong }], { storeTimeout: 20, onStoreFailure: "anonymous" });
      const answer = await server.visit("old=one");
      expect(answer.subject).toBeUndefined();
      expect(answer.lines).toEqual([]);
    },
  );

  test("several sources that hang have one storeTimeout together", async () => {
    const timers = vi.spyOn(globalThis, "setTimeout");
    let asked = 0;
    const slow = {
      read: () =>
        new Promise<undefined>(
          (done) =>
            void queueMicrotask(() => {
              asked++;
              done(undefined);
            }),
        ),
    };
    const hangs = { read: () => new Promise<never>(() => {}) };
    const definition = oldStore().definition;
    const server = serve(
      [
        { ...definition, ...slow },
        { ...definition, ...hangs },
      ],
      { storeTimeout: 30 },
    );
    await expect(server.visit("old=one")).rejects.toMatchObject({ code: "store_timeout" });
    const waits = timers.mock.calls.map(([, wait]) => wait as number);
    vi.restoreAllMocks();
    expect(asked).toBe(1);
    expect(waits.at(-1)).toBeLessThan(30);
  });

  test("a logout of a sealed session has one storeTimeout, for its revocation list and old stores together", async () => {
    const soon = <T>(value: T): Promise<T> => new Promise((done) => void queueMicrotask(() => done(value)));
    const list = memoryStore();
    const revocations: SessionStore = {
      ...list,
      read: (...of) => soon(list.read(...of)),
      create: (...of) => soon(list.create(...of)),
    };
    const { definition } = oldStore();
    let hangs = false;
    const read: AnySource["read"] = (values) => (hangs ? new Promise<never>(() => {}) : definition.read(values));
    const store = sealedCookies({ keys: [generateKey()], revocations });
    const server = serve([{ ...definition, read, keepOld: true }], { store, storeTimeout: 30 });
    const { ours } = await server.visit("old=one");
    hangs = true;
    const timers = vi.spyOn(globalThis, "setTimeout");
    expect(await server.visit(`old=one; ${ours}`, "DELETE")).toMatchObject({ lines: expect.any(Array) });
    const waits = timers.mock.calls.map(([, wait]) => wait as number);
    vi.restoreAllMocks();
    expect(server.types()).toContain("migration_failed");
    expect(waits.at(-1)).toBeLessThan(30);
  });

  test.each<[string, () => unknown, string]>([
    ["rejects", () => Promise.reject(new Error("locked")), "Error: locked"],
    [
      "throws",
      () => {
        throw new Error("locked");
      },
      "Error: locked",
    ],
    ["hangs", () => new Promise(() => {}), "did not answer within 20 ms"],
  ])("an end that %s costs the user nothing, and is an event that says why", async (_, end, message) => {
    const server = serve([{ ...oldStore().definition, end }], { storeTimeout: 20 });
    const first = await server.visit("old=one");
    expect(first).toMatchObject({ subject: "ada" });
    expect(server.types()).toEqual(["migrated", "migration_failed"]);
    expect(server.events[1]).toMatchObject({ step: "end", message: expect.stringContaining(message) });
    expect(await server.visit(first.ours as string)).toMatchObject({ subject: "ada", cart: "book" });
  });

  test("a store of express-session that rejects instead of calling back is a store that failed", async () => {
    const signed = `s:one.${createHmac("sha256", "secret").update("one").digest("base64").replace(/=+$/, "")}`;
    const store = { get: () => Promise.reject(new Error("down")), destroy: () => Promise.reject(new Error("down")) };
    const server = serve([expressSession({ secrets: "secret", store }) as never], { storeTimeout: 60_000 });
    const cookie = `connect.sid=${encodeURIComponent(signed)}`;
    await expect(server.visit(cookie)).rejects.toMatchObject({ code: "store_failed" });
  });
});

describe("a server that dies while it takes over", () => {
  test("between the record and the forward: nothing is listed, and the next request takes over", async () => {
    const memory = memoryStore({ clock: () => START });
    let writes = 0;
    const dying: SessionStore = {
      ...memory,
      create: (...given) => (++writes === 2 ? Promise.reject(new Error("gone")) : memory.create(...given)),
    };
    const { definition, table } = oldStore();
    const died = serve([definition], { store: dying });
    await expect(died.visit("old=one")).rejects.toMatchObject({ code: "store_failed" });
    expect([await died.sessions.list("ada"), table.size]).toEqual([[], 1]);

    const next = serve([definition], { store: memory });
    expect(await next.visit("old=one")).toMatchObject({ subject: "ada", cart: "book" });
    expect(await next.sessions.list("ada")).toHaveLength(1);
  });

  test("after the forward: the next request finds the session, though the old record is there still", async () => {
    const store = memoryStore({ clock: () => START });
    const { definition, table } = oldStore();
    const died = serve([{ ...definition, end: () => Promise.reject(new Error("gone")) }], { store });
    const { ours } = await died.visit("old=one", "PUT");
    const next = serve([definition], { store });
    expect(await next.visit("old=one")).toMatchObject({ cart: "lamp", ours });
    expect([table.size, (await next.sessions.list("ada")).length]).toEqual([1, 1]);
  });
});

describe("the lines that remove old cookies", () => {
  test.each<[string, Partial<SourceDefinition>, string]>([
    ["as they are", {}, "old=; Max-Age=0; Expires=Thu, 01 Jan 1970 00:00:00 GMT; Path=/"],
    ["with a path and a domain", { path: "/app", domain: "example.com" }, "Path=/app; Domain=example.com"],
    ["with Secure for __Secure-", { cookies: ["__Secure-old"] }, "Path=/; Secure"],
    ["with Secure for __Host-", { cookies: ["__Host-old"] }, "Path=/; Secure"],
  ])("%s", async (_, more, expected) => {
    const [name] = more.cookies ?? ["old"];
    const read: SourceDefinition["read"] = () => ({ proof: "p", load: () => ({ data: { cart: "book" } }) });
    const server = serve([{ name: "x", cookies: ["old"], read, ...more }]);
    const { lines } = await server.visit(`${name}=one`);
    expect(lines).toHaveLength(2);
    expect(lines[0]?.startsWith(`${name}=; Max-Age=0`)).toBe(true);
    expect(lines[0]?.endsWith(expected)).toBe(true);
  });

  test("come again with an answer that was lost, and with a logout", async () => {
    const server = serve([oldStore().definition]);
    for (const method of ["GET", "GET", "DELETE", "GET"]) {
      const { lines } = await server.visit("old=one", method);
      expect(lines.filter((line) => line.startsWith("old=;"))).toHaveLength(1);
    }
  });
});

describe("two sources at once", () => {
  const two = () => [oldStore(), oldStore({ two: { user: "eve", cart: "pen" } })] as const;
  const second = (definition: AnySource) => ({
    ...definition,
    name: "older",
    cookies: ["older"],
    read: ({ older }: Record<string, string>) => oldRead(definition, older),
  });
  const oldRead = (definition: object, older: string | undefined) =>
    (definition as SourceDefinition).read({ old: older as string });

  test("the first that has a session counts, and the cookies of both go", async () => {
    const [one, other] = two();
    const server = serve([one.definition, second(other.definition)]);
    const { subject, lines } = await server.visit("older=two; old=one");
    expect([subject, lines.map((line) => line.split("=", 1)[0])]).toEqual(["ada", ["old", "older", COOKIE]]);
  });

  test("the second is asked where the first has no session any more, or does not want it", async () => {
    for (const store of [memoryStore(), sealedCookies({ keys: [generateKey()] })]) {
      const [one, other] = two();
      one.table.clear();
      const server = serve([one.definition, second(other.definition)], { store, clock: Date.now });
      expect(await server.visit("old=one; older=two")).toMatchObject({ subject: "eve", cart: "pen" });
    }
  });

  test("a logout from the first does not sign in with the second", async () => {
    const [one, other] = two();
    const server = serve([one.definition, second(other.definition)]);
    await server.visit("old=one; older=two", "DELETE");
    expect(await server.visit("old=one; older=two")).toMatchObject({ isNew: true });
  });

  test("a cookie of the same name that was planted does not hide the user's own", async () => {
    for (const cookie of ["old=planted; old=one", "old=one; old=planted"]) {
      const server = serve([oldStore().definition]);
      expect(await server.visit(cookie)).toMatchObject({ subject: "ada" });
    }
  });
});

describe("sealed sessions take over", () => {
  test("one event for parallel first requests", async () => {
    const store = sealedCookies({ keys: [generateKey()], revocations: memoryStore() });
    const server = serve([oldStore().definition], { store, clock: Date.now });
    const answers = await Promise.all(Array.from({ length: 5 }, () => server.visit("old=one")));
    expect(answers.map(({ subject }) => subject)).toEqual(Array(5).fill("ada"));
    expect(server.types().filter((type) => type === "migrated")).toHaveLength(1);
  });

  test("without a revocation list too: signed in, the old cookie removed, the old record left for a lost answer", async () => {
    const { definition, table } = oldStore();
    const server = serve([definition], { store: sealedCookies({ keys: [generateKey()] }), clock: Date.now });
    const first = await server.visit("old=one");
    expect(first.lines.some((line) => line.startsWith("old=;"))).toBe(true);
    expect(await server.visit(first.ours as string)).toMatchObject({ subject: "ada", cart: "book" });
    expect(await server.visit("old=one")).toMatchObject({ subject: "ada" });
    expect(table.size).toBe(1);
  });
});

describe("fromSessions", () => {
  async function started(options: SessionsOptions) {
    const clock = () => START;
    const old = createSessions<Data>({ ...options, clock });
    const fetch = old.wrap((_request, session) => {
      session.set("cart", "book");
      session.signIn("ada");
      return new Response();
    });
    const lines = (await fetch(new Request("https://example.com/"))).headers.getSetCookie();
    const cookie = lines.map((line) => line.split(";", 1)[0]).join("; ");
    return { old, cookie };
  }
  const keys = [generateKey()];
  const moves: [string, () => SessionsOptions, string][] = [
    ["a sealed session into a store", () => ({ store: sealedCookies({ keys }), cookie: { name: "app" } }), "app"],
    ["a sealed session of the same name", () => ({ store: sealedCookies({ keys }) }), COOKIE],
    ["one store into another", () => ({ store: memoryStore({ clock: () => START }), cookie: { name: "app" } }), "app"],
    ["one store into another, the same name", () => ({ store: memoryStore({ clock: () => START }) }), COOKIE],
  ];

  test.each(moves)("%s: signed in as before, with the data; a logout is final", async (_, options, name) => {
    const { old, cookie } = await started(options());
    const server = serve([fromSessions(old, { cookie: name })]);
    const first = await server.visit(cookie);
    expect(first).toMatchObject({ subject: "ada", cart: "book", createdAt: START, isNew: false });
    expect(await server.visit(cookie)).toMatchObject({ subject: "ada", ours: first.ours });
    expect(await server.visit(first.ours as string)).toMatchObject({ subject: "ada", lines: [] });
    await server.visit(first.ours as string, "DELETE");
    for (const more of ["", `; ${name}.1=x`, `; ${name}.0=x`]) {
      expect(await server.visit(cookie + more), more).toMatchObject({ isNew: true });
    }
  });

  test("a cookie that opens nothing is no session", async () => {
    const { old } = await started({ store: memoryStore({ clock: () => START }), cookie: { name: "app" } });
    const server = serve([fromSessions(old, { cookie: "app" })]);
    for (const value of ["x", "x".repeat(43), "%"])
      expect(await server.visit(`app=${value}`)).toMatchObject({ isNew: true });
  });

  test("needs the name of the cookie", async () => {
    const { old } = await started({ store: memoryStore({ clock: () => START }) });
    for (const cookie of [undefined, "", ["app"]])
      expect(() => fromSessions(old, { cookie: cookie as string })).toThrow(TypeError);
  });
});
