import { describe, expect, test } from "vitest";
import { type NextHeaders, nextSession } from "../../adapters/next.ts";
import { createSessions, memoryStore, type SessionsOptions } from "../../src/index.ts";
import { COOKIE, cookiesOf } from "../support/process.ts";

/*
 * What nextSession does with what Next gives it. That Next gives it is held by the applications in test/frameworks,
 * which are built and served by Next itself.
 */

interface Data {
  count: number;
  flash: string;
}

const URL = "https://example.com/";

/** What `next/headers` is within one request: one object of headers, and a jar that shows what was set. */
function during(cookie: string | undefined, isPage = false) {
  const sent = new Headers({ host: "example.com", "x-forwarded-proto": "https", ...(cookie && { cookie }) });
  const pairs = (cookie?.split("; ") ?? []).map((pair): [string, string] => [
    pair.slice(0, pair.indexOf("=")),
    decodeURIComponent(pair.slice(pair.indexOf("=") + 1)),
  ]);
  const held = new Map(pairs);
  const set: { name: string; value: string; maxAge?: number }[] = [];
  const jar = {
    getAll: () => [...held].map(([name, value]) => ({ name, value })),
    set(name: string, value: string, options: { maxAge?: number }) {
      if (isPage) throw new Error("Cookies can only be modified in a Server Action or Route Handler");
      held.set(name, value);
      set.push({ name, value, ...options });
    },
  };
  return { headers: async () => sent, cookies: async () => jar, set };
}

function setup(options: Omit<SessionsOptions, "schema"> = {}) {
  let now = Date.UTC(2030, 0, 1);
  let request: NextHeaders = during(undefined);
  let reads = 0;
  const memory = memoryStore({ clock: () => now });
  const read = (key: string) => {
    reads++;
    return memory.read(key);
  };
  const store = { ...memory, read };
  const sessions = createSessions<Data>({ store, ...options, clock: () => now });
  const next = { headers: () => request.headers(), cookies: () => request.cookies() };
  return {
    ...nextSession(sessions, next),
    sessions,
    reads: () => reads,
    /** The next request of a browser; of a page it is one that cannot set cookies. */
    arrive(cookie?: string, isPage = false) {
      const arrived = during(cookie, isPage);
      request = arrived;
      return arrived;
    },
    pass: (seconds: number) => {
      now += seconds * 1000;
    },
    /** Ada's session with a count of 1, as her browser has it. */
    async signedIn(): Promise<string> {
      const made = sessions.wrap((_request, session) => {
        session.signIn("ada");
        session.set("count", 1);
        return new Response();
      });
      return `${COOKIE}=${cookiesOf(await made(new Request(URL)))[0]}`;
    },
    async stored(cookie: string) {
      const session = await sessions.load(new Request(URL, { headers: { cookie } }));
      return { subject: session.subject, ...session.all() };
    },
  };
}

/** What Next's functions throw. */
const thrown = (digest: string) => Object.assign(new Error("control flow"), { digest });
const REDIRECT = thrown("NEXT_REDIRECT;push;/;307;");
const NOT_FOUND = thrown("NEXT_HTTP_ERROR_FALLBACK;404");

const pairOf = ({ set }: ReturnType<typeof during>) => set.map(({ name, value }) => `${name}=${value}`).join("; ");

describe("getSession()", () => {
  test("reads once for a request, however many components ask", async () => {
    const { arrive, signedIn, getSession, reads } = setup();
    arrive(await signedIn(), true);
    const before = reads();
    const [one, two] = await Promise.all([getSession(), getSession()]);
    expect([one.subject, two.get("count"), reads() - before]).toEqual(["ada", 1, 1]);
  });

  test("of the next request reads again", async () => {
    const { arrive, signedIn, getSession } = setup();
    arrive(await signedIn(), true);
    await getSession();
    arrive(undefined, true);
    expect(await getSession()).toMatchObject({ isNew: true, subject: undefined });
  });

  test("is a sign of life: pages alone keep a session from its idle limit", async () => {
    const { arrive, signedIn, getSession, pass } = setup({ lifetime: { idle: 3600, absolute: 86_400 } });
    const cookie = await signedIn();
    for (let visit = 0; visit < 5; visit++) {
      pass(3000);
      arrive(cookie, true);
      expect((await getSession()).subject).toBe("ada");
    }
  });

  test("does not rotate, since a page has no way to send the new token", async () => {
    const { arrive, signedIn, getSession, pass, stored } = setup({ rotation: { every: 60 } });
    const cookie = await signedIn();
    for (let visit = 0; visit < 3; visit++) {
      pass(600);
      arrive(cookie, true);
      expect((await getSession()).subject).toBe("ada");
    }
    expect((await stored(cookie)).subject).toBe("ada");
  });

  test("a write throws, whatever types say", async () => {
    const { arrive, signedIn, getSession } = setup();
    arrive(await signedIn(), true);
    const session = (await getSession()) as unknown as { set(key: string, value: unknown): void };
    expect(() => session.set("count", 2)).toThrow(/session_committed/);
  });

  test("after a load that failed loads again", async () => {
    let fails = true;
    const memory = memoryStore();
    const read = (key: string) => {
      if (fails) throw new Error("down");
      return memory.read(key);
    };
    const { arrive, getSession } = setup({ store: { ...memory, read } });
    arrive(`${COOKIE}=${"A".repeat(43)}`, true);
    await expect(getSession()).rejects.toMatchObject({ code: "store_failed" });
    fails = false;
    expect((await getSession()).isNew).toBe(true);
  });
});

describe("editSession()", () => {
  test("takes a message once, and without a cookie", async () => {
    const { arrive, signedIn, editSession, getSession, withSession } = setup();
    const cookie = await signedIn();
    arrive(cookie);
    await withSession((session) => session.set("flash", "Saved"))();
    const take = () => editSession((session) => session.take("flash"));
    arrive(cookie, true);
    expect(await take()).toBe("Saved");
    expect((await getSession()).has("flash")).toBe(false);
    arrive(cookie, true);
    expect(await take()).toBe(undefined);
  });

  test("refuses what needs a cookie, and stores nothing of it", async () => {
    const { arrive, signedIn, editSession, stored } = setup();
    const cookie = await signedIn();
    arrive(cookie, true);
    await expect(editSession((session) => session.signIn("eve"))).rejects.toMatchObject({
      code: "cookie_undeliverable",
    });
    expect((await stored(cookie)).subject).toBe("ada");
  });
});

describe("withSession() of a server action", () => {
  test("saves, puts the cookie into the jar with its attributes, and gives the action its arguments", async () => {
    const { arrive, withSession, stored } = setup();
    const request = arrive();
    const login = withSession((session, user: string) => {
      session.signIn(user);
      return `Hello ${user}`;
    });
    expect(await login("ada")).toBe("Hello ada");
    expect(request.set).toEqual([
      expect.objectContaining({ name: COOKIE, path: "/", httpOnly: true, secure: true, sameSite: "lax" }),
    ]);
    expect((await stored(pairOf(request))).subject).toBe("ada");
  });

  test.each([REDIRECT, NOT_FOUND])("keeps what was set before $digest", async (answer) => {
    const { arrive, withSession, stored } = setup();
    const request = arrive();
    const action = withSession((session) => {
      session.set("flash", "Welcome");
      throw answer;
    });
    await expect(action()).rejects.toBe(answer);
    expect(await stored(pairOf(request))).toMatchObject({ flash: "Welcome" });
  });

  test("stores nothing where anything else is thrown, and the page after it sees nothing of it", async () => {
    const { arrive, signedIn, withSession, getSession, stored } = setup();
    const cookie = await signedIn();
    arrive(cookie);
    const action = withSession((session) => {
      session.set("count", 2);
      throw new Error("bug");
    });
    await expect(action()).rejects.toThrow("bug");
    expect((await getSession()).get("count")).toBe(1);
    expect(await stored(cookie)).toMatchObject({ count: 1 });
  });

  test("the page that is rendered with its answer sees what it made of the session, without a read", async () => {
    const { arrive, withSession, getSession, reads } = setup();
    arrive();
    await withSession((session) => session.signIn("ada"))();
    const before = reads();
    expect([(await getSession()).subject, reads() - before]).toEqual(["ada", 0]);
  });

  test("so does another copy of the module, by the jar", async () => {
    const { arrive, withSession, sessions } = setup();
    const request = arrive();
    await withSession((session) => session.signIn("ada"))();
    expect((await nextSession(sessions, request).getSession()).subject).toBe("ada");
  });

  test("one within another shares its session; one after another goes on from it", async () => {
    const { arrive, withSession, stored } = setup();
    const request = arrive();
    const count = withSession((session) => session.update("count", (n = 0) => n + 1));
    await withSession(async (session) => {
      await count();
      session.set("flash", "both");
    })();
    await count();
    expect(request.set).toHaveLength(1);
    expect(await stored(pairOf(request))).toMatchObject({ count: 2, flash: "both" });
  });

  test("a rotated token is not confirmed by the page that is rendered with it", async () => {
    const { arrive, signedIn, withSession, sessions, pass, stored } = setup({ rotation: { every: 60, grace: 30 } });
    const cookie = await signedIn();
    pass(600);
    const request = arrive(cookie);
    await withSession((session) => session.get("count"))();
    expect(request.set).toHaveLength(1);
    await nextSession(sessions, request).getSession();
    // The answer is lost: were the new token taken for delivered, the old one would be dead by now
    pass(120);
    expect((await stored(cookie)).subject).toBe("ada");
  });
});

describe("withSession() of a route handler", () => {
  const get = (cookie: string, method = "GET", headers = {}) =>
    new Request(URL, { method, headers: { cookie, ...headers } });

  test("its response has the cookie and is kept out of caches", async () => {
    const { arrive, withSession, stored } = setup();
    arrive();
    const response = await withSession((session, _request: Request) => {
      session.set("count", 1);
      return new Response("ok");
    })(get(""));
    expect([response.headers.get("cache-control"), response.headers.get("vary")]).toEqual(["no-store", "Cookie"]);
    expect(await stored(`${COOKIE}=${cookiesOf(response)[0]}`)).toMatchObject({ count: 1 });
  });

  test("a 404 by notFound() has the cookie too, which Next's own would not", async () => {
    const { arrive, withSession } = setup();
    arrive();
    const response = await withSession((session, _request: Request): Response => {
      session.set("flash", "kept");
      throw NOT_FOUND;
    })(get(""));
    expect([response.status, cookiesOf(response).length]).toEqual([404, 1]);
  });

  test("a redirect goes on as it is, its cookie in the jar", async () => {
    const { arrive, withSession, stored } = setup();
    const request = arrive();
    const handler = withSession((session, _request: Request): Response => {
      session.set("flash", "kept");
      throw REDIRECT;
    });
    await expect(handler(get(""))).rejects.toBe(REDIRECT);
    expect(await stored(pairOf(request))).toMatchObject({ flash: "kept" });
  });

  test.each(["anonymous", "refuse"] as const)("a write that another origin asked for is a 403 (%s)", async (answer) => {
    const { arrive, signedIn, withSession, stored } = setup({ crossOrigin: { answer } });
    const cookie = await signedIn();
    arrive(cookie);
    const handler = withSession((session, _request: Request) => {
      session.set("count", 2);
      return new Response("ok");
    });
    expect((await handler(get(cookie, "POST", { "sec-fetch-site": "cross-site" }))).status).toBe(403);
    expect(await stored(cookie)).toMatchObject({ count: 1 });
  });

  test("an argument of an action that only looks like a request is none", async () => {
    const { arrive, withSession } = setup();
    arrive();
    const like = { url: URL, method: "GET", headers: { get: () => null } };
    expect(await withSession((_session, argument: typeof like) => argument)(like)).toBe(like);
  });
});

describe("withSession() of a proxy", () => {
  const sent = (cookie: string) => new Request(URL, { headers: { cookie, accept: "text/html" } });
  /** What the request goes on with, as Next reads it from the answer. */
  const goesOnWith = ({ headers }: Response) => {
    const names = headers.get("x-middleware-override-headers")?.split(",") ?? [];
    return Object.fromEntries(names.map((name) => [name, headers.get(`x-middleware-request-${name}`)]));
  };

  test("that returns nothing lets the request go on, and says nothing about caching", async () => {
    const { arrive, signedIn, withSession } = setup();
    const cookie = await signedIn();
    arrive(cookie);
    const response = (await withSession((_session, _request: Request) => {})(sent(cookie))) as unknown as Response;
    expect([...response.headers]).toEqual([["x-middleware-next", "1"]]);
  });

  test("delivers a rotation, and what comes after it sees the new token behind the old one", async () => {
    const { arrive, signedIn, withSession, pass } = setup({ rotation: { every: 60 } });
    const cookie = await signedIn();
    pass(600);
    arrive(cookie);
    const response = (await withSession((_session, _request: Request) => {})(sent(cookie))) as unknown as Response;
    const [token] = cookiesOf(response);
    expect(goesOnWith(response)).toEqual({ accept: "text/html", cookie: `${cookie}; ${COOKIE}=${token}` });
    expect(response.headers.get("cache-control")).toBe("no-store");
  });

  test("keeps the headers that the proxy itself lets the request go on with", async () => {
    const { arrive, withSession } = setup();
    arrive();
    const proxy = withSession((session, _request: Request) => {
      session.set("count", 1);
      const headers = { "x-middleware-next": "1", "x-middleware-override-headers": "x-own" };
      return new Response(null, { headers: { ...headers, "x-middleware-request-x-own": "1" } });
    });
    const response = await proxy(sent("theme=dark"));
    expect(goesOnWith(response)).toEqual({ "x-own": "1", cookie: `${COOKIE}=${cookiesOf(response)[0]}` });
  });

  test("a redirect of its own carries what the session needs", async () => {
    const { arrive, signedIn, withSession } = setup();
    const cookie = await signedIn();
    arrive(cookie);
    const response = await withSession((session, _request: Request) => {
      session.set("flash", session.subject ?? "");
      return Response.redirect(`${URL}login`);
    })(sent(cookie));
    expect([response.status, response.headers.get("cache-control")]).toEqual([302, "no-store"]);
  });
});

test("nextSession() says what it takes", () => {
  expect(() => nextSession(createSessions(), {} as NextHeaders)).toThrow(/next\/headers/);
});
