import { createHash } from "node:crypto";
import { beforeEach, describe, expect, test } from "vitest";
import { memoryStore, type SessionStore } from "../../src/index.ts";
import { decodeStored, encodeRecord } from "../../src/stored/record.ts";
import { newToken } from "../../src/stored/token.ts";
import { COOKIE, startProcess, startSession, type TestProcess } from "../support/process.ts";

/** The key of a token, as any other implementation computes it. */
const digest = (token: string): string => createHash("sha256").update(token).digest("base64url");

const HOUR = 3_600_000;
const START = 1_800_000_000_000;

let now: number;
let store: SessionStore;
let calls: string[];
const clock = () => now;

/** A store that notes which operations were called. */
function counted(inner: SessionStore): SessionStore {
  const noting = <Args extends unknown[], Answer>(name: string, call: ((...args: Args) => Answer) | undefined) => {
    return (...args: Args): Answer => {
      calls.push(name);
      return (call as (...args: Args) => Answer)(...args);
    };
  };
  return {
    read: noting("read", inner.read),
    create: noting("create", inner.create),
    update: noting("update", inner.update),
    delete: noting("delete", inner.delete),
    touch: noting("touch", inner.touch),
    keysOf: noting("keysOf", inner.keysOf),
  };
}

beforeEach(() => {
  now = START;
  calls = [];
  store = counted(memoryStore({ clock }));
});

const only = (cookies: string[]): string => {
  expect(cookies).toHaveLength(1);
  return cookies[0] as string;
};
const types = (server: TestProcess): string[] => server.events.map(({ type }) => type);

describe("what a request costs", () => {
  test("nothing without a cookie; one read for a read; read and update for a write; nothing more for a change that is none", async () => {
    const server = startProcess(store, { clock });
    await server.request(undefined);
    expect(calls).toEqual([]);
    const token = await startSession(server, { a: "start" });
    expect(calls).toEqual(["create"]);

    calls.length = 0;
    await server.request(token, (session) => void session.get("a"));
    expect(calls).toEqual(["read"]);

    calls.length = 0;
    await server.request(token, (session) => session.set("b", "new"));
    expect(calls).toEqual(["read", "update"]);

    calls.length = 0;
    await server.request(token, (session) => {
      session.set("b", "new"); // as it is
      session.set("c", "for a moment");
      session.delete("c");
    });
    expect(calls).toEqual(["read"]);
  });

  test("a malformed cookie costs no read, an unknown one costs one and sets no cookie", async () => {
    const server = startProcess(store, { clock });
    for (const bad of [
      "",
      "x",
      "x".repeat(42),
      "x".repeat(44),
      `${"x".repeat(42)}B`,
      `${"x".repeat(42)}=`,
      `${"x".repeat(42)} `,
    ]) {
      expect((await server.request(bad)).cookies).toEqual([]);
    }
    expect(calls).toEqual([]);
    expect((await server.request(newToken())).cookies).toEqual([]);
    expect(calls).toEqual(["read"]);
  });

  test("at most four well-formed cookies of our name are tried, and the live one wins wherever it stands", async () => {
    const server = startProcess(store, { clock });
    const token = await startSession(server, { a: "mine" });
    const ask = async (...tokens: string[]) => {
      calls.length = 0;
      const cookie = tokens.map((value) => `${COOKIE}=${value}`).join("; ");
      return (await server.sessions.load({ url: "https://x/", headers: { get: () => cookie } })).get("a");
    };
    expect(await ask("planted", newToken(), newToken(), token)).toBe("mine");
    expect(await ask(newToken(), newToken(), newToken(), newToken(), token)).toBe(undefined);
    expect(calls).toHaveLength(4);
  });
});

describe("limits", () => {
  test("idle: a session ends that long after the last request, and a request in time moves the end", async () => {
    const server = startProcess(store, { clock });
    const token = await startSession(server);
    now += 11 * HOUR;
    expect((await server.request(token)).saw).toEqual({ a: "start" });
    now += 12 * HOUR - 1;
    expect((await server.request(token)).saw).toEqual({ a: "start" });
    now += 12 * HOUR;
    expect((await server.request(token)).saw).toEqual({});
  });

  test("absolute: no activity and no renewal moves it, only a sign-in does", async () => {
    const server = startProcess(store, { clock, lifetime: { idle: 3600, absolute: 7200 } });
    let token = await startSession(server);
    for (let minute = 0; minute < 119; minute++) {
      now += 60_000;
      if (minute === 60) token = only((await server.request(token, (session) => session.renew())).cookies);
      expect((await server.request(token)).saw).toEqual({ a: "start" });
    }
    now += 60_000;
    expect((await server.request(token)).saw).toEqual({});
    expect(server.events.at(-1)).toMatchObject({ type: "expired", limit: "absolute" });

    let second = await startSession(server);
    now += 3_000_000;
    second = only((await server.request(second, (session) => session.signIn("ada"))).cookies);
    for (let minute = 0; minute < 119; minute++) {
      now += 60_000;
      expect((await server.request(second)).subject).toBe("ada");
    }
  });

  test("both hold although a store returns what has expired (CVE-2024-35220)", async () => {
    const stale = memoryStore({ clock: () => START });
    const server = startProcess(stale, { clock });
    const token = await startSession(server);
    now += 12 * HOUR;
    expect((await server.request(token)).saw).toEqual({});
    expect(server.events.at(-1)).toMatchObject({ type: "expired", limit: "idle", handle: digest(token) });
  });

  test("the expiry is moved at most every touchEvery, and never by a request that came first", async () => {
    const server = startProcess(store, { clock, lifetime: { idle: 1000, absolute: 10_000, touchEvery: 100 } });
    const token = await startSession(server);
    calls.length = 0;
    now += 99_000;
    await server.request(token);
    expect(calls).toEqual(["read"]);
    now += 1_000;
    await server.request(token);
    expect(calls).toEqual(["read", "read", "touch"]);
    await server.request(token);
    expect(calls).toEqual(["read", "read", "touch", "read"]);
  });

  test("a store without touch gets an update, conditional as well", async () => {
    const { touch: _, ...plain } = store;
    const server = startProcess(plain, { clock });
    const token = await startSession(server, { a: "start" }, "ada");
    now += 2 * HOUR;
    calls.length = 0;
    await server.request(token);
    expect(calls).toEqual(["read", "update"]);
    now += 11 * HOUR;
    expect((await server.request(token)).subject).toBe("ada");
  });

  test("a clock that is set back neither ends nor revives a session", async () => {
    const server = startProcess(memoryStore({ clock: () => START }), { clock });
    const token = await startSession(server);
    now -= HOUR;
    expect((await server.request(token)).saw).toEqual({ a: "start" });
    now += 20 * HOUR;
    expect((await server.request(token)).saw).toEqual({});
  });
});

describe("sign-in and renewal are hard cuts", () => {
  test("a sign-in keeps the data, binds the subject, and the old token opens nothing and gets no cookie", async () => {
    const server = startProcess(store, { clock });
    const visitor = await startSession(server, { a: "cart" });
    const user = only((await server.request(visitor, (session) => session.signIn("ada"))).cookies);
    expect(await server.request(user)).toMatchObject({ saw: { a: "cart" }, subject: "ada" });
    const late = await server.request(visitor, (session) => session.set("b", "late"));
    expect(late).toMatchObject({ saw: {}, subject: undefined, cookies: [] });
    expect(server.events.at(-1)).toMatchObject({ type: "changes_dropped", changes: 1 });
    expect((await server.request(user)).saw).toEqual({ a: "cart" });
  });

  test("another subject's data is cleared, also what was set in this request before", async () => {
    const server = startProcess(store, { clock });
    const ada = await startSession(server, { a: "hers" }, "ada");
    const { cookies } = await server.request(ada, (session) => {
      session.set("b", "before");
      session.signIn("bob");
      session.set("c", "after");
      expect(session.all()).toEqual({ c: "after" });
    });
    expect(await server.request(only(cookies))).toMatchObject({ saw: { c: "after" }, subject: "bob" });
  });

  test("signing in on a token that was cut off makes a session of its own, so that nobody is locked out", async () => {
    const server = startProcess(store, { clock });
    const visitor = await startSession(server, { a: "cart" });
    const first = only((await server.request(visitor, (session) => session.signIn("ada"))).cookies);
    const second = only((await server.request(visitor, (session) => session.signIn("ada"))).cookies);
    expect(await server.request(second)).toMatchObject({ saw: {}, subject: "ada" });
    expect(await server.request(first)).toMatchObject({ saw: { a: "cart" }, subject: "ada" });
  });

  test("renew() keeps everything under a new token", async () => {
    const server = startProcess(store, { clock });
    const token = await startSession(server, { a: "kept" }, "ada");
    now += 1000;
    const renewed = only((await server.request(token, (session) => session.renew())).cookies);
    expect(await server.request(renewed)).toMatchObject({ saw: { a: "kept" }, subject: "ada" });
    expect(await server.request(token)).toMatchObject({ saw: {}, cookies: [] });
    expect(types(server)).toContain("renewed");
  });

  test("renew(), persist() and destroy() on a visitor without a session store nothing", async () => {
    const server = startProcess(store, { clock });
    for (const act of ["renew", "persist", "destroy"] as const) {
      expect((await server.request(undefined, (session) => session[act]())).cookies).toEqual([]);
    }
    await server.request(undefined, (session) => {
      session.set("a", "for a moment");
      session.delete("a");
    });
    expect(calls).toEqual([]);
  });
});

describe("logout is final", () => {
  test("the record is gone for every token, the cookie is removed, and the write of a slow request goes nowhere", async () => {
    const server = startProcess(store, { clock });
    const token = await startSession(server, { a: "private" }, "ada");
    const { cookies } = await server.request(token, (session) => {
      session.destroy();
      session.destroy();
      expect([session.get("a"), session.subject, session.all()]).toEqual([undefined, undefined, {}]);
    });
    expect(cookies).toEqual([""]);
    expect(await server.request(token)).toMatchObject({ saw: {}, subject: undefined, cookies: [] });
    expect(types(server)).toContain("destroyed");
  });

  test("a session that vanished from the store during a request is not made anew by its write", async () => {
    const server = startProcess(store, { clock });
    const token = await startSession(server);
    const { cookies } = await server.request(token, async (session) => {
      await store.delete(digest(token));
      session.set("b", "late");
    });
    expect(cookies).toEqual([]);
    expect(server.events.at(-1)).toMatchObject({ type: "changes_dropped", handle: digest(token) });
    expect((await server.request(token)).saw).toEqual({});
  });

  test("a logout that arrives with a token from before a sign-in still ends what the sign-in made", async () => {
    const server = startProcess(store, { clock });
    const visitor = await startSession(server);
    const user = only((await server.request(visitor, (session) => session.signIn("ada"))).cookies);
    expect((await server.request(visitor, (session) => session.destroy())).cookies).toEqual([""]);
    expect((await server.request(user)).subject).toBe(undefined);
  });

  test("when the store refuses to end it, the request fails instead of claiming a logout", async () => {
    const refuse = () => Promise.reject(new Error("read-only replica"));
    const server = startProcess({ ...store, update: refuse, delete: refuse }, { clock });
    const token = await startSession(server);
    await expect(server.request(token, (session) => session.destroy())).rejects.toMatchObject({ code: "store_failed" });
    expect((await server.request(token)).saw).toEqual({ a: "start" });
  });

  test("a throwing observer does not keep a session alive", async () => {
    const server = startProcess(store, { clock });
    const token = await startSession(server);
    const { createSessions } = await import("../../src/index.ts");
    const loud = createSessions({
      store,
      clock,
      observe() {
        throw new Error("listener");
      },
    });
    const session = await loud.load({ url: "https://x/", headers: { get: () => `${COOKIE}=${token}` } });
    session.destroy();
    await loud.commit(session);
    expect((await server.request(token)).saw).toEqual({});
  });
});

describe("periodic rotation", () => {
  const rotation = { every: 60, grace: 30, reuseWindow: 300 };
  let server: TestProcess;
  let first: string;
  let second: string;

  beforeEach(async () => {
    server = startProcess(store, { clock, rotation });
    first = await startSession(server, { a: "kept" }, "ada");
    now += 60_000;
    second = only((await server.request(first)).cookies);
  });

  test("a request with the old token sees the data, its writes are kept, and it is offered the same successor", async () => {
    expect(second).not.toBe(first);
    const late = await server.request(first, (session) => session.set("b", "late"));
    expect(late).toMatchObject({ saw: { a: "kept" }, subject: "ada" });
    expect(only(late.cookies)).toBe(second);
    expect((await server.request(second)).saw).toEqual({ a: "kept", b: "late" });
  });

  test("a lost response costs nothing: the old token works until the absolute limit, without a growing chain", async () => {
    for (let hour = 0; hour < 100; hour++) {
      now += HOUR;
      expect(only((await server.request(first)).cookies)).toBe(second);
    }
    expect(types(server).filter((type) => type === "rotated")).toHaveLength(1);
  });

  test("once the new token was seen the old one works for the grace and the leeway of clocks, and no longer", async () => {
    await server.request(second);
    now += 34_999;
    expect((await server.request(first)).saw).toEqual({ a: "kept" });
    now += 1;
    expect(await server.request(first)).toMatchObject({ saw: {}, subject: undefined, cookies: [] });
  });

  test("the grace is never moved once it runs", async () => {
    await server.request(second);
    now += 20_000;
    await server.request(second);
    await server.request(first);
    now += 15_000;
    expect((await server.request(first)).saw).toEqual({});
  });

  test("reuse after the grace ends the session and is told, with the handle of the session", async () => {
    await server.request(second);
    now += 36_000;
    await server.request(first);
    expect(server.events.at(-1)).toEqual({
      type: "token_reused",
      revoked: true,
      handle: digest(first),
      subject: "ada",
    });
    expect(await server.request(second)).toMatchObject({ saw: {}, cookies: [] });
  });

  test('onReuse "ignore" leaves the session alone, and the reused token gets no cookie', async () => {
    const mild = startProcess(store, { clock, rotation: { ...rotation, onReuse: "ignore" } });
    await mild.request(second);
    now += 36_000;
    expect(await mild.request(first, (session) => session.set("b", "stolen"))).toMatchObject({ saw: {}, cookies: [] });
    expect(mild.events).toContainEqual({
      type: "token_reused",
      revoked: false,
      handle: digest(first),
      subject: "ada",
    });
    expect((await mild.request(second)).saw).toEqual({ a: "kept" });
  });

  test("a replaced token is forgotten reuseWindow after its grace", async () => {
    await server.request(second);
    now += 335_000;
    expect(await server.request(first)).toMatchObject({ saw: {}, cookies: [] });
    expect(types(server)).not.toContain("token_reused");
    expect((await server.request(second)).saw).toEqual({ a: "kept" });
  });

  test("confirming costs the first request with the new token three operations more, and the next ones none", async () => {
    calls.length = 0;
    await server.request(second);
    expect(calls).toEqual(["read", "read", "update", "update"]);
    calls.length = 0;
    await server.request(second);
    expect(calls).toEqual(["read"]);
  });

  test('every "request": each answer carries a new token, and parallel requests are given the same one', async () => {
    const strict = startProcess(store, { clock, rotation: { every: "request" } });
    let token = await startSession(strict);
    const seen = new Set([token]);
    for (let request = 0; request < 10; request++) {
      const answers = await Promise.all([strict.request(token), strict.request(token), strict.request(token)]);
      const offered = new Set(answers.flatMap(({ cookies }) => cookies));
      expect(offered.size).toBe(1);
      [token] = [...offered] as [string];
      expect(seen.has(token)).toBe(false);
      seen.add(token);
    }
    expect((await strict.request(token)).saw).toEqual({ a: "start" });
  });

  test("the store alone leads nobody on: a forward names a key and a nonce, and without the token no successor follows", async () => {
    const forward = decodeStored((await store.read(digest(first)))?.value, now);
    expect(forward).toMatchObject({ kind: "forward", to: digest(second) });
    expect(JSON.stringify(forward)).not.toContain(second);
  });

  test("a forward that a tampered store bends to another record is rejected", async () => {
    const victim = await startSession(server, { a: "victim" }, "bob");
    const entry = await store.read(digest(first));
    const forward = JSON.parse(entry?.value as string);
    forward[2] = digest(victim);
    await store.update(digest(first), JSON.stringify(forward), { expiresAt: now + HOUR }, entry?.version as number);
    expect(await server.request(first)).toMatchObject({ saw: {}, cookies: [] });
    expect(types(server)).toContain("record_rejected");
  });

  test("logout with the old token ends the session", async () => {
    await server.request(first, (session) => session.destroy());
    expect((await server.request(second)).saw).toEqual({});
  });

  test("sign-in on a rotated session cuts off both tokens", async () => {
    const user = only((await server.request(first, (session) => session.signIn("ada"))).cookies);
    for (const token of [first, second]) expect(await server.request(token)).toMatchObject({ saw: {}, cookies: [] });
    expect((await server.request(user)).subject).toBe("ada");
  });
});

describe("persistent sessions", () => {
  const line = (cookies: { response: Response }) => cookies.response.headers.get("set-cookie");

  test("the cookie ends with the browser, unless persist(): then with the absolute limit, and a touch need not resend it", async () => {
    const server = startProcess(store, { clock });
    const plain = await server.request(undefined, (session) => session.set("a", "x"));
    expect(line(plain)).not.toMatch(/Max-Age|Expires/);
    now += HOUR;
    const persisted = await server.request(only(plain.cookies), (session) => session.persist());
    expect(line(persisted)).toContain(
      `; Max-Age=${7 * 86_400 - 3600}; Expires=${new Date(START + 7 * 86_400_000).toUTCString()}`,
    );
    expect(persisted.cookies).toEqual(plain.cookies);
    now += 2 * HOUR;
    expect((await server.request(only(plain.cookies))).cookies).toEqual([]);
    const back = await server.request(only(plain.cookies), (session) => session.persist(false));
    expect(line(back)).not.toMatch(/Max-Age/);
  });

  test("a request that did not ask leaves persistence as another request made it", async () => {
    const server = startProcess(store, { clock });
    const token = await startSession(server);
    const other = startProcess(store, { clock });
    await server.request(token, async (session) => {
      await other.request(token, (same) => same.persist());
      session.set("b", "late");
    });
    const record = decodeStored((await store.read(digest(token)))?.value, now);
    expect(record).toMatchObject({ persistent: true });
    expect((await server.request(token)).saw).toEqual({ a: "start", b: "late" });
  });

  test("signIn with persistent, and the default from the options", async () => {
    const server = startProcess(store, { clock, cookie: { persistent: true } });
    expect(line(await server.request(undefined, (session) => session.set("a", "x")))).toContain("Max-Age=604800");
    expect(
      line(await server.request(undefined, (session) => session.signIn("ada", { persistent: false }))),
    ).not.toContain("Max-Age");
  });
});

describe("a user's sessions", () => {
  test("list() gives handles that open nothing, the device's description, the times, and marks the current one", async () => {
    let device = "laptop";
    const server = startProcess(store, { clock, describe: () => ({ device }) });
    const laptop = await startSession(server, {}, "ada");
    now += HOUR;
    device = "phone";
    const phone = await startSession(server, {}, "ada");
    now += 2 * HOUR;
    await server.request(phone);
    const list = await server.sessions.list("ada", { current: digest(phone) });
    expect(list).toEqual([
      {
        handle: digest(phone),
        subject: "ada",
        createdAt: START + HOUR,
        authenticatedAt: START + HOUR,
        lastSeenAt: now,
        expiresAt: now + 12 * HOUR,
        persistent: false,
        meta: { device: "phone" },
        current: true,
      },
      expect.objectContaining({ handle: digest(laptop), meta: { device: "laptop" }, lastSeenAt: START }),
    ]);
    expect(list[1]).not.toHaveProperty("current");
    for (const { handle } of list) expect((await server.request(handle)).subject).toBe(undefined);
  });

  test("revoke() ends one, revokeAll() the others, and each says what it did", async () => {
    const server = startProcess(store, { clock });
    const tokens = [];
    for (let device = 0; device < 4; device++) tokens.push(await startSession(server, {}, "ada"));
    const bob = await startSession(server, {}, "bob");
    expect(await server.sessions.revoke("ada", digest(tokens[0] as string))).toBe(true);
    expect(await server.sessions.revoke("ada", digest(tokens[0] as string))).toBe(false);
    for (const bad of ["", "x", "../../etc/passwd", newToken(), digest(bob)])
      expect(await server.sessions.revoke("ada", bad)).toBe(false);
    expect(await server.sessions.revokeAll("ada", { except: digest(tokens[1] as string) })).toBe(2);
    expect((await server.request(tokens[1])).subject).toBe("ada");
    for (const token of [tokens[0], tokens[2], tokens[3]])
      expect((await server.request(token)).subject).toBe(undefined);
    expect((await server.request(bob)).subject).toBe("bob");
    expect(await server.sessions.revokeAll("ada")).toBe(1);
    expect(await server.sessions.revokeAll("nobody")).toBe(0);
  });

  test("a session that rotates while all others are revoked is spared when it is the excepted one, and ended when it is not", async () => {
    const rotating = startProcess(store, { clock, rotation: { every: "request" } });
    const kept = await startSession(rotating, {}, "ada");
    const ended = await startSession(rotating, {}, "ada");
    let rotated: { kept?: string; ended?: string } = {};
    const racing: SessionStore = {
      ...store,
      async keysOf(subject) {
        const keys = await (store.keysOf as NonNullable<SessionStore["keysOf"]>)(subject);
        if (!rotated.kept)
          rotated = {
            kept: only((await rotating.request(kept)).cookies),
            ended: only((await rotating.request(ended)).cookies),
          };
        return keys;
      },
    };
    expect(await startProcess(racing, { clock }).sessions.revokeAll("ada", { except: digest(kept) })).toBe(1);
    expect((await rotating.request(rotated.kept)).subject).toBe("ada");
    expect((await rotating.request(rotated.ended)).subject).toBe(undefined);
  });

  test("maxPerSubject ends the oldest sign-ins, and parallel sign-ins converge on it", async () => {
    const server = startProcess(store, { clock, maxPerSubject: 2 });
    const tokens: string[] = [];
    for (let device = 0; device < 3; device++) {
      now += 1000;
      tokens.push(await startSession(server, {}, "ada"));
    }
    expect((await server.request(tokens[0])).subject).toBe(undefined);
    expect(server.events).toContainEqual({
      type: "evicted",
      handle: digest(tokens[0] as string),
      subject: "ada",
      by: digest(tokens[2] as string),
    });
    await Promise.all(
      Array.from({ length: 20 }, () => startProcess(store, { clock, maxPerSubject: 2 })).map((each) =>
        startSession(each, {}, "ada"),
      ),
    );
    expect(await server.sessions.list("ada")).toHaveLength(2);
  });

  test("without an index: list, revoke and revokeAll say not_supported, maxPerSubject is refused at construction", async () => {
    const { keysOf: _, ...plain } = store;
    const server = startProcess(plain, { clock });
    const token = await startSession(server, {}, "ada");
    await expect(server.sessions.list("ada")).rejects.toMatchObject({ code: "not_supported" });
    await expect(server.sessions.revokeAll("ada")).rejects.toMatchObject({ code: "not_supported" });
    expect(() => startProcess(plain, { maxPerSubject: 1 })).toThrow(/keysOf/);
    await expect(server.sessions.revoke("ada", digest(token))).rejects.toMatchObject({ code: "not_supported" });
  });

  test("a rotation that crashed half-way is not listed, and revokeAll ends it too", async () => {
    const server = startProcess(store, { clock });
    const token = await startSession(server, {}, "ada");
    const orphan = encodeRecord({
      kind: "live",
      data: "{}",
      createdAt: now,
      renewedAt: now,
      subject: "ada",
      previous: digest(token),
    });
    await store.create(digest(newToken()), orphan, { expiresAt: now + HOUR, subject: "ada" });
    expect((await server.sessions.list("ada")).map(({ handle }) => handle)).toEqual([digest(token)]);
    expect(await server.sessions.revokeAll("ada")).toBe(2);
  });
});

describe("a store that fails", () => {
  const failing = (method: keyof SessionStore, how: () => unknown): SessionStore => ({ ...store, [method]: how });
  const down = () => Promise.reject(new Error("connection refused"));

  test("a read that fails is an error with the engine's own as cause, and the handler does not run", async () => {
    const server = startProcess(failing("read", down), { clock });
    let ran = false;
    const request = server.request(newToken(), () => {
      ran = true;
    });
    await expect(request).rejects.toMatchObject({
      name: "SessionError",
      code: "store_failed",
      cause: { message: "connection refused" },
    });
    expect(ran).toBe(false);
    expect(server.events).toEqual([
      {
        type: "store_failed",
        operation: "read",
        code: "store_failed",
        reason: { name: "Error", message: "connection refused" },
      },
    ]);
  });

  test("a store that throws rather than rejects is the same", async () => {
    const server = startProcess(
      failing("read", () => {
        throw new Error("broken");
      }),
      { clock },
    );
    await expect(server.request(newToken())).rejects.toMatchObject({ code: "store_failed" });
  });

  test("one that never answers is store_timeout, and its late rejection is nobody's unhandled one", async () => {
    let reject: (error: Error) => void = () => {};
    const server = startProcess(
      failing("read", () => new Promise((_, no) => (reject = no))),
      { clock, storeTimeout: 20 },
    );
    await expect(server.request(newToken())).rejects.toMatchObject({ code: "store_timeout" });
    reject(new Error("far too late")); // vitest fails the run on an unhandled rejection
    await new Promise(setImmediate);
  });

  test('"anonymous" gives an empty session that reads, refuses writes, sets no cookie and stores nothing', async () => {
    const token = await startSession(startProcess(store, { clock }));
    const server = startProcess(failing("read", down), { clock, onStoreFailure: "anonymous" });
    const { saw, cookies } = await server.request(token);
    expect([saw, cookies]).toEqual([{}, []]);
    for (const write of ["persist", "renew", "destroy"] as const) {
      await expect(server.request(token, (session) => session[write]())).rejects.toMatchObject({
        code: "session_unavailable",
      });
    }
    await expect(server.request(token, (session) => session.set("a", "x"))).rejects.toMatchObject({
      code: "session_unavailable",
    });
    expect((await startProcess(store, { clock }).request(token)).saw).toEqual({ a: "start" });
  });

  test('a write that fails is an error also under "anonymous", and the session is as it was; a touch that fails is only an event', async () => {
    const token = await startSession(startProcess(store, { clock }));
    const server = startProcess(
      { ...store, update: down as never, touch: down as never },
      { clock, onStoreFailure: "anonymous" },
    );
    await expect(server.request(token, (session) => session.set("a", "new"))).rejects.toMatchObject({
      code: "store_failed",
    });
    now += 2 * HOUR;
    expect((await server.request(token)).saw).toEqual({ a: "start" });
    expect(server.events.at(-1)).toMatchObject({ type: "store_failed", operation: "touch" });
    const strict = startProcess({ ...store, touch: down as never }, { clock });
    expect((await strict.request(token)).saw).toEqual({ a: "start" });
  });

  test("one that refuses for ever is session_conflict, after storeTimeout", async () => {
    const token = await startSession(startProcess(store, { clock }));
    const server = startProcess(
      failing("update", () => undefined),
      { clock, storeTimeout: 20 },
    );
    await expect(server.request(token, (session) => session.set("a", "new"))).rejects.toMatchObject({
      code: "session_conflict",
    });
    expect(types(server)).toContain("conflict_retried");
  });

  const record = (head: unknown, data = "{}") => `${JSON.stringify(head)}\n${data}`;
  const garbage: [string, unknown][] = [
    ["null", null],
    ["a string", "entry"],
    ["an array", []],
    ["no value", { version: 1, expiresAt: START + HOUR }],
    ["a value that is no text", { value: 7, version: 1, expiresAt: START + HOUR }],
    ["empty text", ""],
    ["no JSON", "hello"],
    ["an older format", record([0, START, 0])],
    ["a truncated record", `[1,${START}`],
    ["a truncated body", record([1, START, 0], '{"a":')],
    ["a body that is an array", record([1, START, 0], "[]")],
    ["a body that is null", record([1, START, 0], "null")],
    ["times that are no numbers", record([1, null, "0"])],
    ["a session from the far future", record([1, START + 9e9, 0])],
    ["a negative age", record([1, START, -1])],
    ["facts of the wrong type", record([1, START, 0, { subject: 1 }])],
    ["facts that are an array", record([1, START, 0, ["ada"]])],
    ["a mark of no known kind", '[1,"elsewhere"]'],
    ["a forward without nonce", '[1,"forward","x"]'],
    ["an expiry that is not a number", { value: record([1, START, 0]), version: 1, expiresAt: Number.NaN }],
    ["no version", { value: record([1, START, 0]), expiresAt: START + HOUR }],
  ];
  test.each(garbage)("garbage is no session and an event, never an exception: %s", async (_name, entry) => {
    const value =
      typeof entry === "string" && entry !== "entry" ? { value: entry, version: 1, expiresAt: START + HOUR } : entry;
    const server = startProcess(
      failing("read", () => (entry === "" ? { value: "", version: 1, expiresAt: START + HOUR } : value)),
      { clock },
    );
    const token = newToken();
    expect(await server.request(token)).toMatchObject({ saw: {}, subject: undefined, cookies: [] });
    expect(server.events).toEqual([{ type: "record_rejected", handle: digest(token) }]);
  });

  test("__proto__ in a record is data, and pollutes nothing", async () => {
    const text = record(
      [1, START, 0, JSON.parse('{"__proto__":{"subject":"root"}}')],
      '{"__proto__":{"x":1},"a":{"__proto__":{"y":2}}}',
    );
    const server = startProcess(
      failing("read", () => ({ value: text, version: 1, expiresAt: START + HOUR })),
      { clock },
    );
    const session = await server.sessions.load({
      url: "https://x/",
      headers: { get: () => `${COOKIE}=${newToken()}` },
    });
    expect(session.subject).toBe(undefined);
    expect(session.get("__proto__" as "a")).toEqual({ x: 1 });
    expect(session.has("toString" as "a")).toBe(false);
    expect(({} as { x?: number; y?: number }).x).toBe(undefined);
    expect(({} as { x?: number; y?: number }).y).toBe(undefined);
  });

  test("one that lacks a method, or an eventual one asked to rotate, is refused at construction", () => {
    const { update: _, ...incomplete } = store;
    expect(() => startProcess(incomplete as SessionStore)).toThrow(/no update\(\)/);
    expect(() => startProcess(null as never)).toThrow(/store must be/);
    expect(() => startProcess({ ...store, consistency: "eventual" }, { rotation: { every: 60 } })).toThrow(
      /strongly consistent/,
    );
  });
});

describe("what leaves the server", () => {
  test("stores see digests only: no key, value or subject equals or contains a token, and a leaked store opens no session", async () => {
    const seen: string[] = [];
    const note = <Answer>(texts: (string | undefined)[], answer: Answer): Answer => {
      seen.push(...texts.filter((text) => text !== undefined));
      return answer;
    };
    const leaky: SessionStore = {
      ...store,
      create: (key, value, meta) => note([key, value, meta.subject], store.create(key, value, meta)),
      update: (key, value, meta, expected) =>
        note([key, value, meta.subject], store.update(key, value, meta, expected)),
      read: (key) => note([key], store.read(key)),
    };
    const server = startProcess(leaky, { clock, rotation: { every: "request" } });
    const tokens = [await startSession(server, { a: "x" }, "ada")];
    for (let request = 0; request < 5; request++) tokens.push(only((await server.request(tokens.at(-1))).cookies));
    for (const token of tokens) expect(seen.join("\n")).not.toContain(token);
    for (const word of seen.join("\n").match(/[\w-]{43}/g) ?? [])
      expect((await server.request(word)).subject).toBe(undefined);
  });

  test("the token is in no event, no error and no inspection of a session", async () => {
    const { inspect } = await import("node:util");
    const server = startProcess(store, { clock });
    const token = await startSession(server, { a: "marker" }, "ada");
    const session = await server.sessions.load({ url: "https://x/", headers: { get: () => `${COOKIE}=${token}` } });
    const shown = [
      JSON.stringify(session),
      inspect(session, { depth: 10, showHidden: true }),
      String(session),
      JSON.stringify(server.events),
    ];
    for (const text of shown) expect(text).not.toContain(token);
  });
});
