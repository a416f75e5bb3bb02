import { once } from "node:events";
import type { IncomingMessage, ServerResponse } from "node:http";
import { createRequire } from "node:module";
import { runInThisContext } from "node:vm";
import { memoryStore, type SessionEvent } from "@sojourn/session";
import session, {
  session as byName,
  type ExpressSessionOptions,
  type WithSession,
} from "@sojourn/session/express-session";
import { expressSession as fromExpressSession } from "@sojourn/session/migrate";
import express, { type Express } from "express";
import memorystore from "memorystore";
import { describe, expect, test, vi } from "vitest";
import { closedAfterEach } from "./after-each.ts";
import { cookieOf, send, serve } from "./client.ts";
import { heldStore } from "./held-store.ts";

// biome-ignore lint/suspicious/noExplicitAny: as applications without types
type Data = Record<string, any>;
type Request = IncomingMessage & WithSession<Data>;
type Handler = (request: Request, response: ServerResponse) => unknown;

const opened = closedAfterEach();

interface Visitor {
  get(path: string): Promise<{ status: number; body: string; headers: Headers }>;
  cookie: string | undefined;
}

async function start(
  routes: Record<string, Handler>,
  options: ExpressSessionOptions<Data> = {},
): Promise<{ app: Express; visitor(cookie?: string): Visitor; middleware: ReturnType<typeof session<Data>> }> {
  const app = express();
  const middleware = session<Data>(options);
  app.use(middleware);
  for (const [path, handler] of Object.entries(routes)) app.get(path, handler as never);
  app.use(((error: Error & { code?: string }, request: Request, response: ServerResponse, _next: () => void) => {
    response.statusCode = 500;
    response.end(`${error.code ?? error.message} ${JSON.stringify(Object.keys(request.session))}`);
  }) as never);
  const served = await serve(app);
  opened.push(served.close);
  const visitor = (cookie?: string): Visitor => ({
    cookie,
    async get(path) {
      const answer = await send(served.url + path, { headers: this.cookie ? { cookie: this.cookie } : {} });
      if (answer.headers.getSetCookie().length > 0) this.cookie = cookieOf(answer);
      return answer;
    },
  });
  return { app, visitor, middleware };
}

const show: Handler = (request, response) => {
  const { cookie: _, ...data } = request.session;
  response.end(JSON.stringify(data));
};

const end: (change: (session: Request["session"], request: Request) => unknown) => Handler =
  (change) => (request, response) => {
    change(request.session, request);
    response.end();
  };

describe("req.session", () => {
  test("is a plain object of the data: assigned, nested, deleted, listed, spread and made text of", async () => {
    const { visitor } = await start({
      "/write": end((session) => {
        session.user = { name: "ada", roles: ["admin"] };
        session.cart = ["book"];
        session.gone = 1;
      }),
      "/change": end((session) => {
        session.user.name = "grace";
        session.user.roles.push("author");
        session.cart[0] = "pen";
        delete session.gone;
      }),
      "/look": (request, response) => {
        const { session } = request;
        const named: string[] = [];
        for (const key in session) named.push(key);
        const views = [{ ...session }, JSON.parse(JSON.stringify(session)), Object.assign({}, session)];
        response.end(JSON.stringify({ named, keys: Object.keys(session), views, has: "user" in session }));
      },
    });
    const ada = visitor();
    await ada.get("/write");
    await ada.get("/change");
    const { named, keys, views, has } = JSON.parse((await ada.get("/look")).body);
    expect(named).toEqual(["cookie", "user", "cart"]);
    expect(keys).toEqual(named);
    expect(has).toBe(true);
    for (const { cookie, ...data } of views) {
      expect(data).toEqual({ user: { name: "grace", roles: ["admin", "author"] }, cart: ["pen"] });
      expect(cookie).toMatchObject({ originalMaxAge: null, httpOnly: true, path: "/", secure: true });
    }
  });

  test("nobody who is given nothing gets a cookie or costs a store call, and a look alone stores nothing", async () => {
    const store = heldStore();
    const { visitor } = await start({ "/": (_request, response) => response.end(), "/look": show }, { store });
    for (const path of ["/", "/look"]) expect((await visitor().get(path)).headers.getSetCookie()).toEqual([]);
    expect(store.writes).toBe(0);
    expect((await visitor().get("/look")).headers.get("vary")).toBe("Cookie");
    expect((await visitor().get("/")).headers.get("vary")).toBeNull();
  });

  test("the id is there from the first moment, is what sessionID says, and stays until regenerate", async () => {
    const ids: unknown[] = [];
    const { visitor } = await start({
      "/": end((session, request) => {
        ids.push(session.id, request.sessionID);
        session.n = 1;
      }),
      "/new": async (request, response) => {
        await request.session.regenerate();
        ids.push(request.sessionID);
        request.session.n = 2;
        response.end();
      },
    });
    const ada = visitor();
    for (const path of ["/", "/", "/new", "/"]) await ada.get(path);
    expect(ids[0]).toMatch(/^[\w-]{43}$/);
    expect(new Set(ids.slice(0, 4)).size).toBe(1);
    expect(new Set(ids.slice(4)).size).toBe(1);
    expect(ids[4]).not.toBe(ids[0]);
  });

  test("is stored before the head leaves", async () => {
    const store = heldStore();
    const { visitor } = await start({ "/": end((session) => Object.assign(session, { n: 1 })) }, { store });
    store.hold();
    let answered = false;
    const answer = visitor()
      .get("/")
      .then(() => {
        answered = true;
      });
    await store.reached();
    await new Promise(setImmediate);
    expect(answered).toBe(false);
    store.release();
    await answer;
  });

  test("of nine overlapping requests all paths and all pushes are kept; of two assignments to one path the later", async () => {
    const store = heldStore();
    const changes: ((session: Data) => unknown)[] = [
      (s) => (s.user.name = "grace"),
      (s) => (s.user.theme = "dark"),
      (s) => (s.user.deep.a = 1),
      (s) => (s.user.deep.b = 2),
      (s) => s.cart.push("pen"),
      (s) => s.cart.push("ink"),
      (s) => delete s.old,
      (s) => s.hits++,
      (s) => s.hits++,
    ];
    const routes = Object.fromEntries(changes.map((change, index) => [`/${index}`, end(change)]));
    const { visitor } = await start(
      {
        ...routes,
        "/begin": end((s) => Object.assign(s, { user: { name: "ada", deep: {} }, cart: ["book"], old: 1, hits: 1 })),
        "/look": show,
      },
      { store },
    );
    const ada = visitor();
    await ada.get("/begin");
    store.hold();
    const all = changes.map((_, index) => visitor(ada.cookie).get(`/${index}`));
    await store.reached();
    await new Promise((resolve) => setTimeout(resolve, 200)); // all nine have read by then, or the test says too little
    store.release();
    await Promise.all(all);
    const data = JSON.parse((await ada.get("/look")).body);
    expect(data).toEqual({
      user: { name: "grace", theme: "dark", deep: { a: 1, b: 2 } },
      cart: expect.arrayContaining(["book", "pen", "ink"]),
      hits: 2,
    });
    expect(data.cart).toHaveLength(3);
  });

  test("a change after the response throws, in sloppy code too, is an event, and nothing is stored", async () => {
    const events: SessionEvent[] = [];
    const late: [string, (session: Data) => unknown][] = [
      ["strict", (s) => (s.n = 2)],
      ["a new key", (s) => (s.fresh = 1)],
      ["nested", (s) => (s.user.name = "eve")],
      ["a push", (s) => s.user.roles.push("admin")],
      ["delete", (s) => delete s.n],
      ["sloppy", runInThisContext("(s) => { s.n = 2 }") as (session: Data) => unknown],
      ["sloppy and nested", runInThisContext("(s) => { s.user.name = 'eve' }") as (session: Data) => unknown],
    ];
    const thrown: string[] = [];
    const routes = Object.fromEntries(
      late.map(([, change], index): [string, Handler] => [
        `/${index}`,
        (request, response) => {
          request.session.n = 1;
          response.end();
          try {
            change(request.session);
          } catch (error) {
            thrown.push((error as { code: string }).code);
          }
        },
      ]),
    );
    const { visitor } = await start(
      { ...routes, "/begin": end((s) => (s.user = { name: "ada", roles: [] })), "/look": show },
      { observe: (event) => events.push(event) },
    );
    const ada = visitor();
    await ada.get("/begin");
    for (const index of late.keys()) await ada.get(`/${index}`);
    expect(thrown).toEqual(late.map(() => "session_committed"));
    expect(events.filter(({ type }) => type === "write_after_response")).toHaveLength(late.length);
    expect(JSON.parse((await ada.get("/look")).body)).toEqual({ user: { name: "ada", roles: [] }, n: 1 });
  });

  test("what was read before the response is frozen after it, and an object of somebody else's is not", async () => {
    const shared = { theme: "dark" };
    let held: Data = {};
    const { visitor } = await start({
      "/": (request, response) => {
        request.session.settings = shared;
        request.session.list = request.session.list ?? [];
        held = request.session;
        response.end();
      },
    });
    const ada = visitor();
    await ada.get("/");
    await ada.get("/");
    expect(() => {
      held.n = 1;
    }).toThrow(TypeError);
    expect(() => held.list.push(1)).toThrow(TypeError);
    expect(Object.isFrozen(shared)).toBe(false);
  });

  test("what JSON cannot hold is an error of the request that names it, and the error page can read the session", async () => {
    const { visitor } = await start({ "/": end((session) => Object.assign(session, { big: 1n })) });
    expect(await visitor().get("/")).toMatchObject({ status: 500, body: 'value_not_storable ["cookie","big"]' });
  });

  test("with a failing store the error page gets an empty session that refuses changes", async () => {
    const store = memoryStore();
    const { visitor } = await start(
      { "/": end((s) => (s.n = 1)) },
      { store: { ...store, read: () => Promise.reject(new Error("down")) } },
    );
    const ada = visitor(`__Host-Http-session=${"A".repeat(43)}`);
    expect(await ada.get("/")).toMatchObject({ status: 500, body: 'store_failed ["cookie"]' });
  });

  test("cannot be replaced by another object", async () => {
    const { visitor } = await start({
      "/": (request, response) => {
        (request as { session: unknown }).session = { user: "ada" };
        response.end();
      },
    });
    expect((await visitor().get("/")).body).toMatch(/^Cannot replace req\.session/);
  });

  test("req.session = null drops the request's changes, or ends the session", async () => {
    for (const [unset, left] of [
      ["keep", '{"n":1}'],
      ["destroy", "{}"],
    ] as const) {
      const { visitor } = await start(
        {
          "/": end((session) => (session.n = 1)),
          "/null": end((session, request) => {
            session.n = 2;
            (request as { session: unknown }).session = null;
          }),
          "/look": show,
        },
        { unset },
      );
      const ada = visitor();
      await ada.get("/");
      const { cookie } = ada;
      await ada.get("/null");
      expect((await visitor(cookie).get("/look")).body).toBe(left);
    }
  });
});

describe("the methods, with a callback and with a promise", () => {
  const ways = {
    callback: (session: Data, method: string) =>
      new Promise<void>((resolve, reject) => {
        session[method]((error: unknown) => (error ? reject(error) : resolve()));
      }),
    promise: (session: Data, method: string) => session[method]() as Promise<void>,
  };

  test.each(Object.entries(ways))("by %s", async (_name, call) => {
    const { visitor, middleware } = await start({
      "/begin": end((session) => (session.n = 1)),
      "/save": async (request, response) => {
        request.session.n = 2;
        await call(request.session, "save");
        const other = await visitor(request.headers.cookie).get("/look");
        request.session.more = true;
        response.end(other.body);
      },
      "/reload": async (request, response) => {
        request.session.n = 3;
        await call(request.session, "reload");
        show(request, response);
      },
      "/regenerate": async (request, response) => {
        const { session } = request;
        await call(session, "regenerate");
        expect(request.session).not.toBe(session);
        expect(Object.keys(request.session)).toEqual(["cookie"]);
        request.session.fresh = true;
        response.end();
      },
      "/touch": async (request, response) => {
        await call(request.session, "touch");
        await call(request.session, "resetMaxAge");
        response.end();
      },
      "/destroy": async (request, response) => {
        await call(request.session, "destroy");
        response.end(String(request.session));
      },
      "/look": show,
    });
    const ada = visitor();
    await ada.get("/begin");
    expect((await ada.get("/save")).body).toBe('{"n":2}');
    expect((await ada.get("/reload")).body).toBe('{"n":2,"more":true}');
    expect((await ada.get("/touch")).status).toBe(200);
    const { cookie } = ada;
    await ada.get("/regenerate");
    expect((await ada.get("/look")).body).toBe('{"fresh":true}');
    expect((await visitor(cookie).get("/look")).body).toBe("{}");
    const last = ada.cookie;
    expect((await ada.get("/destroy")).body).toBe("undefined");
    expect((await visitor(last).get("/look")).body).toBe("{}");
    expect(await middleware.sessions.sweep()).toBeGreaterThanOrEqual(0);
  });

  test("a push that is saved while the response leaves is there once", async () => {
    const { visitor } = await start({
      "/": (request, response) => {
        request.session.list ??= [];
        request.session.list.push("x");
        request.session.save();
        response.end();
      },
      "/look": show,
    });
    const ada = visitor();
    for (let visit = 0; visit < 3; visit++) await ada.get("/");
    expect((await ada.get("/look")).body).toBe('{"list":["x","x","x"]}');
  });

  test("a save that fails calls back with the error, and without a callback ends nothing", async () => {
    const create = () => Promise.reject(new Error("down"));
    const { visitor } = await start(
      {
        "/": (request, response) => {
          request.session.n = 1;
          request.session.save();
          request.session.save((error?: unknown) => response.writeHead(503).end((error as { code: string }).code));
        },
      },
      { store: { ...memoryStore(), create } },
    );
    // The commit fails as well, so that the error page answers
    expect((await visitor().get("/")).body).toMatch(/^store_failed/);
  });

  test("reload() of a session that was ended elsewhere fails", async () => {
    const { visitor } = await start({
      "/begin": end((session) => (session.n = 1)),
      "/reload": (request, response) => {
        visitor(request.headers.cookie)
          .get("/out")
          .then(() => void request.session.reload((error?: unknown) => response.end((error as Error).message)));
      },
      "/out": (request, response) => request.session.destroy(() => response.end()),
    });
    const ada = visitor();
    await ada.get("/begin");
    expect((await ada.get("/reload")).body).toBe("failed to load session");
  });

  test("sessionStore: get and destroy of the own session, generate after it", async () => {
    const { visitor } = await start({
      "/begin": end((session) => (session.n = 1)),
      "/store": (request, response) => {
        const { sessionStore, sessionID } = request;
        sessionStore.get(sessionID as string, (_error: unknown, data: unknown) => {
          sessionStore.destroy(sessionID as string, () => {
            sessionStore.generate(request);
            request.session.after = data;
            response.end();
          });
        });
      },
      "/foreign": (request, response) => {
        request.sessionStore.destroy("A".repeat(43), (error?: unknown) =>
          response.end((error as { code: string }).code),
        );
      },
      "/look": show,
    });
    const ada = visitor();
    await ada.get("/begin");
    const { cookie } = ada;
    await ada.get("/store");
    expect((await ada.get("/look")).body).toBe('{"after":{"n":1}}');
    expect((await visitor(cookie).get("/look")).body).toBe("{}");
    expect((await ada.get("/foreign")).body).toBe("not_supported");
  });
});

describe("cookie of one session", () => {
  test("maxAge makes it outlive the browser and bounds the idle time; null makes it end with the browser again", async () => {
    let now = Date.now();
    const { visitor } = await start(
      {
        "/remember": end((session) => (session.cookie.maxAge = 3_600_000)),
        "/forget": end((session) => (session.cookie.expires = null)),
        "/look": (request, response) =>
          response.end(JSON.stringify([request.session.n, request.session.cookie.originalMaxAge])),
        "/begin": end((session) => (session.n = 1)),
      },
      { clock: () => now },
    );
    const ada = visitor();
    await ada.get("/begin");
    expect((await ada.get("/remember")).headers.get("set-cookie")).toMatch(/Max-Age=/);
    expect((await ada.get("/look")).body).toBe("[1,3600000]");
    now += 3_500_000;
    expect((await ada.get("/look")).body).toBe("[1,3600000]");
    now += 3_700_000;
    expect((await visitor(ada.cookie).get("/look")).body).toBe("[null,null]");

    const grace = visitor();
    await grace.get("/begin");
    await grace.get("/remember");
    expect((await grace.get("/forget")).headers.get("set-cookie")).not.toMatch(/Max-Age=/);
    now += 3_700_000;
    expect((await grace.get("/look")).body).toBe("[1,null]");
  });

  test("cookie.maxAge of the options is the idle limit; lifetime.idle allows one session more", async () => {
    let now = Date.now();
    const { visitor } = await start(
      {
        "/begin": end((session) => (session.n = 1)),
        "/remember": end((session) => (session.cookie.maxAge = 86_400_000)),
        "/look": (request, response) => response.end(String(request.session.n)),
      },
      { clock: () => now, cookie: { maxAge: 60_000 }, lifetime: { idle: 86_400 } },
    );
    const [ada, grace] = [visitor(), visitor()];
    expect((await ada.get("/begin")).headers.get("set-cookie")).toMatch(/Max-Age=/);
    await grace.get("/begin");
    await grace.get("/remember");
    now += 61_000;
    expect((await ada.get("/look")).body).toBe("undefined");
    expect((await grace.get("/look")).body).toBe("1");
  });

  test("what cannot be is refused where it is set", async () => {
    const refused: [string, (session: Request["session"]) => unknown][] = [
      ["above lifetime.idle", ({ cookie }) => (cookie.maxAge = 1e12)],
      ["must be a number", ({ cookie }) => (cookie.maxAge = Number.NaN)],
      ["must be a valid Date", ({ cookie }) => (cookie.expires = new Date("never"))],
      ["Cannot set cookie.secure", ({ cookie }) => ((cookie as { secure: unknown }).secure = false)],
    ];
    for (const [message, change] of refused) {
      const { visitor } = await start({ "/": end(change) });
      expect((await visitor().get("/")).body).toContain(message);
    }
  });
});

describe("options", () => {
  test.each([
    [{ genid: () => "x" }, /genid/],
    [{ secret: "s" }, /secret/],
    [{ cookie: { secure: false } }, /"auto"/],
    [{ cookie: { httpOnly: false } }, /httpOnly/],
    [{ cookie: { sameSite: "auto" } }, /sameSite/],
    [{ cookie: { expires: new Date() } }, /maxAge/],
    [{ cookie: { signed: true } }, /signed/],
    [{ cookie: { maxAge: -1 } }, /maxAge/],
    [{ cookie: () => ({}) }, /by request/],
    [{ cookie: { maxAge: 7_200_000 }, lifetime: { idle: 60 } }, /lifetime\.idle/],
    [{ unset: "forget" }, /unset/],
    [{ subject: "user" }, /subject/],
    [{ store: {} }, /store/],
    [{ resavee: true }, /resavee/], // cspell:ignore resavee
  ])("%o is refused, with a word why", (options, message) => {
    expect(() => session(options as never)).toThrow(message);
  });

  test("name and key name the cookie; the other options of express-session are taken, and explained once", async () => {
    const warn = vi.spyOn(process, "emitWarning").mockImplementation(() => {});
    const Memory = memorystore(createRequire(import.meta.url)("express-session"));
    const store = new Memory({ checkPeriod: 86_400_000 });
    opened.push(() => store.stopInterval());
    const given = { resave: true, rolling: true, proxy: true, saveUninitialized: false, store };
    byName({ ...given, name: "sid" } as never);
    const { visitor } = await start({ "/": end((s) => (s.n = 1)), "/look": show }, { ...given, key: "sid" } as never);
    const ada = visitor();
    expect((await ada.get("/")).headers.get("set-cookie")).toMatch(/^sid=/);
    expect((await ada.get("/look")).body).toBe('{"n":1}');
    expect(warn.mock.calls.map(([text]) => text)).toEqual([expect.stringMatching(/resave.*rolling.*store/s)]);
    warn.mockRestore();
  });

  test("saveUninitialized: every visitor gets a session", async () => {
    const { visitor } = await start({ "/": end(() => {}), "/look": show }, { saveUninitialized: true });
    const ada = visitor();
    expect((await ada.get("/")).headers.get("set-cookie")).toMatch(/^__Host-Http-session=/);
    expect((await ada.get("/look")).headers.getSetCookie()).toEqual([]);
  });

  test("saveUninitialized asks nothing for a request of another origin, or while the store fails", async () => {
    const store = { ...memoryStore(), read: () => Promise.reject(new Error("down")) };
    const options = { saveUninitialized: true, onStoreFailure: "anonymous", store } as const;
    const { visitor, app } = await start({ "/": (_request, response) => response.end("fine") }, options);
    app.post("/", (_request, response) => void response.end("fine"));
    expect((await visitor(`__Host-Http-session=${"A".repeat(43)}`).get("/")).body).toBe("fine");
    const { url, close } = await serve(app);
    opened.push(close);
    const headers = { origin: "https://evil.example", "sec-fetch-site": "cross-site" };
    const answer = await send(url, { method: "POST", headers });
    expect([answer.status, answer.headers.getSetCookie()]).toEqual([200, []]);
  });

  test("subject binds a user: list, revokeAll and maxPerSubject know the sessions, signing out unbinds", async () => {
    const events: SessionEvent[] = [];
    const { visitor, middleware } = await start(
      {
        "/login": async (request, response) => {
          await request.session.regenerate();
          request.session.passport = { user: 42 };
          response.end();
        },
        "/logout": end((session) => delete session.passport.user),
        "/cart": end((session) => (session.cart = ["book"])),
        "/look": show,
      },
      { subject: (data) => data.passport?.user, maxPerSubject: 2, observe: (event) => events.push(event) },
    );
    const { sessions } = middleware;
    const browsers = [visitor(), visitor(), visitor()];
    for (const browser of browsers) await browser.get("/login");
    expect(await sessions.list("42")).toHaveLength(2);
    expect((await visitor(browsers[0]?.cookie).get("/look")).body).toBe("{}");
    const last = browsers[2] as Visitor;
    await last.get("/cart");
    await last.get("/logout");
    expect((await last.get("/look")).body).toBe('{"passport":{},"cart":["book"]}');
    expect(await sessions.list("42")).toHaveLength(1);
    expect(await sessions.revokeAll("42")).toBe(1);
    expect((await browsers[1]?.get("/look"))?.body).toBe("{}");
    expect(events.map(({ type }) => type)).toEqual(
      expect.arrayContaining(["signed_in", "evicted", "signed_out", "revoked"]),
    );
  });

  test("subject must name the user by text or number", async () => {
    const { visitor } = await start({ "/": end((s) => (s.user = {})) }, { subject: (data) => data.user as string });
    expect((await visitor().get("/")).body).toMatch(/^subject must return/);
  });
});

test("secret is taken beside migrateFrom, and a session of express-session is taken over with it", async () => {
  const expressSession = createRequire(import.meta.url)("express-session"); // without types here
  const store = new expressSession.MemoryStore();
  const old = express();
  old.use(expressSession({ secret: "old", resave: false, saveUninitialized: false, store }));
  old.get("/", (request, response) => {
    (request as unknown as Request).session.user = "ada";
    response.end();
  });
  const served = await serve(old);
  opened.push(served.close);
  const cookie = cookieOf(await send(served.url));
  const source = fromExpressSession({
    secrets: ["old"],
    store: store as never,
    adopt: ({ user }) => ({ data: { user } }),
  });
  const { visitor } = await start({ "/": show }, { secret: "old", migrateFrom: [source] });
  const moved = visitor(cookie);
  expect((await moved.get("/")).body).toBe('{"user":"ada"}');
  expect(moved.cookie).toMatch(/^connect\.sid=; __Host-Http-session=/);
  expect((await moved.get("/")).body).toBe('{"user":"ada"}');
});

test("mounted twice, and beside another session on the request, it does nothing more", async () => {
  const app = express();
  const middleware = session<Data>();
  app.use(middleware, middleware, session<Data>());
  app.get("/", end((s) => (s.n = 1)) as never);
  const { url, close } = await serve(app);
  opened.push(close);
  expect((await send(url)).headers.getSetCookie()).toHaveLength(1);
});

test("outside of cookie.path there is no session", async () => {
  const { visitor } = await start(
    { "/": (request, response) => response.end(typeof request.session) },
    { cookie: { path: "/admin" } },
  );
  expect((await visitor().get("/")).body).toBe("undefined");
});

test("a request that is upgraded has a session to read, and save() stores", async () => {
  const app = express();
  const middleware = session<Data>();
  app.use(middleware);
  app.get("/", end((s) => (s.n = 1)) as never);
  app.get("/look", show as never);
  const served = await serve(app);
  opened.push(served.close);
  served.server.on("upgrade", (request, socket) => {
    middleware(request, {} as never, async () => {
      const { session } = request as Request;
      session.n++;
      await session.save();
      socket.end(
        `HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: test\r\nX-N: ${session.n}\r\n\r\n`,
      );
    });
  });
  const cookie = cookieOf(await send(served.url)) as string;
  const { request } = await import("node:http");
  const upgrading = request(served.url, {
    agent: false,
    headers: { cookie, connection: "Upgrade", upgrade: "test" },
  }).end();
  const [answer] = (await once(upgrading, "upgrade")) as [IncomingMessage];
  expect(answer.headers["x-n"]).toBe("2");
  expect((await send(`${served.url}/look`, { headers: { cookie } })).body).toBe('{"n":2}');
});
