import { beforeEach, describe, expect, test } from "vitest";
import { cachedStore, createSessions, memoryStore, type Session, type SessionStore } from "../../src/index.ts";
import { COOKIE, startProcess, startSession, type TestData, type TestProcess } from "../support/process.ts";

const START = 1_800_000_000_000;
const MINUTE = 60_000;

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
const types = ({ events }: TestProcess): string[] => events.map(({ type }) => type);

describe("a request is judged once, when it arrives", () => {
  const rotation = { every: 60, grace: 30 };

  test.each<[string, (session: { set(key: "b", value: string): void }) => void]>([
    ["reads", () => {}],
    ["writes", (session) => session.set("b", "slow")],
  ])("one that %s for longer than the grace does not end its own session", async (_, act) => {
    const slow = startProcess(store, { clock, rotation });
    const other = startProcess(store, { clock, rotation });
    const first = await startSession(slow, { a: "x" }, "ada");
    now += 61_000;
    let second = "";
    await slow.request(first, async (session) => {
      second = only((await other.request(first)).cookies);
      await other.request(second); // the grace begins
      now += 40_000;
      act(session);
    });
    expect([...types(slow), ...types(other)]).not.toContain("token_reused");
    expect((await other.request(second)).subject).toBe("ada");
  });

  test("a change that it makes then is kept", async () => {
    const slow = startProcess(store, { clock, rotation });
    const other = startProcess(store, { clock, rotation });
    const first = await startSession(slow, { a: "x" }, "ada");
    now += 61_000;
    let second = "";
    await slow.request(first, async (session) => {
      second = only((await other.request(first)).cookies);
      await other.request(second);
      now += 40_000;
      session.set("b", "slow");
    });
    expect((await other.request(second)).saw).toMatchObject({ a: "x", b: "slow" });
  });

  test("one that came within the idle limit keeps its session however long it takes", async () => {
    const server = startProcess(store, { clock, lifetime: { idle: 900 } });
    const token = await startSession(server);
    now += 14 * MINUTE;
    await server.request(token, (session) => {
      now += 2 * MINUTE;
      session.set("b", "late");
    });
    expect((await server.request(token)).saw).toEqual({ a: "start", b: "late" });
  });

  test("a look alone, load without commit, moves nothing; with the commit it does", async () => {
    const server = startProcess(store, { clock, lifetime: { idle: 900 } });
    const token = await startSession(server);
    const look = () => server.sessions.load(new Request("https://x/", { headers: { cookie: `${COOKIE}=${token}` } }));
    now += 14 * MINUTE;
    expect((await look()).isNew).toBe(false);
    now += MINUTE;
    expect((await look()).isNew).toBe(true);
    const another = await startSession(server);
    now += 14 * MINUTE;
    const headers = { cookie: `${COOKIE}=${another}` };
    await server.sessions.commit(await server.sessions.load(new Request("https://x/", { headers })));
    now += 14 * MINUTE;
    expect((await server.request(another)).saw).toEqual({ a: "start" });
  });

  test.each<[string, () => Partial<SessionStore>]>([
    [
      "throws",
      () => ({
        touch: () => {
          throw new Error("OOM");
        },
      }),
    ],
    ["rejects", () => ({ touch: () => Promise.reject(new Error("OOM")) })],
    ["hangs", () => ({ touch: () => new Promise<never>(() => {}) })],
  ])("a touch that %s never fails a request, one that writes neither", async (_, broken) => {
    const token = await startSession(startProcess(store, { clock }));
    const server = startProcess({ ...store, ...broken() }, { clock, storeTimeout: 100 });
    now += 120 * MINUTE;
    expect((await server.request(token)).saw).toEqual({ a: "start" });
    now += 120 * MINUTE;
    await server.request(token, (session) => session.set("b", "written"));
    expect((await startProcess(store, { clock }).request(token)).saw).toEqual({ a: "start", b: "written" });
  });
});

describe("several cookies of one name", () => {
  const rotation = { every: 60, grace: 30 };

  async function replaced(server: TestProcess) {
    const first = await startSession(server, { a: "x" }, "ada");
    now += 61_000;
    const second = only((await server.request(first)).cookies);
    await server.request(second);
    now += 60_000; // past the grace, and rotation is due again
    const third = only((await server.request(second)).cookies);
    return { first, third };
  }

  test("a replaced token beside the live one is no reuse", async () => {
    const server = startProcess(store, { clock, rotation });
    const { first, third } = await replaced(server);
    const { subject } = await server.request(`${first}; ${COOKIE}=${third}`);
    expect(subject).toBe("ada");
    expect(types(server)).not.toContain("token_reused");
  });

  test("reuse follows rotations, and never the tombstone of a sign-in", async () => {
    const server = startProcess(store, { clock, rotation });
    const { first, third } = await replaced(server);
    const fresh = only((await server.request(third, (session) => session.signIn("ada"))).cookies);
    await server.request(first);
    expect((await server.request(fresh)).subject).toBe("ada");
    expect(server.events).toContainEqual(expect.objectContaining({ type: "token_reused", revoked: false }));
  });

  test.each(["destroy", "signOut"] as const)("%s() ends every session that they open", async (act) => {
    const server = startProcess(store, { clock });
    const tokens = [await startSession(server, {}, "ada"), await startSession(server, { a: "x" }, "ada")];
    expect((await server.request(tokens.join(`; ${COOKIE}=`), (session) => session[act]())).cookies).toEqual([""]);
    for (const token of tokens) expect((await server.request(token)).subject).toBe(undefined);
  });

  test("a token that leads nowhere is an event, unless another one is live", async () => {
    const server = startProcess(store, { clock });
    const unknown = "A".repeat(43);
    await server.request(unknown);
    expect(types(server)).toEqual(["unknown"]);
    const token = await startSession(server);
    server.events.length = 0;
    await server.request(`${unknown}; ${COOKIE}=${token}`);
    expect(types(server)).toEqual([]);
  });
});

/** A store that fails at one call of a method, before or after its effect. */
function failingOnce(method: "create" | "update" | "delete" | "keysOf", nth: number, isDone: boolean): SessionStore {
  let calls = 0;
  const call = store[method] as (...args: never[]) => unknown;
  return {
    ...store,
    [method]: async (...args: never[]) => {
      if (++calls !== nth) return call(...args);
      if (isDone) call(...args);
      throw new Error("connection reset");
    },
  };
}

describe("after the write that decides nothing fails", () => {
  test("enforcing a limit: the sign-in succeeds, whichever listing fails, and the next one catches up", async () => {
    for (const nth of [1, 2]) {
      const healthy = startProcess(store, { clock, maxPerSubject: 3 });
      const user = `user ${nth}`;
      for (let device = 0; device < 3; device++) await startSession(healthy, {}, user);
      const server = startProcess(failingOnce("keysOf", nth, false), { clock, maxPerSubject: 3 });
      const token = await startSession(server, {}, user);
      expect((await healthy.request(token)).subject).toBe(user);
      expect(types(server)).toContain("store_failed");
      await startSession(healthy, {}, user);
      expect(await healthy.sessions.list(user)).toHaveLength(3);
    }
  });

  test.each<["create" | "update", number, string]>([
    ["create", 1, "renew"],
    ["update", 1, "renew"],
    ["create", 1, "signIn"],
    ["update", 1, "signIn"],
  ])("a lost answer to %s number %i of %s() is no error: it was done", async (method, nth, act) => {
    const token = await startSession(startProcess(store, { clock }), { a: "x" }, "ada");
    const server = startProcess(failingOnce(method, nth, true), { clock });
    const { cookies } = await server.request(token, (session) =>
      act === "renew" ? session.renew() : session.signIn("ada"),
    );
    expect(await server.request(only(cookies))).toMatchObject({ saw: { a: "x" }, subject: "ada" });
    expect((await server.request(token)).subject).toBe(undefined);
  });

  test("the same for a first write, a write, a rotation and a logout", async () => {
    const created = await startSession(startProcess(failingOnce("create", 1, true), { clock }), { count: 1 });
    const writing = startProcess(failingOnce("update", 1, true), { clock });
    await writing.request(created, (session) => session.set("count", 2));
    expect((await writing.request(created)).saw).toEqual({ count: 2 });
    now += 61_000;
    const rotating = startProcess(failingOnce("update", 1, true), { clock, rotation: { every: 60 } });
    const rotated = only((await rotating.request(created)).cookies);
    const leaving = startProcess(failingOnce("update", 1, true), { clock });
    expect((await leaving.request(rotated, (session) => session.destroy())).cookies).toEqual([""]);
    expect((await leaving.request(rotated)).saw).toEqual({});
  });

  test("a lost answer to an update(change) is no error where the record says that it was ours", async () => {
    const token = await startSession(startProcess(store, { clock }), { count: 0 });
    const server = startProcess(failingOnce("update", 1, true), { clock });
    const saw = await server.request(token, (session) => session.update("count", (n = 0) => n + 1));
    expect(saw.cookies).toEqual([]);
    expect((await server.request(token)).saw).toEqual({ count: 1 });
  });

  test("where another request wrote the very same data in between, a lost update(change) is an error", async () => {
    const token = await startSession(startProcess(store, { clock }), { count: 0 });
    const count = (session: Session<TestData>): void => session.update("count", (n = 0) => n + 1);
    const other = startProcess(store, { clock });
    let calls = 0;
    const losing: SessionStore = {
      ...store,
      async update() {
        if (++calls === 1) await other.request(token, count);
        throw new Error("connection reset");
      },
    };
    const counting = startProcess(losing, { clock }).request(token, count);
    await expect(counting).rejects.toMatchObject({ code: "store_failed" });
    expect((await other.request(token)).saw).toEqual({ count: 1 });
  });

  test("with the answer to every write lost, all that is done succeeds", async () => {
    const lost =
      <Args extends never[], T>(write: (...args: Args) => T) =>
      async (...args: Args): Promise<T> => {
        write(...args);
        throw new Error("connection reset");
      };
    const { create, update, delete: remove, touch } = store;
    const losing = {
      ...store,
      create: lost(create as never),
      update: lost(update as never),
      delete: lost(remove as never),
      touch: lost(touch as never),
    } as SessionStore;
    const server = startProcess(losing, { clock, rotation: { every: 60 }, maxPerSubject: 2 });
    const first = only((await server.request("", (session) => session.set("count", 0))).cookies);
    await server.request(first, (session) => session.update("count", (n = 0) => Number(n) + 1));
    const token = only((await server.request(first, (session) => session.signIn("ada"))).cookies);
    expect(await server.request(token)).toMatchObject({ saw: { count: 1 }, subject: "ada" });
    now += 61_000;
    const rotated = only((await server.request(token, (session) => session.update("count", () => 2))).cookies);
    expect((await server.request(rotated)).saw).toEqual({ count: 2 });
    for (let device = 0; device < 3; device++) await startSession(server, {}, "ada");
    expect(await server.sessions.list("ada")).toHaveLength(2);
    expect(await server.sessions.revokeAll("ada")).toBe(2);
    expect(await server.sessions.list("ada")).toEqual([]);
    const last = await startSession(server, { count: 1 });
    expect((await server.request(last, (session) => session.destroy())).cookies).toEqual([""]);
    expect((await server.request(last)).saw).toEqual({});
  });

  test("a write that was not done is an error, and the old token goes on", async () => {
    for (const method of ["create", "update"] as const) {
      const token = await startSession(startProcess(store, { clock }), { a: "x" }, "ada");
      const server = startProcess(failingOnce(method, 1, false), { clock });
      await expect(server.request(token, (session) => session.renew())).rejects.toMatchObject({ code: "store_failed" });
      expect((await server.request(token)).subject).toBe("ada");
    }
    expect(await startProcess(store, { clock }).sessions.list("ada")).toHaveLength(2);
  });

  test("a mark that comes late, after the request gave up, is refused", async () => {
    const token = await startSession(startProcess(store, { clock }), { a: "x" }, "ada");
    let late: (() => unknown) | undefined;
    const server = startProcess(
      {
        ...store,
        update: (...args) => {
          if (late !== undefined) return store.update(...args);
          late = () => store.update(...args);
          return new Promise(() => {});
        },
      },
      { clock, storeTimeout: 20 },
    );
    await expect(server.request(token, (session) => session.renew())).rejects.toMatchObject({ code: "store_timeout" });
    expect(late?.()).toBe(undefined);
    expect((await startProcess(store, { clock }).request(token)).subject).toBe("ada");
  });
});

describe("what can wait is put off", () => {
  const rotation = { every: 60, grace: 30 };

  test("a rotation for which the store has no room fails neither a read nor a write", async () => {
    const token = await startSession(startProcess(store, { clock }));
    const limit = (await store.read([...(await keys(token))][0] as string))?.value.length as number;
    const small: SessionStore = {
      ...store,
      create(key, value, meta) {
        if (value.length > limit + 10) throw new Error("value too large");
        return store.create(key, value, meta);
      },
    };
    const server = startProcess(small, { clock, rotation });
    now += 61_000;
    expect(await server.request(token)).toMatchObject({ saw: { a: "start" }, cookies: [] });
    await server.request(token, (session) => session.set("a", "small"));
    expect((await server.request(token)).saw).toEqual({ a: "small" });
  });

  test("a confirmation that fails leaves the predecessor named, and the next request confirms", async () => {
    const first = await startSession(startProcess(store, { clock }), { a: "x" }, "ada");
    now += 61_000;
    const second = only((await startProcess(store, { clock, rotation }).request(first)).cookies);
    const broken = startProcess(failingOnce("update", 1, false), { clock, rotation });
    expect((await broken.request(second)).subject).toBe("ada");
    await broken.request(second);
    now += 36_000;
    await broken.request(first);
    expect(broken.events.at(-1)).toMatchObject({ type: "token_reused", revoked: true });
  });

  async function keys(token: string): Promise<string[]> {
    const { createHash } = await import("node:crypto");
    return [createHash("sha256").update(token).digest("base64url")];
  }
});

test("signing out works on a store that is full: it refuses every write and still deletes", async () => {
  const token = await startSession(startProcess(store, { clock }), { a: "x" }, "ada");
  const refuse = () => Promise.reject(new Error("OOM command not allowed"));
  const full = startProcess({ ...store, create: refuse, update: refuse, touch: refuse }, { clock });
  now += 180 * MINUTE;
  expect((await full.request(token)).subject).toBe("ada");
  expect((await full.request(token, (session) => session.destroy())).cookies).toEqual([""]);
  expect((await full.request(token)).subject).toBe(undefined);
  const second = await startSession(startProcess(store, { clock }), {}, "ada");
  expect(await full.sessions.revokeAll("ada")).toBe(1);
  expect((await full.request(second)).subject).toBe(undefined);
});

describe("a near copy", () => {
  test("hides no reuse: a rotation is confirmed in the store itself", async () => {
    const rotation = { every: 60, grace: 30 };
    const far = store;
    const near = cachedStore(memoryStore({ clock }), far, { clock, staleness: 3_600_000 });
    const there = startProcess(far, { clock, rotation });
    const here = startProcess(near, { clock, rotation });
    const first = await startSession(there, { a: "x" }, "ada");
    now += 30_000;
    await here.request(first); // a copy of the first token's entry
    now += 31_000;
    const second = only((await there.request(first)).cookies);
    await here.request(second); // confirms
    now += 36_000;
    await there.request(first);
    expect(there.events.at(-1)).toMatchObject({ type: "token_reused", revoked: true });
  });

  test("past a limit is no session past a limit: it is read again", async () => {
    const far = store;
    const near = cachedStore(memoryStore({ clock }), far, { clock, staleness: 3_600_000 });
    const here = startProcess(near, { clock, lifetime: { idle: 900 } });
    const there = startProcess(far, { clock, lifetime: { idle: 900 } });
    const token = await startSession(startProcess(far, { clock }), { a: "x" }, "ada");
    await here.request(token); // a copy that says 12 hours, which are 15 minutes by now
    now += 10 * MINUTE;
    await there.request(token);
    now += 10 * MINUTE;
    expect((await here.request(token)).subject).toBe("ada");
  });
});

describe("storeTimeout bounds a request", () => {
  test("of many that wait for each other when the store hangs, each ends within about that time", async () => {
    const storeTimeout = 400;
    const token = await startSession(startProcess(store, { clock }));
    let hangs = false;
    const hanging = <T>(answer: () => T): Promise<Awaited<T>> =>
      hangs ? new Promise(() => {}) : Promise.resolve(answer());
    const server = startProcess(
      {
        ...store,
        read: (key) => hanging(() => store.read(key)),
        update: (key, value, meta, expected) => hanging(() => store.update(key, value, meta, expected)),
      },
      { clock, storeTimeout },
    );
    const ended: number[] = [];
    let from = 0;
    const requests = Array.from({ length: 20 }, () =>
      server
        .request(token, async (session) => {
          await new Promise(setImmediate);
          hangs = true;
          from = performance.now();
          session.update("count", (n = 0) => n + 1);
        })
        .catch((error) => {
          ended.push(performance.now() - from);
          return error;
        }),
    );
    for (const error of await Promise.all(requests)) expect(error).toMatchObject({ code: "store_timeout" });
    // Not an assertion about speed: in turns the last would take twenty times as long
    expect(Math.max(...ended)).toBeLessThan(storeTimeout * 5);
  });

  test("a commit goes on when the one before it never ends, as a request that a platform cut off does", async () => {
    const token = await startSession(startProcess(store, { clock }), { count: 0 });
    let isCut = true;
    const sessions = createSessions<{ count: number }>({
      clock,
      storeTimeout: 200,
      store: {
        ...store,
        update: (...args) => {
          const cut = isCut;
          isCut = false;
          return cut ? new Promise(() => {}) : store.update(...args);
        },
      },
    });
    const add = sessions.wrap((_request, session) => {
      session.update("count", (n = 0) => n + 1);
      return new Response("");
    });
    const request = () => new Request("https://x/", { headers: { cookie: `${COOKIE}=${token}` } });
    const [first, second] = await Promise.allSettled([add(request()), add(request())]);
    expect([first?.status, second?.status]).toEqual(["rejected", "fulfilled"]);
    expect((await startProcess(store, { clock }).request(token)).saw).toEqual({ count: 1 });
  });
});

describe("clocks that differ", () => {
  test("by seconds: a sign-in never ends itself, and what it found is older than it", async () => {
    for (const behind of [0, 5_000, 3_600_000]) {
      const ahead = startProcess(store, { clock, maxPerSubject: 1 });
      const late = startProcess(store, { clock: () => now - behind, maxPerSubject: 1 });
      const user = `user ${behind}`;
      const first = await startSession(ahead, {}, user);
      now += 1_000;
      const second = await startSession(late, {}, user);
      expect((await ahead.request(first)).subject).toBe(undefined);
      expect((await ahead.request(second)).subject).toBe(user);
      now += 1_000;
      const third = await startSession(ahead, {}, user);
      expect((await ahead.request(third)).subject).toBe(user);
      expect(await ahead.sessions.list(user)).toHaveLength(1);
    }
  });

  test("by seconds: within its grace a replaced token works on every server", async () => {
    const rotation = { every: 60, grace: 30 };
    const server = startProcess(store, { clock, rotation });
    const ahead = startProcess(store, { clock: () => now + 4_000, rotation });
    const first = await startSession(server, {}, "ada");
    now += 61_000;
    const second = only((await server.request(first)).cookies);
    await server.request(second);
    now += 29_000;
    expect((await ahead.request(first)).subject).toBe("ada");
    expect(types(ahead)).not.toContain("token_reused");
  });
});
