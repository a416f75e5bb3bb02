import { describe, expect, test } from "vitest";
import { createSessions, memoryStore, type Session, type SessionStore } from "../../src/index.ts";
import { COOKIE, cookiesOf } from "../support/process.ts";

/*
 * One request has one session. Two would be two records and one cookie, and the writes of one of them lost. Whoever
 * asks again, in a wrap further in or in parallel, gets the first, and the outermost commits it.
 */

interface Data {
  a: number;
  b: number;
}

const request = (token?: string) =>
  new Request("https://example.com/", token === undefined ? {} : { headers: { cookie: `${COOKIE}=${token}` } });

function promising(store: SessionStore = memoryStore()): SessionStore {
  return {
    read: async (key) => store.read(key),
    create: async (...args) => store.create(...args),
    update: async (...args) => store.update(...args),
    delete: async (...args) => store.delete(...args),
  };
}

describe.each<[string, () => SessionStore]>([
  ["a store that answers at once", () => memoryStore()],
  ["a store that answers with promises", () => promising()],
])("with %s", (_, makeStore) => {
  function counted() {
    const store = makeStore();
    let created = 0;
    const sessions = createSessions<Data>({
      store: {
        ...store,
        create(...args) {
          created++;
          return store.create(...args);
        },
      },
    });
    const read = async (token: string | undefined) => ({ ...(await sessions.load(request(token))).all() });
    return { sessions, created: () => created, read };
  }

  test("wrap in wrap: one record, one cookie, and both writes", async () => {
    const { sessions, created, read } = counted();
    const inner = sessions.wrap((_request, session) => {
      session.set("b", 2);
      return new Response();
    });
    const outer = sessions.wrap(async (received, session) => {
      session.set("a", 1);
      const response = await inner(received);
      expect(response.headers.getSetCookie()).toEqual([]);
      session.update("b", (b = 0) => b + 1);
      return response;
    });
    const response = await outer(request());
    expect(created()).toBe(1);
    expect(await read(cookiesOf(response)[0])).toEqual({ a: 1, b: 3 });
  });

  test("wrapLazy around wrap, opened before, after or not at all by the outer one", async () => {
    for (const opens of ["before", "after", "never"] as const) {
      const { sessions, created, read } = counted();
      const inner = sessions.wrap((_request, session) => {
        session.set("b", 2);
        return new Response();
      });
      const outer = sessions.wrapLazy(async (received, open) => {
        if (opens === "before") (await open()).set("a", 1);
        const response = await inner(received);
        if (opens === "after") (await open()).set("a", 1);
        return response;
      });
      const response = await outer(request());
      expect(created()).toBe(1);
      expect(await read(cookiesOf(response)[0])).toEqual(opens === "never" ? { b: 2 } : { a: 1, b: 2 });
    }
  });

  test("wrap around wrapLazy", async () => {
    const { sessions, created, read } = counted();
    const inner = sessions.wrapLazy(async (_request, open) => {
      (await open()).set("b", 2);
      return new Response();
    });
    const outer = sessions.wrap((received, session) => {
      session.set("a", 1);
      return inner(received);
    });
    const response = await outer(request());
    expect(created()).toBe(1);
    expect(await read(cookiesOf(response)[0])).toEqual({ a: 1, b: 2 });
  });

  test("parallel loads of a new visitor's request", async () => {
    const { sessions, created, read } = counted();
    const received = request();
    const [one, two, three] = await Promise.all([
      sessions.load(received),
      sessions.load(received),
      sessions.loadFrom(received),
    ]);
    expect(one).toBe(two);
    expect(one).toBe(three);
    one?.set("a", 1);
    two?.set("b", 2);
    const headers = await sessions.commit(one as Session<Data>);
    expect(created()).toBe(1);
    expect(await read(headers.getSetCookie()[0]?.match(/=([^;]+)/)?.[1])).toEqual({ a: 1, b: 2 });
  });

  test("loaded by an adapter, and wrapped further in: the wrap commits, and the adapter's commit gives the same headers", async () => {
    const { sessions, created, read } = counted();
    const received = request();
    const session = await sessions.load(received);
    session.set("a", 1);
    const inner = sessions.wrap((_request, same) => {
      expect(same).toBe(session);
      same.set("b", 2);
      return new Response();
    });
    const response = await inner(received);
    const headers = await sessions.commit(session);
    expect(headers.getSetCookie()).toEqual(response.headers.getSetCookie());
    expect(created()).toBe(1);
    expect(await read(cookiesOf(response)[0])).toEqual({ a: 1, b: 2 });
    expect(() => session.set("a", 2)).toThrow(expect.objectContaining({ code: "session_committed" }));
  });

  test("an adapter's commit after a wrap further in that threw stores nothing, and fails nothing", async () => {
    const { sessions, created } = counted();
    const received = request();
    const session = await sessions.load(received);
    const inner = sessions.wrap((_request, same) => {
      same.set("b", 2);
      throw new Error("handler");
    });
    await expect(inner(received)).rejects.toThrow("handler");
    expect([...(await sessions.commit(session))]).toEqual([]);
    expect(created()).toBe(0);
  });

  test("what the inner handler throws decides nothing: an outer one that answers stores both", async () => {
    const { sessions, read } = counted();
    const inner = sessions.wrap((_request, session) => {
      session.set("b", 2);
      throw new Error("inner");
    });
    const outer = sessions.wrap(async (received, session) => {
      session.set("a", 1);
      return Promise.resolve(inner(received)).catch(() => new Response("instead"));
    });
    const response = await outer(request());
    expect(await response.text()).toBe("instead");
    expect(await read(cookiesOf(response)[0])).toEqual({ a: 1, b: 2 });
  });

  test("two kinds of sessions on one request stay apart", async () => {
    const { sessions } = counted();
    const staff = createSessions<{ role: string }>({ store: makeStore(), cookie: { name: "__Host-staff" } });
    const inner = staff.wrap((_request, session) => {
      session.set("role", "admin");
      return new Response();
    });
    const outer = sessions.wrap((received, session) => {
      session.set("a", 1);
      return inner(received);
    });
    const lines = (await outer(request())).headers.getSetCookie();
    expect(lines.map((line) => line.split("=")[0])).toEqual(["__Host-staff", COOKIE]);
  });

  test("the same Request sent again, as tests do, is another visit", async () => {
    const { sessions } = counted();
    const count = sessions.wrap((_request, session) => {
      session.update("a", (a = 0) => a + 1);
      return new Response(String(session.get("a")));
    });
    const token = cookiesOf(await count(request()))[0];
    const again = request(token);
    expect(await (await count(again)).text()).toBe("2");
    expect(await (await count(again)).text()).toBe("3");
    const lazy = sessions.wrapLazy(async (_request, open) => new Response(String((await open()).get("a"))));
    expect(await (await lazy(again)).text()).toBe("3");
    expect(await (await count(again)).text()).toBe("4");
    expect(await (await lazy(again)).text()).toBe("4");
  });
});

test("a load that failed can be tried again in the same request, and a wrap further out still commits", async () => {
  const store = memoryStore();
  let down = true;
  const sessions = createSessions<Data>({
    store: {
      ...promising(store),
      async read(key) {
        if (down) throw new Error("down");
        return store.read(key);
      },
    },
  });
  const fetch = sessions.wrapLazy(async (_request, open) => {
    await expect(open()).rejects.toMatchObject({ code: "store_failed" });
    down = false;
    (await open()).set("a", 1);
    return new Response();
  });
  expect(cookiesOf(await fetch(request("A".repeat(43))))).toHaveLength(1);
});

test("after a wrap whose store failed, the same Request is served anew", async () => {
  const throws = () => {
    throw new Error("down");
  };
  for (const fails of [throws, () => Promise.reject(new Error("down"))]) {
    const store = memoryStore();
    let down = true;
    const sessions = createSessions<Data>({ store: { ...store, read: (key) => (down ? fails() : store.read(key)) } });
    const fetch = sessions.wrap((_request, session) => {
      session.set("a", 1);
      return new Response();
    });
    const received = request("A".repeat(43));
    await expect(fetch(received)).rejects.toMatchObject({ code: "store_failed" });
    down = false;
    expect(cookiesOf(await fetch(received))).toHaveLength(1);
  }
});

test("what is no request is refused with what to write", async () => {
  const sessions = createSessions();
  for (const wrong of [undefined, null, "https://example.com/", {}, { url: "/", headers: { cookie: "a=1" } }]) {
    await expect(sessions.load(wrong as unknown as Request)).rejects.toThrow(/requestOf\(request\)/);
    await expect(sessions.wrap(() => new Response())(wrong as unknown as Request)).rejects.toThrow(TypeError);
    await expect(sessions.wrapLazy(() => new Response())(wrong as unknown as Request)).rejects.toThrow(TypeError);
  }
});
