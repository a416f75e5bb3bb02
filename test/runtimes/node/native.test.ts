/** What each framework does by its own means: redirects, entity tags, error pages, streams. */
import { Readable } from "node:stream";
import { createSessions, type Session } from "@sojourn/session";
import { sessionMiddleware, type WithSession } from "@sojourn/session/node";
import express, { type Request as ExpressRequest } from "express";
import express4 from "express-4";
import fastify, { type FastifyRequest } from "fastify";
import Koa, { type Context } from "koa";
import { describe, expect, test } from "vitest";
import { closedAfterEach } from "./after-each.ts";
import { cookieOf, send, serve } from "./client.ts";
import { codeOf, type Data } from "./frameworks.ts";
import { type HeldStore, heldStore } from "./held-store.ts";

const opened = closedAfterEach();

async function start(listener: Parameters<typeof serve>[0]): Promise<string> {
  const served = await serve(listener);
  opened.push(served.close);
  return served.url;
}

/** The answer to a request whose commit fails. */
async function failing(url: string, store: HeldStore, cookie = ""): Promise<ReturnType<typeof send>> {
  store.hold();
  const answered = send(url, { headers: { cookie } });
  await store.reached();
  store.release(new Error("the store is down"));
  return answered;
}

const sessionOf = (request: object): Session<Data> => (request as WithSession<Data>).session;

describe.each([
  ["Express 5", express],
  ["Express 4", express4],
])("%s", (_name, create) => {
  async function newApp(): Promise<{ url: string; store: HeldStore }> {
    const store = heldStore();
    const app = create();
    app.set("env", "test"); // the error page of Express prints to the console otherwise
    app.use(sessionMiddleware(createSessions<Data>({ store })));
    app.get("/write", (request: ExpressRequest, response) => {
      sessionOf(request).update("n", (n = 0) => n + 1);
      response.redirect("/read");
    });
    app.get("/read", (request: ExpressRequest, response) => {
      response.json({ n: sessionOf(request).get("n") });
    });
    app.get("/throw", (request: ExpressRequest) => {
      sessionOf(request).set("n", 99);
      throw new Error("bug");
    });
    app.get("/throw-late", (request: ExpressRequest, response) => {
      sessionOf(request).set("n", 50);
      response.send("sent");
      throw new Error("bug after the answer");
    });
    app.get("/file", (request: ExpressRequest, response) => {
      sessionOf(request).set("text", "file");
      response.sendFile("package.json", { root: process.cwd() });
    });
    return { url: await start(app), store };
  }

  test("the page after redirect() sees the write", async () => {
    const { url } = await newApp();
    const redirect = await send(`${url}/write`);
    expect([redirect.status, redirect.headers.get("location")]).toEqual([302, "/read"]);
    expect((await send(`${url}/read`, { headers: { cookie: cookieOf(redirect) } })).body).toBe('{"n":1}');
  });

  test("an entity tag that still fits is a 304 with no-store", async () => {
    const { url } = await newApp();
    const cookie = cookieOf(await send(`${url}/write`));
    const page = await send(`${url}/read`, { headers: { cookie } });
    const again = await send(`${url}/read`, { headers: { cookie, "if-none-match": page.headers.get("etag") ?? "" } });
    expect([page.headers.get("cache-control"), again.status, again.body]).toEqual(["no-store", 304, ""]);
    expect(again.headers.get("vary")).toBe("Cookie");
  });

  test("sendFile() sends the whole file with the cookie", async () => {
    const { url } = await newApp();
    const { status, body, headers, complete } = await send(`${url}/file`);
    expect([status, JSON.parse(body).name, headers.getSetCookie().length, complete]).toEqual([
      200,
      "@sojourn/session",
      1,
      true,
    ]);
  });

  test("an error before the answer gets the error page; what was changed before it is saved with that page", async () => {
    const { url } = await newApp();
    const cookie = cookieOf(await send(`${url}/write`));
    const page = await send(`${url}/throw`, { headers: { cookie } });
    expect([page.status, page.headers.get("cache-control")]).toEqual([500, "no-store"]);
    expect((await send(`${url}/read`, { headers: { cookie } })).body).toBe('{"n":99}');
  });

  test("an error after the answer changes nothing of what was saved, and the server lives", async () => {
    const { url } = await newApp();
    const cookie = cookieOf(await send(`${url}/write`));
    // Express cuts the connection of an answer that has begun: the answer may be complete by then, or not
    await send(`${url}/throw-late`, { headers: { cookie } }).catch(() => {});
    expect((await send(`${url}/read`, { headers: { cookie } })).body).toBe('{"n":50}');
  });

  test("a commit that fails gets the error page instead of the redirect, and the session is what it was", async () => {
    const { url, store } = await newApp();
    const cookie = cookieOf(await send(`${url}/write`));
    const page = await failing(`${url}/write`, store, cookie);
    expect([page.status, page.headers.get("location"), page.headers.getSetCookie()]).toEqual([503, null, []]);
    expect((await send(`${url}/read`, { headers: { cookie } })).body).toBe('{"n":1}');
  });
});

describe("Fastify", () => {
  async function newApp(): Promise<{ url: string; store: HeldStore }> {
    const store = heldStore();
    const middleware = sessionMiddleware(createSessions<Data>({ store }));
    const app = fastify();
    app.addHook("onRequest", (request, reply, done) => middleware(request.raw, reply.raw, done as () => void));
    app.setErrorHandler((error, _request, reply) => reply.code(503).send(codeOf(error)));
    const write = (request: FastifyRequest): void => sessionOf(request.raw).update("n", (n = 0) => n + 1);
    app.get("/read", async (request) => ({ n: sessionOf(request.raw).get("n") }));
    app.get("/write", async (request, reply) => {
      write(request);
      return reply.redirect("/read");
    });
    app.get("/stream", async (request, reply) => {
      write(request);
      return reply.type("text/plain").send(Readable.from(["hello ", "world"]));
    });
    app.get("/throw", async (request) => {
      write(request);
      throw Object.assign(new Error("bug"), { code: "bug" });
    });
    await app.ready();
    return { url: await start((request, response) => app.routing(request, response)), store };
  }

  test("redirects and streams carry the cookie, and the next page sees the write", async () => {
    const { url } = await newApp();
    const stream = await send(`${url}/stream`);
    expect([stream.body, stream.headers.getSetCookie().length]).toEqual(["hello world", 1]);
    const redirect = await send(`${url}/write`, { headers: { cookie: cookieOf(stream) } });
    expect([redirect.status, redirect.headers.get("location")]).toEqual([302, "/read"]);
    expect((await send(`${url}/read`, { headers: { cookie: cookieOf(stream) } })).body).toBe('{"n":2}');
  });

  test("an error of the handler goes to the error handler", async () => {
    const { url } = await newApp();
    expect((await send(`${url}/throw`)).body).toBe("bug");
  });

  test("a commit that fails behind the error handler's own page gets Fastify's page for that", async () => {
    const { url, store } = await newApp();
    const page = await failing(`${url}/throw`, store, cookieOf(await send(`${url}/write`)));
    expect([page.status, JSON.parse(page.body).code, page.headers.getSetCookie()]).toEqual([503, "store_failed", []]);
  });

  test.each(["/write", "/stream"])("a commit that fails goes to the error handler instead: %s", async (path) => {
    const { url, store } = await newApp();
    const cookie = cookieOf(await send(`${url}/write`));
    const page = await failing(url + path, store, cookie);
    expect([page.status, page.body, page.headers.getSetCookie(), page.complete]).toEqual([
      503,
      "store_failed",
      [],
      true,
    ]);
    expect((await send(`${url}/read`, { headers: { cookie } })).body).toBe('{"n":1}');
  });
});

describe("Koa", () => {
  async function newApp(): Promise<{ url: string; store: HeldStore; errors: unknown[] }> {
    const store = heldStore();
    const errors: unknown[] = [];
    const middleware = sessionMiddleware(createSessions<Data>({ store }));
    const app = new Koa();
    app.on("error", (error) => errors.push(codeOf(error)));
    app.use(
      (context, next) =>
        new Promise((resolve, reject) => {
          middleware(context.req, context.res, (error) => {
            if (error === undefined) next().then(resolve, reject);
            else context.onerror(error as Error);
          });
        }),
    );
    const pages: Record<string, (context: Context, session: Session<Data>) => void> = {
      "/read": (context, session) => {
        context.body = { n: session.get("n") };
      },
      "/write": (context, session) => {
        session.update("n", (n = 0) => n + 1);
        context.redirect("/read");
      },
      "/stream": (context, session) => {
        session.update("n", (n = 0) => n + 1);
        context.body = Readable.from(["hello ", "world"]);
      },
      "/throw": (_context, session) => {
        session.set("n", 99);
        throw Object.assign(new Error("bug"), { code: "bug" });
      },
    };
    app.use(async (context) => pages[context.path]?.(context, sessionOf(context.req)));
    return { url: await start(app.callback()), store, errors };
  }

  test("redirects and streams carry the cookie, and the next page sees the write", async () => {
    const { url } = await newApp();
    const stream = await send(`${url}/stream`);
    expect([stream.body, stream.headers.getSetCookie().length]).toEqual(["hello world", 1]);
    await send(`${url}/write`, { headers: { cookie: cookieOf(stream) } });
    expect((await send(`${url}/read`, { headers: { cookie: cookieOf(stream) } })).body).toBe('{"n":2}');
  });

  test("an error of the handler gets Koa's error page", async () => {
    const { url, errors } = await newApp();
    expect((await send(`${url}/throw`)).status).toBe(500);
    expect(errors).toEqual(["bug"]);
  });

  test.each(["/write", "/stream"])("a commit that fails gets Koa's error page instead: %s", async (path) => {
    const { url, store, errors } = await newApp();
    const cookie = cookieOf(await send(`${url}/write`));
    const page = await failing(url + path, store, cookie);
    expect([page.status, page.headers.get("location"), page.headers.getSetCookie(), page.complete]).toEqual([
      503,
      null,
      [],
      true,
    ]);
    // The stream that nobody reads any more is a second one
    expect(errors[0]).toBe("store_failed");
    expect((await send(`${url}/read`, { headers: { cookie } })).body).toBe('{"n":1}');
  });
});
