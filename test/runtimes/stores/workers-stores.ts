import { subjectDigest } from "../../../adapters/shared/subject-digest.ts";
import {
  binding,
  type D1Client,
  d1Store,
  durableObjectStore,
  kvStore,
  type SessionKvNamespace,
  type SessionObjectNamespace,
  sessionsFromEnv,
} from "../../../adapters/workers.ts";
import { createSessions, type SessionStore } from "../../../src/index.ts";
import type { MakeStore } from "../../../src/testing.ts";
import { listWhileChurning, revokeWhileChurning } from "../../support/index-churn.ts";
import { mixedRooms } from "../../support/rooms.ts";
import { interleavedSessions } from "./interleaved-sessions.ts";
import { parallelSessions } from "./parallel-sessions.ts";
import { equal, type MoreTests, type StoreUnderTest } from "./store-tests.ts";

/** The bindings of the worker under test. */
export interface TestEnv {
  readonly KV: SessionKvNamespace & { get(key: string): Promise<string | null> };
  readonly D1: D1Client & { withSession(from: string): D1Client };
  /** Bound to the exported class as it is, on SQLite storage. */
  readonly OBJECTS: SessionObjectNamespace;
  /** Bound to a `DurableObject` of the worker's own that uses `sessionObject()`, on key-value storage. */
  readonly OWN_OBJECTS: SessionObjectNamespace;
  /** The worker itself. */
  readonly SELF: { fetch(url: string, init: RequestInit): Promise<Response> };
  readonly ABSENT?: SessionKvNamespace;
}

const hour = 3_600_000;

/** `env` is called when a test runs, so that the tests can be listed where there is none. */
export function workersStores(env: () => TestEnv): readonly StoreUnderTest[] {
  const [sweep, other] = [false, true];
  return [
    {
      name: "durableObjectStore(SessionObject)",
      makeStore: ({ clock }) => twoOn(env().OBJECTS, clock),
      capabilities: { sweep, other },
    },
    {
      name: "durableObjectStore(a DurableObject with sessionObject())",
      makeStore: ({ clock }) => twoOn(env().OWN_OBJECTS, clock),
      // A value on key-value storage may have 128 KiB
      capabilities: { sweep, other, valueBytes: 100_000 },
    },
    {
      name: "d1Store()",
      async makeStore({ clock }) {
        const table = newTableName();
        const store = d1Store(env().D1, { table, clock });
        await store.createTable();
        return { store, other: d1Store(env().D1.withSession("first-primary"), { table, clock }) };
      },
      capabilities: { other },
    },
    {
      name: "kvStore()",
      makeStore: ({ clock }) => kvStore(env().KV, { prefix: newPrefix(), clock }),
      capabilities: { sweep, touch: false, consistency: "eventual" },
    },
  ];
}

export function moreWorkersTests(env: () => TestEnv): MoreTests {
  const makeObjectStore: MakeStore = ({ clock }) => durableObjectStore(env().OBJECTS, { prefix: newPrefix(), clock });
  const makeTable: MakeStore = ({ clock }) => newTable(env(), clock);
  return {
    ...parallelSessions("durableObjectStore()", makeObjectStore),
    ...interleavedSessions("durableObjectStore()", makeObjectStore),
    ...parallelSessions("d1Store()", makeTable),
    ...interleavedSessions("d1Store()", makeTable),

    "durableObjectStore(): a signed-in session whose expiry moves a little costs one call each, and its first sign-in two":
      async () => {
        const names: string[] = [];
        const { OBJECTS } = env();
        const counted: SessionObjectNamespace = {
          getByName(name) {
            names.push(name.replace(/:.*/, ""));
            return OBJECTS.getByName(name);
          },
        };
        const store = durableObjectStore(counted);
        const [key, expiresAt] = [crypto.randomUUID(), Date.now() + hour];
        const calls = async <T>(operation: () => T | Promise<T>): Promise<[T, string[]]> => [
          await operation(),
          names.splice(0),
        ];
        const [first, created] = await calls(() => store.create(key, "1", { expiresAt }));
        equal(created, ["entry"], "create() of an anonymous session");
        const [second, signedIn] = await calls(() =>
          store.update(key, "2", { expiresAt, subject: "anna" }, first ?? ""),
        );
        equal(signedIn, ["subject", "entry"], "sign-in");
        const [third, updated] = await calls(() =>
          store.update(key, "3", { expiresAt: expiresAt + 1, subject: "anna" }, second ?? ""),
        );
        equal(updated, ["entry"], "update()");
        equal((await calls(() => store.touch?.(key, expiresAt + hour, third ?? "")))[1], ["entry"], "touch()");
        equal((await calls(() => store.read(key)))[1], ["entry"], "read()");
        equal((await calls(() => store.keysOf?.("anna")))[1], ["subject", "entry"], "keysOf()");
        equal((await calls(() => store.delete(key)))[1], ["entry", "subject"], "delete()");
      },

    "durableObjectStore(): a crash between the index and the entry leaves nothing that is listed, whichever write it cuts":
      async () => {
        const { OBJECTS } = env();
        let left = Number.POSITIVE_INFINITY;
        const crashing: SessionObjectNamespace = {
          getByName(name) {
            const stub = OBJECTS.getByName(name);
            return {
              async fetch(url, init) {
                if (left-- <= 0) throw new Error("crash");
                return stub.fetch(url, init);
              },
            };
          },
        };
        const prefix = newPrefix();
        const [store, sound] = [durableObjectStore(crashing, { prefix }), durableObjectStore(OBJECTS, { prefix })];
        const crashAfter = async (calls: number, operation: () => unknown): Promise<void> => {
          left = calls;
          await Promise.resolve(operation()).catch(() => {});
          left = Number.POSITIVE_INFINITY;
        };
        const meta = { expiresAt: Date.now() + hour, subject: "anna" };
        await crashAfter(1, () => store.create("never", "1", meta));
        equal(
          [(await sound.read("never")) ?? null, await sound.keysOf?.("anna")],
          [null, []],
          "a row without an entry is listed",
        );
        const version = (await sound.create("key", "1", meta)) ?? "";
        await crashAfter(1, () => store.update("key", "2", { ...meta, subject: "bert" }, version));
        equal(
          [await sound.keysOf?.("anna"), await sound.keysOf?.("bert")],
          [["key"], []],
          "a sign-in that was cut off",
        );
        await crashAfter(1, () => store.update("key", "2", { expiresAt: meta.expiresAt }, version));
        equal(
          [(await sound.read("key"))?.value, await sound.keysOf?.("anna")],
          ["2", []],
          "a row that was left behind is listed",
        );
      },

    "durableObjectStore(): a removal from the index that comes late does not take the row of a later sign-in":
      async () => {
        const { OBJECTS } = env();
        let release = (): void => {};
        const released = new Promise<void>((resolve) => {
          release = resolve;
        });
        const late: SessionObjectNamespace = {
          getByName(name) {
            const stub = OBJECTS.getByName(name);
            return {
              async fetch(url, init) {
                if (init.body.includes('"unlist"')) await released;
                return stub.fetch(url, init);
              },
            };
          },
        };
        const prefix = newPrefix();
        const [store, other] = [durableObjectStore(late, { prefix }), durableObjectStore(OBJECTS, { prefix })];
        const meta = { expiresAt: Date.now() + hour };
        const first = (await other.create("key", "1", { ...meta, subject: "anna" })) ?? "";
        const leaving = store.update("key", "2", meta, first);
        let second = await other.read("key");
        while (second?.value !== "2") second = await other.read("key");
        await other.update("key", "3", { ...meta, subject: "anna" }, second.version);
        release();
        await leaving;
        equal(await other.keysOf?.("anna"), ["key"], "the sign-in that came in between is not listed");
      },

    "durableObjectStore(): alarms clear away what has ended, and nothing else": async () => {
      const prefix = newPrefix();
      const [store, now, day] = [durableObjectStore(env().OBJECTS, { prefix }), Date.now(), 24 * hour];
      // Ended so long ago that its alarm is due at once, and that of its row as well.
      await store.create("ended", "x", { expiresAt: now - day - 61_000, subject: "anna" });
      await store.create("live", "x", { expiresAt: now + hour, subject: "anna" });
      // To a store whose clock is behind nothing has ended, so it shows what is there.
      const past = durableObjectStore(env().OBJECTS, { prefix, clock: () => now - 3 * day });
      const rows = async (): Promise<string[]> => {
        const digest = await subjectDigest("anna");
        const init = { method: "POST", body: JSON.stringify({ op: "members", now: 0 }) };
        const response = await env().OBJECTS.getByName(`${prefix}subject:${digest}`).fetch("https://session/", init);
        return (JSON.parse(await response.text()) as string[]).map((member) => member.split(" ")[0] ?? "");
      };
      for (let waits = 0; waits < 100; waits++) {
        if ((await past.read("ended")) === undefined && (await rows()).length === 1) break;
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
      equal((await past.read("ended")) ?? null, null, "the alarm did not clear the entry");
      equal(await rows(), ["live"], "rows in the index");
      equal((await store.read("live"))?.value, "x", "the live entry is gone");
    },

    "durableObjectStore(): an alarm keeps its distance to now, whatever the clock of the store says": async () => {
      const day = 24 * hour;
      for (const apart of [-2 * day, 0, 2 * day]) {
        const [prefix, clock] = [newPrefix(), () => Date.now() + apart];
        const store = durableObjectStore(env().OWN_OBJECTS, { prefix, clock });
        const alarm = async (name: string): Promise<number> => {
          const stub = env().OWN_OBJECTS.getByName(prefix + name);
          const response = await stub.fetch("https://session/alarm", { method: "POST", body: "" });
          return Math.round(Number(await response.text()) / hour);
        };
        const version = await store.create("key", "x", { expiresAt: clock() + 5 * hour, subject: "anna" });
        const row = `subject:${await subjectDigest("anna")}`;
        equal([await alarm("entry:key"), await alarm(row)], [5, 29], `hours to the alarms, ${apart} ms apart`);
        const next = await store.update("key", "y", { expiresAt: clock() + 2 * hour, subject: "anna" }, version ?? "");
        equal(await alarm("entry:key"), 2, "hours to the alarm of an entry that ends sooner");
        await store.touch?.("key", clock() + hour, next);
        equal(await alarm("entry:key"), 1, "hours to the alarm after a touch to sooner");
        equal((await store.read("key"))?.value, "y", "the entry is gone");
      }
    },

    "durableObjectStore(): an entry that is too large is a RangeError, and leaves what was stored and no row":
      async () => {
        const [prefix, { OBJECTS }] = [newPrefix(), env()];
        // Storage says so in production; workerd on its own has no limit.
        const full: SessionObjectNamespace = {
          getByName(name) {
            const stub = OBJECTS.getByName(name);
            const refuses = (body: string): boolean => body.includes('"op":"write"') && body.length > 100_000;
            return {
              fetch: async (url, init) =>
                refuses(init.body) ? new Response("larger than 131072 bytes", { status: 413 }) : stub.fetch(url, init),
            };
          },
        };
        const store = durableObjectStore(full, { prefix });
        const meta = { expiresAt: Date.now() + hour, subject: "anna" };
        const version = (await store.create("key", "small", { expiresAt: meta.expiresAt })) ?? "";
        for (const value of ["x".repeat(140_000), "x".repeat(3_000_000)]) {
          for (const call of [
            () => store.create("new", value, meta),
            () => store.update("key", value, meta, version),
          ]) {
            const error = await (async () => call())().catch((caught: unknown) => caught);
            equal(error instanceof RangeError && /larger than a Durable Object/.test(error.message), true, `${error}`);
          }
        }
        equal((await store.read("key"))?.value, "small", "a refused write changed the entry");
        const init = { method: "POST", body: JSON.stringify({ op: "members", now: 0 }) };
        const row = `${prefix}subject:${await subjectDigest("anna")}`;
        const rows = await (await OBJECTS.getByName(row).fetch("https://session/", init)).text();
        equal(rows, "[]", "rows of entries that were not written");
      },

    "durableObjectStore(): calls that list and end a user's sessions, six at a time": async () => {
      const { OBJECTS } = env();
      let [calls, atOnce, most] = [0, 0, 0];
      const counted: SessionObjectNamespace = {
        getByName(name) {
          const stub = OBJECTS.getByName(name);
          return {
            async fetch(url, init) {
              calls++;
              most = Math.max(most, ++atOnce);
              return stub.fetch(url, init).finally(() => atOnce--);
            },
          };
        },
      };
      const store = durableObjectStore(counted, { prefix: newPrefix() });
      const sessions = createSessions({ store });
      const signIn = sessions.wrap((_request, session) => {
        session.signIn("anna");
        return new Response();
      });
      const n = 20;
      for (let i = 0; i < n; i++) await signIn(new Request("https://example.com/"));
      calls = most = 0;
      equal((await sessions.list("anna")).length, n, "sessions listed");
      equal([calls <= 2 * n + 1, most <= 6], [true, true], `list() made ${calls} calls, ${most} at once`);
      calls = most = 0;
      equal(await sessions.revokeAll("anna"), n, "sessions ended");
      equal([calls <= 5 * n + 2, most <= 6], [true, true], `revokeAll() made ${calls} calls, ${most} at once`);
    },

    "durableObjectStore(): a listing has every lasting session while others come, go and move": async () => {
      const churned = await listWhileChurning(durableObjectStore(env().OBJECTS, { prefix: newPrefix() }));
      equal(churned.faults, [], "faults");
    },

    "durableObjectStore(): revokeAll() ends every lasting session while others come, go and move": async () => {
      const store = durableObjectStore(env().OBJECTS, { prefix: newPrefix() });
      equal(await revokeWhileChurning(store), [], "faults");
    },

    "d1Store(): revokeAll() ends every lasting session while others come, go and move": async () => {
      equal(await revokeWhileChurning(await newTable(env(), Date.now)), [], "faults");
    },

    "d1Store(): a listing has every lasting session while others come, go and move": async () => {
      equal((await listWhileChurning(await newTable(env(), Date.now))).faults, [], "faults");
    },

    "d1Store(): what withSession() returns is a database too": async () => {
      const table = newTableName();
      const store = d1Store(env().D1.withSession("first-primary"), { table });
      await store.createTable();
      const meta = { expiresAt: Date.now() + hour, subject: "anna" };
      const version = (await store.create("key", "1", meta)) ?? "";
      equal((await d1Store(env().D1, { table }).read("key"))?.value, "1", "read by the binding");
      equal((await store.update("key", "2", meta, version)) !== undefined, true, "update() was refused");
      equal([(await store.read("key"))?.value, await store.keysOf("anna")], ["2", ["key"]], "read() and keysOf()");
      equal([await store.delete("key"), await store.sweep(Date.now())], [true, 0], "delete() and sweep()");
    },

    "kvStore(): a listing has every lasting session while others come, go and move": async () => {
      const store = kvStore(env().KV, { prefix: newPrefix() });
      equal((await listWhileChurning(store, { lasting: 10, listings: 10 })).faults, [], "faults");
    },

    "kvStore(): revokeAll() ends every lasting session while others come, go and move": async () => {
      const store = kvStore(env().KV, { prefix: newPrefix() });
      equal(await revokeWhileChurning(store, { lasting: 10, listings: 10 }), [], "faults");
    },

    "kvStore(): prefixes that begin with each other, or are called as its own names are, keep apart": async () => {
      const own = newPrefix();
      const names = [own, `${own}2`, `${own}subject:`, `${own}session:`];
      const rooms = names.map((prefix) => [prefix, kvStore(env().KV, { prefix })] as const);
      equal(await mixedRooms(Object.fromEntries(rooms)), [], "faults");
    },

    "durableObjectStore(): prefixes that begin with each other, or are called as its own names are, keep apart":
      async () => {
        const own = newPrefix();
        const names = [own, `${own}2`, `${own}entry:`, `${own}subject:`];
        const rooms = names.map((prefix) => [prefix, durableObjectStore(env().OBJECTS, { prefix })] as const);
        equal(await mixedRooms(Object.fromEntries(rooms)), [], "faults");
      },

    "kvStore(): a user's sessions are listed beyond the thousand keys of a page": async () => {
      const store = kvStore(env().KV, { prefix: newPrefix() });
      const meta = { expiresAt: Date.now() + hour, subject: "anna" };
      const keys = Array.from({ length: 1_030 }, (_, at) => `key${at}`);
      for (let at = 0; at < keys.length; at += 100)
        await Promise.all(keys.slice(at, at + 100).map((key) => store.create(key, "x", meta)));
      equal((await store.keysOf?.("anna"))?.length, keys.length, "keys listed");
    },

    "durableObjectStore(): an update is refused by the object's own error when the object fails": async () => {
      const failing: SessionObjectNamespace = {
        getByName: () => ({ fetch: async () => new Response("overloaded", { status: 503 }) }),
      };
      const error = await Promise.resolve(durableObjectStore(failing).read("key")).catch(String);
      equal(error, "Error: The Durable Object of a session answered 503: overloaded", "the error");
    },

    "kvStore(): values that expire within a minute are accepted by KV, which keeps them for longer than the store shows them":
      async () => {
        let now = Date.now();
        const prefix = newPrefix();
        const store = kvStore(env().KV, { prefix, clock: () => now });
        await store.create("key", "x", { expiresAt: now + 1 });
        equal((await store.read("key"))?.value, "x", "the entry is missing");
        now += 1;
        equal((await store.read("key")) ?? null, null, "the entry is read after its end");
        equal(await env().KV.get(`${prefix}key`), "x", "KV has dropped the entry early");
      },

    "kvStore(): what ended a session is what another request finds, not an absence": async () => {
      const store = kvStore(env().KV, { prefix: newPrefix() });
      const sessions = createSessions<{ n: number }>({ store });
      const visit = sessions.wrap((_request, session) => {
        session.set("n", 1);
        return new Response();
      });
      const request = (cookie?: string): Request =>
        new Request("https://example.com", { headers: cookie === undefined ? {} : { cookie } });
      const cookie = (await visit(request())).headers.getSetCookie()[0]?.split(";")[0] ?? "";
      let handle = "";
      await sessions.wrap((_request, session) => {
        handle = session.handle ?? "";
        session.destroy();
        return new Response();
      })(request(cookie));
      equal(typeof (await store.read(handle))?.value, "string", "the end of the session was not written");
      const answer = await visit(request(cookie));
      equal(answer.headers.getSetCookie(), [], "a session that ended was given a cookie");
    },

    "sessionsFromEnv(): one manager for each env, and handlers get env and the rest": async () => {
      let made = 0;
      const sessions = sessionsFromEnv(({ KV }: TestEnv) => {
        made++;
        return createSessions<{ n: number }>({ store: kvStore(KV, { prefix: newPrefix() }) });
      });
      const eager = sessions.wrap((_request, session, given, ctx: string) => {
        session.set("n", 1);
        return Response.json([given === env(), ctx]);
      });
      const lazy = sessions.wrapLazy(async (_request, open, _env, ctx: string) =>
        Response.json([(await open()).get("n"), ctx]),
      );
      const response = await eager(new Request("https://example.com"), env(), "ctx");
      equal(await response.json(), [true, "ctx"], "arguments of the handler");
      const cookie = response.headers.getSetCookie()[0]?.split(";")[0] ?? "";
      equal(
        await (await lazy(new Request("https://example.com", { headers: { cookie } }), env(), "c2")).json(),
        [1, "c2"],
        "lazy",
      );
      equal(made, 1, "managers made");
      await eager(new Request("https://example.com"), { ...env() }, "ctx");
      equal(made, 2, "managers made for a second env");
      sessions.of(env());
      equal(made, 2, "managers made after of()");
    },

    "binding(): a binding that is missing throws its name at the first request, and at the next": async () => {
      const sessions = sessionsFromEnv((env: TestEnv) => createSessions({ store: kvStore(binding(env, "ABSENT")) }));
      const fetch = sessions.wrap(() => new Response());
      for (let request = 1; request <= 2; request++) {
        const error = await fetch(new Request("https://example.com"), env()).catch(String);
        equal(
          error,
          'TypeError: The binding "ABSENT" is missing in env: add it to the configuration of this worker and environment',
          "error",
        );
      }
    },

    "stores say what to write when they are given no binding": async () => {
      const makers: ((missing: never) => SessionStore)[] = [kvStore, d1Store, durableObjectStore];
      for (const make of makers) {
        let error: unknown;
        try {
          make(undefined as never);
        } catch (caught) {
          error = caught;
        }
        equal(
          error instanceof TypeError && error.message.includes("binding"),
          true,
          `${make.name}(undefined) threw ${error}`,
        );
      }
    },
  };
}

async function newTable({ D1 }: TestEnv, clock: () => number): Promise<SessionStore> {
  const store = d1Store(D1, { table: newTableName(), clock });
  await store.createTable();
  return store;
}

function newTableName(): string {
  return `t_${crypto.randomUUID().replaceAll("-", "")}`;
}

function twoOn(namespace: SessionObjectNamespace, clock: () => number): { store: SessionStore; other: SessionStore } {
  const options = { prefix: newPrefix(), clock };
  return { store: durableObjectStore(namespace, options), other: durableObjectStore(namespace, options) };
}

function newPrefix(): string {
  return `${crypto.randomUUID()}:`;
}
