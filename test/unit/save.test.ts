import { beforeEach, describe, expect, test } from "vitest";
import { createSessions, memoryStore, type Session, type SessionStore, type Sessions } from "../../src/index.ts";
import { COOKIE, type TestData } from "../support/process.ts";

const START = 1_800_000_000_000;

let now: number;
let calls: string[];
let store: SessionStore;
let sessions: Sessions<TestData>;

beforeEach(() => {
  now = START;
  calls = [];
  const inner = memoryStore({ clock: () => now });
  store = {
    ...inner,
    read: (key) => noted("read", inner.read(key)),
    create: (key, value, meta) => noted("create", inner.create(key, value, meta)),
    update: (key, value, meta, expected) => noted("update", inner.update(key, value, meta, expected)),
  };
  sessions = createSessions<TestData>({ store, clock: () => now });
});

function noted<T>(call: string, answer: T): T {
  calls.push(call);
  return answer;
}

const load = (token?: string): Promise<Session<TestData>> =>
  sessions.load(new Request("https://x/", { headers: token ? { cookie: `${COOKIE}=${token}` } : {} }));
const tokenIn = (headers: Headers): string | undefined =>
  headers
    .get("set-cookie")
    ?.slice(COOKIE.length + 1)
    .split(";", 1)[0];

describe("save()", () => {
  test("stores at once and leaves the session open; the commit goes on from there without a read", async () => {
    const session = await load();
    session.set("a", "first");
    const token = tokenIn(await sessions.save(session));
    expect((await load(token)).all()).toEqual({ a: "first" });
    calls.length = 0;
    session.set("b", "second");
    expect(session.all()).toEqual({ a: "first", b: "second" });
    await sessions.save(session);
    session.update("count", (n = 0) => n + 1);
    await sessions.commit(session);
    expect(calls).toEqual(["update", "update"]);
    expect((await load(token)).all()).toEqual({ a: "first", b: "second", count: 1 });
    expect(() => session.set("a", "late")).toThrow(expect.objectContaining({ code: "session_committed" }));
  });

  test("applies each change once, and on top of what others store in between", async () => {
    const first = await load();
    first.set("count", 0);
    const token = tokenIn(await sessions.commit(first));
    const session = await load(token);
    session.update("count", (n = 0) => n + 1);
    await sessions.save(session);
    const other = await load(token);
    other.update("count", (n = 0) => n + 10);
    await sessions.commit(other);
    session.update("count", (n = 0) => n + 100);
    await sessions.save(session);
    expect(session.get("count")).toBe(111);
    await sessions.commit(session);
    expect((await load(token)).get("count")).toBe(111);
  });

  test("of a new session or a sign-in gives the cookie, and so does the commit, for whichever is sent", async () => {
    const visitor = await load();
    visitor.set("a", "cart");
    const first = tokenIn(await sessions.save(visitor));
    expect(tokenIn(await sessions.commit(visitor))).toBe(first);

    const session = await load(first);
    session.signIn("ada");
    const { handle } = session;
    const second = tokenIn(await sessions.save(session));
    expect(session).toMatchObject({ subject: "ada", handle, isNew: false });
    session.set("b", "later");
    expect(tokenIn(await sessions.commit(session))).toBe(second);
    expect((await load(second)).all()).toEqual({ a: "cart", b: "later" });
    expect((await load(first)).subject).toBe(undefined);
  });

  test("of what was done to a session that was ended meanwhile stores nothing, and the session reads as empty", async () => {
    const first = await load();
    first.set("a", "x");
    const token = tokenIn(await sessions.commit(first));
    const [session, other] = [await load(token), await load(token)];
    other.destroy();
    await sessions.commit(other);
    session.set("b", "late");
    await sessions.save(session);
    expect(session.all()).toEqual({});
    session.set("c", "later");
    expect((await sessions.commit(session)).has("set-cookie")).toBe(false);
    expect((await load(token)).all()).toEqual({});
  });

  test("of destroy() ends the session, and the commit removes the cookie if the save could not", async () => {
    const first = await load();
    first.set("a", "x");
    const token = tokenIn(await sessions.commit(first));
    const session = await load(token);
    session.destroy();
    await sessions.save(session);
    expect((await load(token)).all()).toEqual({});
    expect(tokenIn(await sessions.commit(session))).toBe("");
  });

  test("that fails keeps the changes for the next one, in their order", async () => {
    const first = await load();
    first.set("count", 1);
    const token = tokenIn(await sessions.commit(first));
    const session = await load(token);
    const { update } = store;
    store.update = () => {
      throw new Error("down");
    };
    session.update("count", (n = 0) => n + 1);
    const failing = sessions.save(session);
    session.update("count", (n = 0) => n * 10);
    await expect(failing).rejects.toMatchObject({ code: "store_failed" });
    store.update = update;
    await sessions.save(session);
    expect(session.get("count")).toBe(20);
    expect((await load(token)).get("count")).toBe(20);
  });

  test("twice at once, and the commit right behind them, take turns", async () => {
    const session = await load();
    session.set("count", 1);
    const saves = [sessions.save(session), sessions.save(session)];
    session.update("count", (n = 0) => n + 1);
    const committed = sessions.commit(session);
    await Promise.all(saves);
    expect((await load(tokenIn(await committed))).get("count")).toBe(2);
    expect(calls.filter((call) => call === "create")).toHaveLength(1);
    await expect(sessions.save(session)).rejects.toMatchObject({ code: "session_committed" });
  });

  test("without a response that carries a cookie refuses what needs one, and stores all else", async () => {
    const session = await load();
    session.set("a", "x");
    await expect(sessions.save(session, { deliverable: false })).rejects.toMatchObject({
      code: "cookie_undeliverable",
    });
    const token = tokenIn(await sessions.save(session));
    session.set("b", "y");
    expect((await sessions.save(session, { deliverable: false })).has("set-cookie")).toBe(false);
    expect((await load(token)).all()).toEqual({ a: "x", b: "y" });
  });

  test("with a rotation does not take the new token for seen: the grace of the old one has not begun", async () => {
    sessions = createSessions<TestData>({ store, clock: () => now, rotation: { every: 60, grace: 30 } });
    const first = await load();
    first.set("a", "x");
    const token = tokenIn(await sessions.commit(first));
    now += 61_000;
    const session = await load(token);
    session.set("b", "y");
    const rotated = tokenIn(await sessions.save(session));
    session.set("c", "z");
    expect(tokenIn(await sessions.commit(session))).toBe(rotated);
    now += 600_000;
    expect((await load(token)).all()).toEqual({ a: "x", b: "y", c: "z" });
  });
});

describe("reload()", () => {
  test("gives the session as others have left it, for further changes, whatever became of the first", async () => {
    const first = await load();
    first.set("a", "first");
    const token = tokenIn(await sessions.commit(first));
    const other = await load(token);
    other.set("b", "second");
    await sessions.commit(other);
    const again = await sessions.reload(other);
    expect(again.all()).toEqual({ a: "first", b: "second" });
    again.set("a", "third");
    await sessions.save(again, { deliverable: false });
    expect((await load(token)).get("a")).toBe("third");
  });

  test("follows a token that was rotated meanwhile, past its grace too, and that is no reuse", async () => {
    const events: string[] = [];
    const observe = ({ type }: { type: string }) => events.push(type);
    const rotating = { store, clock: () => now, observe, rotation: { every: 10, grace: 1, reuseWindow: 300 } } as const;
    sessions = createSessions<TestData>(rotating);
    const first = await load();
    first.set("a", "first");
    const token = tokenIn(await sessions.commit(first));
    const held = await load(token);
    now += 11_000;
    const next = tokenIn(await sessions.commit(await load(token)));
    await sessions.commit(await load(next));
    now += 60_000;
    expect((await sessions.reload(held)).get("a")).toBe("first");
    expect(events).toContain("rotated");
    expect(events).not.toContain("token_reused");
  });

  test("says that a session has ended", async () => {
    const first = await load();
    first.set("a", "first");
    const token = tokenIn(await sessions.commit(first));
    const held = await load(token);
    const other = await load(token);
    other.destroy();
    await sessions.commit(other);
    const ended = await sessions.reload(held);
    expect([ended.isNew, ended.all()]).toEqual([true, {}]);
  });
});

describe("persist() with a lifetime", () => {
  test("bounds one session: a new one, and one that exists", async () => {
    const fresh = await load();
    fresh.set("a", "new");
    fresh.persist(true, { lifetime: { idle: 60 } });
    const short = tokenIn(await sessions.commit(fresh));
    const other = await load();
    other.set("a", "there");
    const long = tokenIn(await sessions.commit(other));
    const known = await load(long);
    known.persist(true, { lifetime: { idle: 120, absolute: 600 } });
    expect((await sessions.commit(known)).get("set-cookie")).toContain("Max-Age=600");
    now += 61_000;
    expect((await load(short)).isNew).toBe(true);
    expect((await load(long)).get("a")).toBe("there");
    now += 60_000;
    expect((await load(long)).isNew).toBe(true);
  });

  test("stays through a rotation and a renewal", async () => {
    sessions = createSessions<TestData>({ store, clock: () => now, rotation: { every: "request" } });
    const first = await load();
    first.set("a", "first");
    first.persist(false, { lifetime: { idle: 60 } });
    const token = tokenIn(await sessions.commit(first));
    const rotated = tokenIn(await sessions.commit(await load(token)));
    const renewing = await load(rotated);
    renewing.renew();
    const renewed = tokenIn(await sessions.commit(renewing));
    expect((await load(renewed)).get("a")).toBe("first");
    now += 61_000;
    expect((await load(renewed)).isNew).toBe(true);
  });

  test("cannot go above the limits of the options", async () => {
    const session = await load();
    expect(() => session.persist(true, { lifetime: { idle: 1e9 } })).toThrow(RangeError);
  });
});
