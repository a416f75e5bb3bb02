import { beforeEach, describe, expect, test } from "vitest";
import { createSessions, memoryStore, type Session, type SessionStore, type Sessions } from "../../src/index.ts";
import { COOKIE, cookiesOf } from "../support/process.ts";

interface Data {
  a: string;
  n: number;
}

let store: SessionStore;
let sessions: Sessions<Data>;
beforeEach(() => {
  store = memoryStore();
  sessions = createSessions<Data>({ store });
});

const request = (token?: string) =>
  new Request("https://example.com/", token === undefined ? {} : { headers: { cookie: `${COOKIE}=${token}` } });

async function start(
  handler: (session: Session<Data>) => void = (session) => session.set("a", "start"),
): Promise<string> {
  const fetch = sessions.wrap((_request, session) => {
    handler(session);
    return new Response();
  });
  return cookiesOf(await fetch(request()))[0] as string;
}

async function read(token: string): Promise<Partial<Data>> {
  return { ...(await sessions.load(request(token))).all() };
}

describe("wrap", () => {
  test("passes the platform's arguments through, and the very request", async () => {
    const seen: unknown[] = [];
    const fetch = sessions.wrap((received, _session, env: { NAME: string }, context: { waitUntil(): void }) => {
      seen.push(received, env.NAME, typeof context.waitUntil);
      return new Response();
    });
    const sent = request();
    await fetch(sent, { NAME: "production" }, { waitUntil() {} });
    expect(seen).toEqual([sent, "production", "function"]);
  });

  test("commits whatever the status, 500 too", async () => {
    const fetch = sessions.wrap((_request, session) => {
      session.set("a", "kept");
      return new Response("error", { status: 500 });
    });
    const response = await fetch(request());
    expect(response.status).toBe(500);
    expect(await read(cookiesOf(response)[0] as string)).toEqual({ a: "kept" });
  });

  test("a handler that throws stores nothing, its error goes on, and the session takes no more writes", async () => {
    const token = await start();
    let kept: Session<Data> | undefined;
    const fetch = sessions.wrap((_request, session) => {
      kept = session;
      session.set("a", "lost");
      throw new Error("handler");
    });
    await expect(fetch(request(token))).rejects.toThrow("handler");
    expect(await read(token)).toEqual({ a: "start" });
    expect(() => kept?.set("a", "late")).toThrow(expect.objectContaining({ code: "session_committed" }));
  });

  test("is saved before the response is there: the page after a redirect sees it, on a slow store too", async () => {
    const slow: SessionStore = {
      ...store,
      async create(key, value, meta) {
        await new Promise(setImmediate);
        return store.create(key, value, meta);
      },
    };
    const fetch = createSessions<Data>({ store: slow }).wrap((_request, session) => {
      session.set("a", "saved");
      return Response.redirect("https://example.com/next", 303);
    });
    const response = await fetch(request());
    expect([response.status, response.headers.get("location")]).toEqual([303, "https://example.com/next"]);
    expect(await read(cookiesOf(response)[0] as string)).toEqual({ a: "saved" });
  });

  test("a write while the body streams throws; a read still works", async () => {
    const token = await start();
    let late: unknown;
    const fetch = sessions.wrap((_request, session) => {
      const body = new ReadableStream(
        {
          pull(controller) {
            try {
              session.set("a", "late");
            } catch (error) {
              late = error;
            }
            controller.enqueue(new TextEncoder().encode(session.get("a")));
            controller.close();
          },
        },
        { highWaterMark: 0 },
      ); // asked for its first bytes only when the response is read
      return new Response(body);
    });
    expect(await (await fetch(request(token))).text()).toBe("start");
    expect(late).toMatchObject({ name: "SessionError", code: "session_committed" });
  });

  test("a live session keeps the response out of caches, whatever was asked of it, or nothing", async () => {
    const token = await start();
    const ask = async (handler: (session: Session<Data>) => unknown) => {
      const fetch = sessions.wrap((_request, session) => {
        handler(session);
        return new Response();
      });
      const { headers } = await fetch(request(token));
      return [headers.get("vary"), headers.get("cache-control")];
    };
    const accesses: ((session: Session<Data>) => unknown)[] = [
      () => {},
      (session) => session.get("a"),
      (session) => session.has("n"),
      (session) => session.all(),
      (session) => session.take("n"),
      (session) => session.isNew,
      (session) => session.subject,
      (session) => session.handle,
      (session) => session.createdAt,
      (session) => session.expiresAt,
      (session) => session.authenticatedAt,
      (session) => session.delete("n"),
      (session) => session.set("a", "start"),
    ];
    for (const access of accesses) expect(await ask(access)).toEqual(["Cookie", "no-store"]);
  });

  test("a Set-Cookie is protected although the session was not looked at: an offer after a rotation", async () => {
    let now = Date.now();
    const rotating = createSessions<Data>({ clock: () => now, rotation: { every: 60 } });
    const touch = rotating.wrap((_request, session) => {
      session.set("a", "x");
      return new Response();
    });
    const token = cookiesOf(await touch(request()))[0] as string;
    now += 61_000;
    const response = await rotating.wrap(
      () => new Response(null, { headers: { "cache-control": "public, max-age=60" } }),
    )(request(token));
    expect(cookiesOf(response)).toHaveLength(1);
    expect([response.headers.get("vary"), response.headers.get("cache-control")]).toEqual([
      "Cookie",
      "max-age=60, private",
    ]);
  });

  const undeliverable: [string, () => Response][] = [
    ["Response.error()", () => Response.error()],
    ["a 101", () => ({ status: 101, headers: new Headers() }) as Response],
    ["no response at all, as after an upgrade on Bun", () => undefined as unknown as Response],
  ];
  test.each(undeliverable)(
    "%s cannot carry a new cookie: nothing is stored then, but changes to a session that exists are",
    async (_name, make) => {
      let stored = 0;
      const counting: SessionStore = {
        ...store,
        create(key, value, meta) {
          stored++;
          return store.create(key, value, meta);
        },
      };
      const counted = createSessions<Data>({ store: counting });
      const answer = (handler: (session: Session<Data>) => void) =>
        counted.wrap((_request, session) => {
          handler(session);
          return make();
        });
      await expect(answer((session) => session.set("a", "new"))(request())).rejects.toMatchObject({
        code: "cookie_undeliverable",
      });
      const token = await start();
      for (const act of ["renew", "persist"] as const) {
        await expect(answer((session) => session[act]())(request(token))).rejects.toMatchObject({
          code: "cookie_undeliverable",
        });
      }
      await expect(answer((session) => session.signIn("ada"))(request(token))).rejects.toMatchObject({
        code: "cookie_undeliverable",
      });
      expect(stored).toBe(0);
      await answer((session) => session.set("a", "saved"))(request(token));
      expect(await read(token)).toEqual({ a: "saved" });
      await answer((session) => session.destroy())(request(token));
      expect(await read(token)).toEqual({});
    },
  );

  test("a rotation that is due waits for a response that can carry it", async () => {
    let now = Date.now();
    const rotating = createSessions<Data>({ clock: () => now, rotation: { every: 60 } });
    const fetch = rotating.wrap((_request, session) => {
      session.set("a", "x");
      return new Response();
    });
    const token = cookiesOf(await fetch(request()))[0] as string;
    now += 61_000;
    await rotating.wrap(() => Response.error())(request(token));
    expect(cookiesOf(await fetch(request(token)))).toHaveLength(1);
  });

  test("one Set-Cookie, however much happened in the request", async () => {
    const token = await start();
    const fetch = sessions.wrap((_request, session) => {
      session.set("n", 1);
      session.renew();
      session.persist();
      session.signIn("ada");
      return new Response(null, {
        headers: [
          ["set-cookie", "a=1"],
          ["set-cookie", `${COOKIE}=forged`],
          ["set-cookie", "b=2"],
        ],
      });
    });
    const lines = (await fetch(request(token))).headers.getSetCookie();
    expect(lines.map((line) => line.split("=")[0])).toEqual(["a", "b", COOKIE]);
  });

  test("answers at once where handler and store do, and as a promise where one of them does not", async () => {
    const fetch = sessions.wrap((_request, session) => new Response(session.get("a")));
    expect(fetch(request())).toBeInstanceOf(Response);
    expect(sessions.wrap(async () => new Response())(request())).toBeInstanceOf(Promise);
    const token = await start();
    expect(fetch(request(token))).toBeInstanceOf(Response);
    const slow = createSessions<Data>({ store: { ...store, read: async (key) => store.read(key) } });
    const later = slow.wrap((_request, session) => new Response(session.get("a")))(request(token));
    expect(later).toBeInstanceOf(Promise);
    expect(await (await later).text()).toBe("start");
  });

  test("an error is a rejected promise, whether it comes at once or later", async () => {
    const failing: SessionStore = {
      ...store,
      read: () => {
        throw new Error("down");
      },
    };
    const broken = createSessions<Data>({ store: failing }).wrap(() => new Response());
    const thrower = sessions.wrap(() => {
      throw new Error("the handler's");
    });
    const late = sessions.wrap(async () => {
      throw new Error("the handler's");
    });
    const none = sessions.wrap((_request, session) => {
      session.set("a", "1");
      return Response.error();
    });
    const answers = [broken(request(await start())), thrower(request()), late(request()), none(request())];
    for (const answer of answers) expect(answer).toBeInstanceOf(Promise);
    await expect(answers[0]).rejects.toMatchObject({ code: "store_failed" });
    for (const answer of answers.slice(1, 3)) await expect(answer).rejects.toThrow("the handler's");
    await expect(answers[3]).rejects.toMatchObject({ code: "cookie_undeliverable" });
  });
});

describe("wrapLazy", () => {
  test("reads nothing until the handler asks, and then once", async () => {
    const token = await start();
    let reads = 0;
    const lazy = createSessions<Data>({
      store: {
        ...store,
        read(key) {
          reads++;
          return store.read(key);
        },
      },
    });
    const untouched = await lazy.wrapLazy(() => new Response())(request(token));
    expect([reads, [...untouched.headers.keys()]]).toEqual([0, []]);
    const fetch = lazy.wrapLazy(async (_request, open) => {
      const session = await open();
      expect(await open()).toBe(session);
      session.update("n", (n = 0) => n + 1);
      return new Response();
    });
    await fetch(request(token));
    expect(reads).toBe(1);
    expect(await read(token)).toEqual({ a: "start", n: 1 });
  });

  test("a handler that deals with a failing store keeps its response; one that throws after opening stores nothing", async () => {
    const down = createSessions<Data>({ store: { ...store, read: () => Promise.reject(new Error("down")) } });
    const token = await start();
    const fetch = down.wrapLazy(async (_request, open) => {
      const session = await open().catch(() => undefined);
      return new Response(session ? "session" : "without");
    });
    expect(await (await fetch(request(token))).text()).toBe("without");
    const forgetful = down.wrapLazy((_request, open) => {
      void open(); // nobody waits: still no unhandled rejection
      return new Response("fine");
    });
    expect(await (await forgetful(request(token))).text()).toBe("fine");

    let kept: Session<Data> | undefined;
    const throwing = sessions.wrapLazy(async (_request, open) => {
      kept = await open();
      kept.set("a", "lost");
      throw new Error("handler");
    });
    await expect(throwing(request(token))).rejects.toThrow("handler");
    expect(await read(token)).toEqual({ a: "start" });
    expect(() => kept?.set("a", "late")).toThrow(expect.objectContaining({ code: "session_committed" }));
  });
});

describe("load and commit", () => {
  test("are all that an adapter needs: what is not a Request works too, and commit's headers are few or none", async () => {
    const session = await sessions.load({ url: "https://example.com/", headers: { get: () => null } });
    session.set("a", "x");
    const headers = await sessions.commit(session);
    expect([...headers.keys()].sort()).toEqual(["cache-control", "set-cookie", "vary"]);
    const untouched = await sessions.commit(await sessions.load(request()));
    expect([...untouched]).toEqual([]);
  });

  test("a second commit, and one of something else, are told", async () => {
    const session = await sessions.load(request());
    await sessions.commit(session);
    await expect(sessions.commit(session)).rejects.toMatchObject({ code: "session_committed" });
    await expect(sessions.commit({} as Session<Data>)).rejects.toThrow(/takes the session that load returned/);
  });

  test("a commit without a way to deliver a cookie is refused where it needs one, before anything is written", async () => {
    const session = await sessions.load(request());
    session.set("a", "x");
    await expect(sessions.commit(session, { deliverable: false })).rejects.toMatchObject({
      code: "cookie_undeliverable",
    });
    const token = await start();
    const known = await sessions.load(request(token));
    known.set("a", "y");
    await sessions.commit(known, { deliverable: false });
    expect(await read(token)).toEqual({ a: "y" });
  });

  test("two parallel first requests of one visitor make two sessions, and each works", async () => {
    const [one, two] = await Promise.all([start(), start()]);
    expect(one).not.toBe(two);
    expect([await read(one), await read(two)]).toEqual([{ a: "start" }, { a: "start" }]);
  });

  test("an update function runs once while nobody comes between, and again when somebody did", async () => {
    const token = await start((session) => session.set("n", 0));
    let runs = 0;
    const increment = (n = 0) => {
      runs++;
      return n + 1;
    };
    const session = await sessions.load(request(token));
    session.update("n", increment);
    await sessions.commit(session);
    expect(runs).toBe(1);
    const late = await sessions.load(request(token));
    late.update("n", increment);
    const other = await sessions.load(request(token));
    other.update("n", (n = 0) => n + 10);
    await sessions.commit(other);
    await sessions.commit(late);
    expect([runs, await read(token)]).toEqual([3, { n: 12 }]);
  });
});

describe("loadFrom and commitTo", () => {
  const promising = (): SessionStore => ({
    read: async (key) => store.read(key),
    create: async (...args) => store.create(...args),
    update: async (...args) => store.update(...args),
    delete: async (...args) => store.delete(...args),
  });
  const failing = (): SessionStore => ({
    ...promising(),
    read: () => {
      throw new Error("down");
    },
  });

  test("answer at once where the store does: a session that is read and changed takes no promise", async () => {
    const token = await start();
    const session = sessions.loadFrom(request(token)) as Session<Data>;
    session.update("a", (a) => `${a}ed`);
    const headers = new Headers({ vary: "Origin" });
    expect(sessions.commitTo(session, headers)).toBeUndefined();
    expect([...headers]).toEqual([
      ["cache-control", "no-store"],
      ["vary", "Origin, Cookie"],
    ]);
    expect(await read(token)).toEqual({ a: "started" });
  });

  test("are promises where the store answers with promises, and the headers are merged when it is done", async () => {
    const token = await start();
    const slow = createSessions<Data>({ store: promising() });
    const loading = slow.loadFrom(request(token));
    expect(loading).toBeInstanceOf(Promise);
    const session = await loading;
    session.persist();
    const headers = new Headers({ "set-cookie": "foreign=1", "cache-control": "public, max-age=60" });
    const committing = slow.commitTo(session, headers);
    expect(headers.get("vary")).toBeNull();
    expect(await committing).toBeUndefined();
    expect([headers.get("vary"), headers.get("cache-control")]).toEqual(["Cookie", "max-age=60, private"]);
    expect(headers.getSetCookie()).toEqual([
      "foreign=1",
      expect.stringMatching(new RegExp(`^${COOKIE}=${token};.* Max-Age=`)),
    ]);
  });

  test("merge what commit would have returned: for a new session, one that was read, and one that nobody asked for", async () => {
    const token = await start();
    const cases: [string | undefined, (session: Session<Data>) => unknown][] = [
      [undefined, (session) => session.set("a", "x")],
      [undefined, () => undefined],
      [token, (session) => session.get("a")],
      [token, () => undefined],
    ];
    for (const [cookie, act] of cases) {
      const [one, two] = [await sessions.load(request(cookie)), await sessions.loadFrom(request(cookie))];
      act(one);
      act(two);
      const merged = new Headers();
      const anyToken = (headers: Headers) =>
        [...headers].map(([name, value]) => [name, value.replace(/=[\w-]{43};/, "=TOKEN;")]);
      await sessions.commitTo(two, merged);
      const returned = await sessions.commit(one);
      expect(anyToken(merged)).toEqual(anyToken(returned));
    }
  });

  test("without a way to deliver a cookie nothing is merged, and a commit that needs one is refused", async () => {
    const token = await start();
    const session = await sessions.loadFrom(request(token));
    session.set("a", "y");
    const headers = new Headers();
    await sessions.commitTo(session, headers, { deliverable: false });
    expect([[...headers], await read(token)]).toEqual([[], { a: "y" }]);
    const fresh = await sessions.loadFrom(request());
    fresh.set("a", "x");
    const committing = async () => sessions.commitTo(fresh, headers, { deliverable: false });
    await expect(committing()).rejects.toMatchObject({ code: "cookie_undeliverable" });
  });

  test("throw at once what fails at once", async () => {
    const broken = createSessions<Data>({ store: failing() });
    expect(() => broken.loadFrom(request("A".repeat(43)))).toThrow(expect.objectContaining({ code: "store_failed" }));
    const session = await sessions.load(request());
    await sessions.commit(session);
    expect(() => sessions.commitTo(session, new Headers())).toThrow(
      expect.objectContaining({ code: "session_committed" }),
    );
    expect(() => sessions.commitTo({} as Session<Data>, new Headers())).toThrow(/takes the session that load returned/);
  });

  test("headers that cannot be changed are told, and what was stored stays", async () => {
    const token = await start();
    const session = await sessions.loadFrom(request(token));
    session.set("a", "y");
    const { headers } = Response.redirect("https://example.com/");
    expect(() => sessions.commitTo(session, headers)).toThrow(TypeError);
    expect(await read(token)).toEqual({ a: "y" });
  });
});
