/** What the middleware owes to what stands beside it: other middleware, error pages, upgrades, a second mount. */
import { once } from "node:events";
import { type IncomingMessage, request as open, type RequestListener, type ServerResponse } from "node:http";
import type { Socket } from "node:net";
import { createSessions, memoryStore, type Session, type SessionStore, type Sessions } from "@sojourn/session";
import { requestOf, sessionMiddleware, type WithSession } from "@sojourn/session/node";
import express from "express";
import Koa from "koa";
import { describe, expect, expectTypeOf, test, vi } from "vitest";
import { closedAfterEach } from "./after-each.ts";
import { cookieOf, type Received, send, serve } from "./client.ts";
import type { Data } from "./frameworks.ts";

const opened = closedAfterEach();

type WithData = IncomingMessage & WithSession<Data>;

async function listen(listener: RequestListener): Promise<string> {
  const served = await serve(listener);
  opened.push(served.close);
  return served.url;
}

/** A memory store that answers at once, or with promises. */
function storeThat(answers: string): SessionStore {
  const store = memoryStore();
  if (answers === "at once") return store;
  return {
    read: async (key) => store.read(key),
    create: async (...args) => store.create(...args),
    update: async (...args) => store.update(...args),
    delete: async (...args) => store.delete(...args),
  };
}

const down: SessionStore = {
  read: () => Promise.reject(new Error("down")),
  create: () => Promise.reject(new Error("down")),
  update: () => Promise.reject(new Error("down")),
  delete: () => Promise.reject(new Error("down")),
};

const someCookie = { cookie: `__Host-Http-session=${"A".repeat(43)}` };

const attempt = (act: () => unknown): unknown => {
  try {
    act();
    return "passed";
  } catch (error) {
    return (error as { code?: string }).code ?? (error as Error).message;
  }
};

/** As the package `on-headers` does it: the last word before the head leaves. */
function onHeaders(response: ServerResponse, listener: () => void): void {
  const { writeHead } = response;
  response.writeHead = function (this: ServerResponse, ...args: unknown[]) {
    listener();
    return writeHead.apply(this, args as [number]);
  } as typeof writeHead;
}

describe.each(["at once", "with promises"])("beside other middleware, over a store that answers %s", (answers) => {
  test.each(["before", "after"])(
    "headers set at the last moment by what was mounted %s it are merged with",
    async (place) => {
      const middleware = sessionMiddleware(createSessions<Data>({ store: storeThat(answers) }));
      const lastWord = (response: ServerResponse): void =>
        onHeaders(response, () => {
          response.setHeader("cache-control", "public, max-age=600");
          response.setHeader("vary", "Accept-Encoding");
          response.setHeader("set-cookie", "foreign=1");
        });
      const url = await listen((request, response) => {
        if (place === "before") lastWord(response);
        middleware(request, response, () => {
          if (place === "after") lastWord(response);
          (request as WithData).session.set("n", 1);
          if (request.url === "/end") response.end("x");
          else if (request.url === "/head") response.writeHead(200, { "x-test": "yes" }).end("x");
          else {
            response.write("x");
            response.end();
          }
        });
      });
      for (const path of ["/end", "/head", "/write"]) {
        const { headers, body } = await send(url + path);
        expect([body, headers.get("cache-control"), headers.get("vary")]).toEqual([
          "x",
          "max-age=600, private",
          "Accept-Encoding, Cookie",
        ]);
        expect(headers.getSetCookie().map((line) => line.split("=")[0])).toEqual(["foreign", "__Host-Http-session"]);
      }
    },
  );

  test("an error page after a head that Node refuses carries the cookie of what was stored, in Koa too", async () => {
    const middleware = sessionMiddleware(createSessions<Data>({ store: storeThat(answers) }));
    const app = new Koa();
    app.on("error", () => {});
    app.use(
      (context, next) =>
        new Promise((resolve, reject) => {
          middleware(context.req, context.res, (error) =>
            error ? context.onerror(error as Error) : next().then(resolve, reject),
          );
        }),
    );
    app.use((context) => {
      (context.req as WithData).session.signIn("ada");
      // Node refuses a Trailer in a response that has no chunks, which shows only when the head is written
      context.res.setHeader("trailer", "x-sum");
      context.res.setHeader("content-length", "2");
      context.res.writeHead(200);
    });
    const { status, headers } = await send(await listen(app.callback()));
    expect([status, headers.getSetCookie().length]).toEqual([500, 1]);
  });

  test("an error page of Express finds the cookie of a finished commit", async () => {
    const app = express();
    app.use(sessionMiddleware(createSessions<Data>({ store: storeThat(answers) })));
    app.get("/", (request, response) => {
      (request as unknown as WithData).session.signIn("ada");
      response.setHeader("trailer", "x-sum");
      response.setHeader("content-length", "2");
      response.end("ok");
    });
    app.use(((_error: unknown, _request: unknown, response: ServerResponse, _next: unknown) => {
      for (const name of response.getHeaderNames()) response.removeHeader(name);
      response.statusCode = 500;
      response.end("sorry");
    }) as unknown as express.ErrorRequestHandler);
    const { status, body, headers } = await send(await listen(app));
    expect([status, body, headers.getSetCookie().length]).toEqual([500, "sorry", 1]);
  });

  test("mounted in an application and in a part of it, one request has one session", async () => {
    const store = storeThat(answers);
    const create = vi.spyOn(store, "create");
    const sessions = createSessions<Data>({ store });
    const app = express();
    const part = express();
    app.use(sessionMiddleware(sessions));
    app.use((request, _response, next) => {
      (request as unknown as WithData).session.set("n", 1);
      next();
    });
    part.use(sessionMiddleware(sessions));
    part.get("/", (request, response) => {
      const { session } = request as unknown as WithData;
      session.set("text", "in the part");
      response.json({ n: session.get("n") });
    });
    part.get("/read", (request, response) => void response.json((request as unknown as WithData).session.all()));
    app.use("/part", part);
    const url = await listen(app);
    const first = await send(`${url}/part`);
    expect([first.body, first.headers.getSetCookie().length, create.mock.calls.length]).toEqual(['{"n":1}', 1, 1]);
    const read = await send(`${url}/part/read`, { headers: { cookie: cookieOf(first) } });
    expect(JSON.parse(read.body)).toEqual({ n: 1, text: "in the part" });
  });

  test("two kinds of sessions have names of their own", async () => {
    const users = createSessions<Data>({ store: storeThat(answers) });
    const admins = createSessions<{ level: number }>({ store: storeThat(answers), cookie: { name: "admin" } });
    const app = express();
    app.use(sessionMiddleware(users), sessionMiddleware(admins, { as: "adminSession" }));
    app.get("/", (request, response) => {
      const both = request as unknown as WithData & WithSession<{ level: number }, "adminSession">;
      expectTypeOf(both.adminSession).toEqualTypeOf<Session<{ level: number }>>();
      both.session.set("n", 1);
      both.adminSession.set("level", 2);
      response.end();
    });
    const { headers } = await send(await listen(app));
    expect(headers.getSetCookie().map((line) => line.split("=")[0])).toEqual(["admin", "__Host-Http-session"]);
  });
});

describe("request.session", () => {
  test("cannot be assigned to: it says what to write", async () => {
    const middleware = sessionMiddleware(createSessions<Data>());
    const seen: unknown[] = [];
    const url = await listen((request, response) =>
      middleware(request, response, () => {
        seen.push(attempt(() => Object.assign(request, { session: null })));
        seen.push(attempt(() => Object.assign((request as WithData).session, { views: 1 })));
        seen.push((request as WithData).session.isNew);
        response.end();
      }),
    );
    await send(url);
    expect(seen).toEqual([
      expect.stringContaining("session.destroy()"),
      expect.stringContaining('session.set("views", value)'),
      true,
    ]);
  });

  test.each([
    ["rejects", down],
    [
      "throws",
      {
        ...memoryStore(),
        read: () => {
          throw new Error("down");
        },
      },
    ],
  ])("is empty and refuses writes in the error page of a load that failed: the store %s", async (_how, store) => {
    const seen: unknown[] = [];
    const app = express();
    app.use(sessionMiddleware(createSessions<Data>({ store })));
    app.use(((_error: unknown, request: WithData, response: ServerResponse, _next: unknown) => {
      const { session } = request;
      seen.push(
        session.subject,
        session.all(),
        attempt(() => session.set("n", 1)),
      );
      response.writeHead(503).end();
    }) as unknown as express.ErrorRequestHandler);
    const { status, headers } = await send(await listen(app), { headers: someCookie });
    expect([status, headers.getSetCookie()]).toEqual([503, []]);
    expect(seen).toEqual([undefined, {}, "session_unavailable"]);
  });

  test("the option as is a name", () => {
    expect(() => sessionMiddleware(createSessions(), { as: "" })).toThrow(TypeError);
    expect(() => sessionMiddleware(createSessions(), { as: 1 as never })).toThrow(TypeError);
  });
});

describe("where no response passes", () => {
  async function signedIn(sessions: Sessions<Data>): Promise<string> {
    const session = await sessions.load({ url: "https://example.com/", headers: { get: () => null } });
    session.signIn("ada");
    const headers = await sessions.commit(session);
    return cookieOf({ headers } as Pick<Received, "headers">);
  }

  test("an upgrade: the session is there, and a write throws at once rather than be lost", async () => {
    const sessions = createSessions<Data>({ store: storeThat("with promises") });
    const middleware = sessionMiddleware(sessions);
    const seen: unknown[] = [];
    const served = await serve((_request, response) => response.end());
    opened.push(served.close);
    served.server.on("upgrade", (request: WithData, socket: Socket) => {
      middleware(request, { setHeader() {}, end() {} } as never, (error) => {
        const { session } = request;
        seen.push(
          error,
          session.subject,
          attempt(() => session.set("n", 1)),
        );
        socket.end("HTTP/1.1 101 Switching Protocols\r\nupgrade: test\r\nconnection: upgrade\r\n\r\n");
      });
    });
    const headers = { upgrade: "test", connection: "upgrade", cookie: await signedIn(sessions) };
    const [, socket] = await once(open(served.url, { agent: false, headers }).end(), "upgrade");
    socket.destroy();
    expect(seen).toEqual([undefined, "ada", "session_committed"]);
  });

  test("an upgrade without the middleware: load(requestOf(request))", async () => {
    const sessions = createSessions<Data>();
    const served = await serve((_request, response) => response.end());
    opened.push(served.close);
    const subjects: unknown[] = [];
    served.server.on("upgrade", async (request, socket) => {
      subjects.push((await sessions.load(requestOf(request))).subject);
      socket.end("HTTP/1.1 401 Unauthorized\r\n\r\n");
    });
    const headers = { upgrade: "test", connection: "upgrade", cookie: await signedIn(sessions) };
    await once(open(served.url, { agent: false, headers }).end(), "response");
    expect(subjects).toEqual(["ada"]);
  });

  test.each<[string, unknown]>([
    ["an empty object", {}],
    ["nothing", undefined],
    [
      "what socket.io passes for a websocket",
      { setHeader() {}, getHeader() {}, removeHeader() {}, write() {}, writeHead() {}, end() {} },
    ],
  ])("a response that is none: %s", async (_name, response) => {
    const sessions = createSessions<Data>({ store: storeThat("with promises") });
    const middleware = sessionMiddleware(sessions);
    const request = {
      headers: { cookie: await signedIn(sessions), host: "example.com" },
      url: "/",
      socket: {},
    } as unknown as WithData;
    const pass = (): Promise<unknown> => new Promise((resolve) => middleware(request, response as never, resolve));
    // A second time too: engine and namespace of socket.io both take middleware
    expect([await pass(), await pass()]).toEqual([undefined, undefined]);
    expect([request.session.subject, attempt(() => request.session.set("n", 1))]).toEqual(["ada", "session_committed"]);
  });

  test("what fails while it is being set up goes to next", async () => {
    const middleware = sessionMiddleware(createSessions<Data>({ store: storeThat("with promises") }));
    const broken = {
      writeHead() {},
      on() {},
      getHeaders() {
        throw new Error("broken");
      },
    };
    const request = { headers: someCookie, url: "/", socket: {} } as unknown as WithData;
    const error = await new Promise((resolve) => middleware(request, broken as never, resolve));
    expect((error as Error).message).toBe("broken");
  });

  test("requestOf gives the same object for the same request, and takes nothing else", () => {
    const request = { headers: {}, url: "/", socket: {} } as unknown as IncomingMessage;
    expect(requestOf(request)).toBe(requestOf(request));
    for (const wrong of [undefined, null, "GET /", {}, new Request("https://example.com/")])
      expect(() => requestOf(wrong as never), String(wrong)).toThrow(TypeError);
  });
});
