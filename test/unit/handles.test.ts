import { createHash } from "node:crypto";
import { beforeEach, describe, expect, test } from "vitest";
import { memoryStore, type SessionStore } from "../../src/index.ts";
import { decodeStored } from "../../src/stored/record.ts";
import { startProcess, startSession, type TestProcess } from "../support/process.ts";

const digest = (token: string): string => createHash("sha256").update(token).digest("base64url");
const START = 1_800_000_000_000;

let now: number;
let store: SessionStore;
const clock = () => now;

beforeEach(() => {
  now = START;
  store = memoryStore({ clock });
});

const only = (cookies: string[]): string => {
  expect(cookies).toHaveLength(1);
  return cookies[0] as string;
};

describe("the handle of a session", () => {
  let server: TestProcess;
  beforeEach(() => {
    server = startProcess(store, { clock, rotation: { every: 60, grace: 30 } });
  });

  const handleOf = async (token: string): Promise<string | undefined> => {
    let handle: string | undefined;
    await server.request(token, (session) => {
      handle = session.handle;
    });
    return handle;
  };

  test("is known before anything is stored, and is the one that is stored", async () => {
    let handle: string | undefined;
    const { cookies } = await server.request(undefined, (session) => {
      handle = session.handle;
      session.set("a", "x");
      expect(session.handle).toBe(handle);
    });
    expect(handle).toBe(digest(only(cookies)));
    expect(server.events).toContainEqual({ type: "created", handle, subject: undefined });
  });

  test("read of a visitor stores nothing", async () => {
    expect((await server.request(undefined, (session) => void session.handle)).cookies).toEqual([]);
  });

  test("stays through rotations and renewals, in lists and events too, for as long as the session lives", async () => {
    let token = await startSession(server, { a: "x" }, "ada");
    const handle = digest(token);
    for (let step = 0; step < 6; step++) {
      now += 400_000; // far beyond every grace: nothing leads from the first token any more
      token = only((await server.request(token, step % 2 ? (session) => session.renew() : undefined)).cookies);
      expect(await handleOf(token)).toBe(handle);
      expect(server.events.at(-1)).not.toHaveProperty("handle", digest(token));
    }
    expect(await server.sessions.list("ada", { current: handle })).toMatchObject([{ handle, current: true }]);
    expect(new Set(server.events.map((event) => event.handle))).toEqual(new Set([handle]));
  });

  test("takes no room in a record until the token changes", async () => {
    const token = await startSession(server, { a: "x" }, "ada");
    expect((await store.read(digest(token)))?.value).not.toContain("handle");
  });

  test("is a new one after a sign-in, known before the commit, and the event names the one before", async () => {
    const visitor = await startSession(server);
    let during: string | undefined;
    const { cookies } = await server.request(visitor, (session) => {
      session.signIn("ada");
      during = session.handle;
    });
    expect(during).toBe(digest(only(cookies)));
    expect(server.events).toContainEqual({
      type: "signed_in",
      handle: during,
      subject: "ada",
      previous: digest(visitor),
    });
  });

  test("a token whose key is taken already is replaced by another", async () => {
    let isFirst = true;
    const full: SessionStore = {
      ...store,
      create(key, value, meta) {
        if (!isFirst) return store.create(key, value, meta);
        isFirst = false;
        return undefined;
      },
    };
    const token = await startSession(startProcess(full, { clock }));
    expect((await server.request(token)).saw).toEqual({ a: "start" });
  });
});

describe("revoke(subject, handle)", () => {
  test("ends the session however old the list is, and however often its token changed since", async () => {
    const server = startProcess(store, { clock, rotation: { every: 60 } });
    let token = await startSession(server, {}, "ada");
    const [listed] = await server.sessions.list("ada");
    for (let step = 0; step < 4; step++) {
      now += 900_000;
      token = only((await server.request(token, step % 2 ? (session) => session.renew() : undefined)).cookies);
    }
    expect(await server.sessions.revoke("ada", listed?.handle as string)).toBe(true);
    expect((await server.request(token)).subject).toBe(undefined);
    expect(server.events).toContainEqual({ type: "revoked", handle: listed?.handle, subject: "ada" });
  });

  test("ends what a sign-in has just made of the session, as a logout does", async () => {
    const server = startProcess(store, { clock });
    const token = await startSession(server, {}, "ada");
    const { cookies } = await server.request(token, (session) => session.signIn("ada"));
    now += 20_000;
    expect(await server.sessions.revoke("ada", digest(token))).toBe(true);
    expect((await server.request(only(cookies))).subject).toBe(undefined);
  });

  test("ends nobody else's session", async () => {
    const server = startProcess(store, { clock });
    const bob = await startSession(server, {}, "bob");
    await startSession(server, {}, "ada");
    expect(await server.sessions.revoke("ada", digest(bob))).toBe(false);
    expect((await server.request(bob)).subject).toBe("bob");
  });

  test("and every call that takes a user or a handle refuse what is none, instead of meaning nobody", async () => {
    const { sessions } = startProcess(store, { clock });
    for (const bad of [42, undefined, null, "", {}, "x".repeat(501), "\0"] as never[]) {
      await expect(sessions.revokeAll(bad)).rejects.toThrow(TypeError);
      await expect(sessions.list(bad)).rejects.toThrow(TypeError);
      await expect(sessions.revoke(bad, digest("x"))).rejects.toThrow(TypeError);
    }
    for (const bad of [42, null, {}] as never[]) {
      await expect(sessions.revoke("ada", bad)).rejects.toThrow(TypeError);
      await expect(sessions.revokeAll("ada", { except: bad })).rejects.toThrow(TypeError);
      await expect(sessions.list("ada", { current: bad })).rejects.toThrow(TypeError);
    }
    await expect(sessions.revoke("ada", undefined as never)).rejects.toThrow(TypeError);
  });
});

describe("signOut()", () => {
  test("goes on as a visitor with what is kept, under a new token and a new handle; the old token opens nothing", async () => {
    const server = startProcess(store, { clock, cookie: { persistent: false } });
    const user = await startSession(server, { a: "cart", b: "private" }, "ada");
    const { cookies } = await server.request(user, (session) => {
      const before = session.handle;
      session.signOut({ keep: ["a"] });
      expect([session.subject, session.authenticatedAt, session.all()]).toEqual([undefined, undefined, { a: "cart" }]);
      expect(session.handle).not.toBe(before);
      session.set("c", "after");
    });
    const visitor = only(cookies);
    expect(await server.request(visitor)).toMatchObject({ saw: { a: "cart", c: "after" }, subject: undefined });
    expect(await server.request(user)).toMatchObject({ saw: {}, subject: undefined, cookies: [] });
    expect(server.events).toContainEqual({ type: "signed_out", handle: digest(user), subject: "ada" });
    expect(await server.sessions.list("ada")).toEqual([]);
  });

  test("with nothing to keep stores nothing and removes the cookie", async () => {
    const server = startProcess(store, { clock });
    const user = await startSession(server, { a: "private" }, "ada");
    expect((await server.request(user, (session) => session.signOut())).cookies).toEqual([""]);
    expect((await server.request(user)).saw).toEqual({});
    expect(server.events.at(-1)).toMatchObject({ type: "signed_out", handle: digest(user), subject: "ada" });
  });

  test("then signIn() switches the account, with none of the former one's data", async () => {
    const server = startProcess(store, { clock });
    const ada = await startSession(server, { a: "hers", b: "shared" }, "ada");
    const { cookies } = await server.request(ada, (session) => {
      session.signOut({ keep: ["b"] });
      session.signIn("bob");
    });
    expect(await server.request(only(cookies))).toMatchObject({ saw: { b: "shared" }, subject: "bob" });
    expect((await server.request(ada)).subject).toBe(undefined);
  });

  test("is as final as destroy(): it ends what a sign-in made of the session meanwhile", async () => {
    const server = startProcess(store, { clock });
    const token = await startSession(server, {}, "ada");
    const renewed = only((await server.request(token, (session) => session.renew())).cookies);
    expect((await server.request(token, (session) => session.signOut({ keep: ["a"] }))).cookies).toEqual([""]);
    expect((await server.request(renewed)).subject).toBe(undefined);
  });

  test('"remember me" does not stay with the visitor', async () => {
    const server = startProcess(store, { clock });
    const { cookies } = await server.request(undefined, (session) => session.signIn("ada", { persistent: true }));
    const { response } = await server.request(only(cookies), (session) => {
      session.signOut();
      session.set("a", "x");
    });
    expect(response.headers.get("set-cookie")).not.toMatch(/Max-Age/);
  });

  test("of a visitor drops what was not kept", async () => {
    const server = startProcess(store, { clock });
    const visitor = await startSession(server, { a: "kept", b: "gone" });
    const { cookies } = await server.request(visitor, (session) => session.signOut({ keep: ["a"] }));
    expect((await server.request(only(cookies))).saw).toEqual({ a: "kept" });
  });
});

describe("limits of one session", () => {
  const lifetime = { idle: 3_600, absolute: 36_000 };

  test("hold instead of those of the options, through every write and renewal", async () => {
    const server = startProcess(store, { clock, lifetime });
    const { cookies } = await server.request(undefined, (session) => {
      session.signIn("ada", { lifetime: { idle: 60, absolute: 300 } });
      expect(session.expiresAt).toBe(now + 60_000);
    });
    let token = only(cookies);
    for (let second = 0; second < 300; second += 50) {
      expect((await server.request(token, (session) => session.set("count", second))).subject).toBe("ada");
      if (second === 100) token = only((await server.request(token, (session) => session.renew())).cookies);
      now += 50_000;
    }
    expect((await server.request(token)).subject).toBe(undefined);
    expect(server.events.at(-1)).toMatchObject({ type: "expired", limit: "absolute" });

    const second = await server.request(undefined, (session) => session.signIn("ada", { lifetime: { idle: 60 } }));
    now += 59_000;
    expect((await server.request(only(second.cookies))).subject).toBe("ada"); // and is a sign of life
    now += 59_000;
    expect((await server.request(only(second.cookies))).subject).toBe("ada");
    now += 60_000;
    expect((await server.request(only(second.cookies))).subject).toBe(undefined);
  });

  test("set the Max-Age of a persistent cookie", async () => {
    const server = startProcess(store, { clock, lifetime });
    const { response } = await server.request(undefined, (session) =>
      session.signIn("ada", { persistent: true, lifetime: { idle: 60, absolute: 300 } }),
    );
    expect(response.headers.get("set-cookie")).toContain("Max-Age=300;");
  });

  test("end with the session: the next sign-in has those of the options", async () => {
    const server = startProcess(store, { clock, lifetime });
    const short = await server.request(undefined, (session) => session.signIn("ada", { lifetime: { idle: 60 } }));
    const next = await server.request(only(short.cookies), (session) => session.signIn("ada"));
    now += 3_000_000;
    expect((await server.request(only(next.cookies))).subject).toBe("ada");
  });

  test.each<[object, new () => Error]>([
    [{ idle: 3_601 }, RangeError],
    [{ absolute: 36_001 }, RangeError],
    [{ idle: 0 }, RangeError],
    [{ idle: Number.NaN }, RangeError],
    [{ absolute: -1 }, RangeError],
    [{ idle: 100, absolute: 99 }, RangeError],
    [{ idle: "60" }, TypeError],
    [{ touchEvery: 5 }, TypeError],
    [null as never, TypeError],
  ])("%j is refused", async (limits, error) => {
    const server = startProcess(store, { clock, lifetime });
    await expect(server.request(undefined, (session) => session.signIn("ada", { lifetime: limits }))).rejects.toThrow(
      error,
    );
  });
});

describe("limits that the options change", () => {
  test("a shorter idle limit holds at once, for sessions that nobody touched since as well", async () => {
    const long = startProcess(store, { clock, lifetime: { idle: 43_200 } });
    const short = startProcess(store, { clock, lifetime: { idle: 900 } });
    const token = await startSession(long, { a: "x" }, "ada");
    now += 899_000;
    expect((await short.request(token)).subject).toBe("ada");
    now += 900_000;
    expect((await short.request(token)).subject).toBe(undefined);
  });

  test("lastSeenAt is exact under any options", async () => {
    const long = startProcess(store, { clock, lifetime: { idle: 43_200 } });
    await startSession(long, {}, "ada");
    now += 60_000;
    for (const idle of [900, 43_200, 86_400]) {
      const [info] = await startProcess(store, { clock, lifetime: { idle } }).sessions.list("ada");
      expect(info?.lastSeenAt).toBe(START);
    }
  });

  test("of a longer one the session has the use from the next request on", async () => {
    const token = await startSession(startProcess(store, { clock, lifetime: { idle: 900 } }), { a: "x" });
    const long = startProcess(store, { clock, lifetime: { idle: 43_200 } });
    now += 600_000;
    await long.request(token);
    now += 40_000_000;
    expect((await long.request(token)).saw).toEqual({ a: "x" });
  });
});

describe("records of version 0.1", () => {
  const old = (rest?: object) => `[1,${START},0${rest ? `,${JSON.stringify(rest)}` : ""}]\n{"a":"old"}`;

  test("read, and get the present idle limit with the first request", async () => {
    const key = digest("A".repeat(43));
    await store.create(key, old({ subject: "ada", authenticatedAt: START }), {
      expiresAt: START + 43_200_000,
      subject: "ada",
    });
    const server = startProcess(store, { clock, lifetime: { idle: 900 } });
    const [info] = await server.sessions.list("ada");
    expect(info).toMatchObject({ handle: key, lastSeenAt: START });
    now += 60_000;
    expect(await server.request("A".repeat(43))).toMatchObject({ saw: { a: "old" }, subject: "ada" });
    now += 900_000;
    expect((await server.request("A".repeat(43))).subject).toBe(undefined);
  });

  test("what a later version adds to the head is kept through updates, rotations and renewals", async () => {
    const token = "A".repeat(43);
    await store.create(digest(token), old({ device: { key: "k" }, later: [1] }), { expiresAt: START + 43_200_000 });
    const server = startProcess(store, { clock, rotation: { every: 60 } });
    await server.request(token, (session) => session.set("b", "written"));
    now += 61_000;
    const rotated = only((await server.request(token)).cookies);
    const renewed = only((await server.request(rotated, (session) => session.renew())).cookies);
    const stored = (await store.read(digest(renewed)))?.value as string;
    expect(JSON.parse(stored.split("\n")[0] as string)[3]).toMatchObject({ device: { key: "k" }, later: [1] });
    expect(decodeStored(stored, now)).toMatchObject({ kind: "live", handle: digest(token) });
  });
});
