import { createHmac } from "node:crypto";
import fc from "fast-check";
import { afterEach, describe, expect, test } from "vitest";
import { createSessions, memoryStore, type SessionEvent, type SessionStore } from "../../src/index.ts";
import {
  betterAuth,
  expressSession,
  fromSessions,
  honoSession,
  honoSessions,
  koaSession,
  lookupSession,
  lucia,
  type MigrationSource,
  migrationSource,
  reactRouter,
  remixSession,
} from "../../src/migrate.ts";
import { generateKey, sealedCookies } from "../../src/sealed.ts";

const SECRET = "a secret of the old application, long enough for all of them";
const START = 1_800_000_000_000;
const rows = new Map<string, unknown>([["one", { user: "ada" }]]);

const lookup = (id: string) => rows.get(id) as object | undefined;
const callbacks = {
  get: (id: string, done: (error?: unknown, session?: unknown) => void) => done(null, rows.get(id)),
  destroy: (_id: string, done: (error?: unknown) => void) => done(),
};
const storage = { get: lookup, delete: () => {} };

/** Every source behind whose cookie is a record of the old application, or one of our own cookies. */
const sources: Record<string, MigrationSource> = {
  "Better Auth": betterAuth({ secret: SECRET, lookup }),
  "express-session": expressSession({ secrets: SECRET, store: callbacks }),
  "hono-sessions in a store": honoSessions({ store: { getSessionById: lookup, deleteSession: () => {} } }),
  "hono-sessions in a store, sealed": honoSessions({
    encryptionKey: SECRET,
    store: { getSessionById: lookup, deleteSession: () => {} },
  }),
  "@hono/session with a storage": honoSession({ secret: SECRET, storage }),
  "koa-session with a store": koaSession({ keys: SECRET, store: { get: lookup, destroy: () => {} } }),
  Lucia: lucia({ lookup }),
  "a lookup": lookupSession({ cookies: ["sid", "__Secure-sid"], lookup }),
  "React Router behind an id": reactRouter({ secrets: SECRET, storage: { readData: lookup, deleteData: () => {} } }),
  "Remix 3 in a storage": remixSession({
    name: "remix",
    secrets: SECRET,
    storage: { read: (id) => ({ id, data: [lookup(id)] }), save: () => {} },
  }),
  "sessions in a store": fromSessions(createSessions(), { cookie: "app" }) as MigrationSource,
  "sealed sessions": fromSessions(createSessions({ store: sealedCookies({ keys: [generateKey()] }) }), {
    cookie: "app",
  }) as MigrationSource,
};

/** A server of ours that takes sessions over, as one request meets it. */
function serve(source: MigrationSource, store?: SessionStore) {
  const events: SessionEvent[] = [];
  const sessions = createSessions<Record<string, unknown>>({
    store: store ?? memoryStore({ clock: () => START }),
    clock: () => START,
    migrateFrom: [source],
    observe: (event) => events.push(event),
  });
  const fetch = sessions.wrap((_request, session) => Response.json([session.isNew, session.get("admin") ?? null]));
  return {
    events,
    async visit(cookie: string) {
      const request = {
        url: "https://a.example/",
        method: "GET",
        headers: { get: (name: string) => (name === "cookie" ? cookie : null) },
      };
      return (await fetch(request as unknown as Request)).json();
    },
  };
}

const untouched = Object.getOwnPropertyNames(Object.prototype).sort();
afterEach(() => expect(Object.getOwnPropertyNames(Object.prototype).sort()).toEqual(untouched));

const part = fc.oneof(
  fc.string(),
  fc.base64String(),
  fc.string({ unit: "binary" }),
  fc.constantFrom(
    "",
    "__proto__",
    "constructor",
    "hasOwnProperty",
    "toString",
    "%",
    "%00",
    "s:",
    "Fe26.2",
    btoa('"one"'),
  ),
);
const value = fc
  .tuple(fc.constantFrom(".", "*", "~", ""), fc.array(part, { maxLength: 9 }), fc.constantFrom(1, 1, 1, 999))
  .map(([between, parts, times]) => parts.join(between).repeat(times).replaceAll(";", ""))
  // The id of a session that is there would be one
  .filter((text) => text !== "one");

describe("a cookie that leads to nothing", () => {
  test.each(Object.keys(sources))(
    "is no session of %s, however often it is sent, and nothing is thrown",
    async (name) => {
      const source = sources[name] as MigrationSource;
      const pairs = fc.array(fc.tuple(fc.constantFrom(...source.cookies), value), { minLength: 1, maxLength: 6 });
      await fc.assert(
        fc.asyncProperty(pairs, async (sent) => {
          const { events, visit } = serve(source);
          expect(await visit(sent.map((pair) => pair.join("=")).join("; "))).toEqual([true, null]);
          expect(events.filter(({ type }) => type !== "unknown")).toEqual([]);
        }),
        { numRuns: 100 },
      );
    },
  );
});

/** Nested arrays, as deep as a parser of JSON goes along with. */
const deep = (levels: number): unknown => JSON.parse("[".repeat(levels) + "]".repeat(levels));

const strangeKey = fc.constantFrom("__proto__", "constructor", "prototype", "toString", "then", "toJSON", "cookie");
const strange: fc.Arbitrary<unknown> = fc.oneof(
  fc.anything({ withBigInt: true, withDate: true, withMap: true, withNullPrototype: true, withTypedArray: true }),
  fc.constantFrom(deep(50), deep(5_000), "x".repeat(2_000_000), Number.NaN, Symbol("a"), () => 1),
  fc.dictionary(strangeKey, fc.constant({ admin: true })),
);
/** With own properties of any name, as JSON.parse makes them. */
const record = fc
  .array(fc.tuple(fc.oneof(strangeKey, fc.string()), strange), { maxLength: 4 })
  .map((entries) => Object.fromEntries(entries))
  // No database gives functions, and this one would make a promise of the row, that of the application
  .filter(({ then }) => typeof then !== "function");

const sign = (text: string) => `${text}.${createHmac("sha256", SECRET).update(text).digest("base64")}`;
const keygrip = (value: string) =>
  `koa.sess=${value}; koa.sess.sig=${createHmac("sha1", SECRET).update(`koa.sess=${value}`).digest("base64url")}`;

/** A cookie that is in order, for the record `one`. */
const cookies: Record<string, string> = {
  "Better Auth": `better-auth.session_token=${encodeURIComponent(sign("one"))}`,
  "express-session": `connect.sid=${encodeURIComponent(`s:${sign("one")}`)}`,
  "hono-sessions in a store": "session=one",
  "koa-session with a store": keygrip("one"),
  Lucia: "auth_session=one",
  "a lookup": "sid=one",
  "React Router behind an id": `__session=${encodeURIComponent(sign(btoa('"one"')))}`,
  "Remix 3 in a storage": `remix=${encodeURIComponent(sign(btoa("one")))}`,
};

describe("a record that is nonsense", () => {
  test.each(Object.keys(cookies))("of %s costs nobody a page, and gives nothing away", async (name) => {
    await fc.assert(
      fc.asyncProperty(
        fc.oneof(
          strange,
          record,
          record.map((_data) => ({ _data })),
        ),
        async (nonsense) => {
          rows.set("one", nonsense);
          const { events, visit } = serve(sources[name] as MigrationSource);
          const [isNew, admin] = await visit(cookies[name] as string);
          expect(admin).toBeNull();
          const migrated = events.filter(({ type }) => type === "migrated").length;
          expect(migrated).toBe(isNew ? 0 : 1);
        },
      ),
      { numRuns: 100 },
    );
  });

  test.each(Object.keys(cookies))("while one of %s that makes sense is taken over", async (name) => {
    rows.set("one", name.startsWith("hono-sessions") ? { _data: { admin: { value: "yes" } } } : { admin: "yes" });
    expect(await serve(sources[name] as MigrationSource).visit(cookies[name] as string)).toEqual([false, "yes"]);
  });
});

describe("dates that are none", () => {
  const date = fc.constantFrom(
    Number.NaN,
    -1,
    0,
    0.5,
    START,
    1e300,
    -1e300,
    Infinity,
    -Infinity,
    "soon",
    {},
    null,
    true,
  );

  test("are no error, and no store is asked to keep anything for longer than it can count", async () => {
    await fc.assert(
      fc.asyncProperty(date, date, async (createdAt, expiresAt) => {
        const kept: number[] = [];
        const memory = memoryStore({ clock: () => START });
        const store: SessionStore = {
          ...memory,
          create(key, entry, meta) {
            kept.push(meta.expiresAt);
            return memory.create(key, entry, meta);
          },
        };
        const source = migrationSource<object>({
          name: "old",
          cookies: ["old"],
          read: () => ({ proof: "one", load: () => ({ data: {}, createdAt, expiresAt }) as never }),
        });
        const [isNew] = await serve(source, store).visit("old=one");
        if (typeof expiresAt === "number" && expiresAt <= START && expiresAt > -Infinity) expect(isNew).toBe(true);
        for (const time of kept) expect([Number.isInteger(time), time <= 8.64e15]).toEqual([true, true]);
      }),
    );
  });
});
