/** What holds whether the store answers at once, so that nothing has to be held, or with promises. */
import { once } from "node:events";
import type { IncomingMessage, RequestListener, ServerResponse } from "node:http";
import { connect as connectHttp2, createServer as createHttp2Server } from "node:http2";
import { type AddressInfo, connect as connectSocket } from "node:net";
import { PassThrough, Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { gunzipSync } from "node:zlib";
import { createSessions, memoryStore, type Session, type SessionStore } from "@sojourn/session";
import { type SessionMiddleware, sessionMiddleware, type WithSession } from "@sojourn/session/node";
import express from "express";
import express4 from "express-4";
import { describe, expect, onTestFinished, test, vi } from "vitest";
import { closedAfterEach } from "./after-each.ts";
import { cookieOf, type Received, send, serve } from "./client.ts";
import { codeOf, type Data, frameworks, type Handler } from "./frameworks.ts";
import { compress, ways } from "./ways.ts";

type Operation = "read" | "create" | "update" | "delete" | "touch";

/** A memory store of which some operations can be made to fail: at once, or by a rejected promise. */
interface FailingStore extends SessionStore {
  failing: readonly Operation[];
}

const WRITES = ["create", "update", "delete", "touch"] as const;

const stores: Readonly<Record<string, () => FailingStore>> = {
  "at once": () => {
    const store = memoryStore();
    const attempt = <T>(operation: Operation, act: () => T): T => {
      if (failing.failing.includes(operation)) throw new Error("the store is down");
      return act();
    };
    const failing: FailingStore = {
      read: (key) => attempt("read", () => store.read(key)),
      create: (...args) => attempt("create", () => store.create(...args)),
      update: (...args) => attempt("update", () => store.update(...args)),
      delete: (...args) => attempt("delete", () => store.delete(...args)),
      touch: (...args) => attempt("touch", () => store.touch(...args)),
      failing: [],
    };
    return failing;
  },
  "with promises": () => {
    const store = stores["at once"]!();
    return {
      read: async (...args) => store.read(...args),
      create: async (...args) => store.create(...args),
      update: async (...args) => store.update(...args),
      delete: async (...args) => store.delete(...args),
      get failing() {
        return store.failing;
      },
      set failing(operations) {
        store.failing = operations;
      },
    };
  },
};

const opened = closedAfterEach();

async function open(listener: RequestListener): Promise<string> {
  const served = await serve(listener);
  opened.push(served.close);
  return served.url;
}

const plain = "plain http";

/**
 * A change after which everybody is sent a cookie: whoever is new, and whoever comes back to be remembered from now on.
 */
function change(session: Session<Data>): void {
  session.update("n", (n = 0) => n + 1);
  session.persist(!session.isNew);
}

/** What a visitor sends; one who comes back has been at `/start`. */
async function sendingOf(visitor: string, url: string): Promise<{ headers: { cookie?: string } }> {
  return { headers: visitor === "new" ? {} : { cookie: cookieOf(await send(`${url}/start`)) } };
}

const sessionOf = (request: IncomingMessage): Session<Data> => (request as IncomingMessage & WithSession<Data>).session;

/** What every server does at `/start`. */
function begin(request: IncomingMessage, response: ServerResponse): void {
  change(sessionOf(request));
  response.end();
}

/** Serves the middleware on plain `http`; `around` is what was mounted before it. */
async function serveWith(
  middleware: SessionMiddleware,
  answer: (request: IncomingMessage, response: ServerResponse, error: unknown) => unknown,
  around: (response: ServerResponse) => void = () => {},
): Promise<string> {
  return await open((request, response) => {
    if (request.url === "/start") return middleware(request, response, () => begin(request, response));
    around(response);
    middleware(request, response, (error) => answer(request, response, error));
  });
}

const cases = Object.keys(stores).flatMap((kind) => ["new", "returning"].map((visitor) => [kind, visitor] as const));

describe.each(cases)("sessionMiddleware over a store that answers %s, for a %s visitor", (kind, visitor) => {
  async function start(
    handler: Handler,
    framework = plain,
  ): Promise<{ url: string; store: FailingStore; failures: unknown[] }> {
    const store = stores[kind]!();
    const failures: unknown[] = [];
    const middleware = sessionMiddleware(createSessions<Data>({ store }));
    const withStart: Handler = (request, response, session) =>
      request.url === "/start" ? begin(request, response) : handler(request, response, session);
    const url = await open(await frameworks[framework]!(middleware, withStart, (error) => failures.push(error)));
    return { url, store, failures };
  }

  describe.each(Object.keys(frameworks))("in %s", (framework) => {
    test.each(Object.entries(ways))(
      "the response has the session's headers, and its body is whole: %s",
      async (_name, answer) => {
        const { url } = await start((_request, response, session) => {
          change(session);
          return answer(response);
        }, framework);
        const { status, headers, body, complete } = await send(url, await sendingOf(visitor, url));
        expect({ status, body, complete }).toEqual({ status: 201, body: "hello world", complete: true });
        expect([headers.get("x-test"), headers.get("cache-control")]).toEqual(["yes", "no-store"]);
        expect(headers.get("vary")).toMatch(/\bCookie\b/);
        const names = headers.getSetCookie().map((line) => line.split("=")[0]);
        expect(names).toEqual(names.length > 1 ? ["foreign", "other", "__Host-Http-session"] : ["__Host-Http-session"]);
      },
    );

    test.each(Object.entries(ways))(
      "a write that fails is an error instead of the response: %s",
      async (_name, answer) => {
        const { url, store, failures } = await start((_request, response, session) => {
          change(session);
          response.setHeader("etag", '"of the page"');
          return Promise.resolve(answer(response)).catch(() => {});
        }, framework);
        const sending = await sendingOf(visitor, url);
        store.failing = WRITES;
        const { status, headers, body, complete } = await send(url, sending);
        expect({ status, body, complete }).toEqual({ status: 503, body: "store_failed", complete: true });
        expect([headers.getSetCookie(), headers.get("etag"), headers.get("x-test")]).toEqual([[], null, null]);
        expect(failures).toHaveLength(1);
        store.failing = [];
        expect((await send(url, sending)).status).toBe(201);
      },
    );

    test("a read that fails is an error before the handler", async () => {
      const handler = vi.fn<Handler>();
      const { url, store, failures } = await start(handler, framework);
      store.failing = ["read"];
      const answer = await send(url, { headers: { cookie: `__Host-Http-session=${"A".repeat(43)}` } });
      expect([answer.status, answer.body, answer.headers.getSetCookie()]).toEqual([503, "store_failed", []]);
      expect(failures).toHaveLength(1);
      expect(handler).not.toHaveBeenCalled();
    });

    test("a session is kept from request to request, and an untouched one keeps its page out of caches, unless that says more", async () => {
      const { url } = await start((request, response, session) => {
        if (request.url === "/static") return void response.end("static");
        if (request.url === "/public") {
          response.setHeader("cache-control", "public");
          return void response.end("public");
        }
        change(session);
        response.writeHead(303, { location: "/" }).end(String(session.get("n")));
      }, framework);
      const first = await send(url, await sendingOf(visitor, url));
      const headers = { cookie: cookieOf(first) };
      const second = await send(url, { headers });
      expect([first.body, second.body]).toEqual(visitor === "new" ? ["1", "2"] : ["2", "3"]);
      const untouched = await send(`${url}/static`, { headers });
      expect([untouched.body, untouched.headers.get("vary"), untouched.headers.get("cache-control")]).toEqual([
        "static",
        "Cookie",
        "no-store",
      ]);
      const cached = (await send(`${url}/public`, { headers })).headers;
      expect([cached.get("vary"), cached.get("cache-control")]).toEqual([null, "public"]);
    });
  });

  test("HEAD and 304 carry the cookie and no body", async () => {
    const { url } = await start((request, response, session) => {
      change(session);
      if (request.method === "HEAD") response.end("never sent");
      else response.writeHead(304, { etag: '"1"' }).end();
    });
    for (const [method, status] of [
      ["HEAD", 200],
      ["GET", 304],
    ] as const) {
      const answer = await send(url, { method, ...(await sendingOf(visitor, url)) });
      expect([answer.status, answer.body, answer.headers.getSetCookie().length]).toEqual([status, "", 1]);
    }
  });

  test("a reason phrase is sent", async () => {
    const { url } = await start((_request, response, session) => {
      change(session);
      response.writeHead(200, "Quite fine", { "x-test": "yes" }).end();
    });
    const { reason, headers } = await send(url, await sendingOf(visitor, url));
    expect([reason, headers.get("x-test"), headers.getSetCookie().length]).toEqual(["Quite fine", "yes", 1]);
  });

  test("headersSent is false before the response begins and true from then on", async () => {
    const seen: boolean[] = [];
    const { url } = await start((request, response, session) => {
      change(session);
      seen.push(response.headersSent);
      if (request.url === "/head") response.writeHead(200);
      else if (request.url === "/flush") response.flushHeaders();
      else response.write("x");
      seen.push(response.headersSent);
      response.on("finish", () => seen.push(response.headersSent));
      response.end();
    });
    for (const path of ["/head", "/flush", "/write"]) await send(url + path, await sendingOf(visitor, url));
    expect(seen).toEqual(Array(3).fill([false, true, true]).flat());
  });

  test("a second writeHead() throws as Node's does, and a second end() counts for nothing", async () => {
    const errors: unknown[] = [];
    const { url } = await start((_request, response, session) => {
      change(session);
      response.writeHead(200, { "x-first": "1" });
      try {
        response.writeHead(500, { "x-second": "2" });
      } catch (error) {
        errors.push(codeOf(error));
      }
      response.end("x");
      response.end();
    });
    const { status, headers, body } = await send(url, await sendingOf(visitor, url));
    expect([status, body, headers.get("x-first"), headers.get("x-second")]).toEqual([200, "x", "1", null]);
    expect(errors).toEqual(["ERR_HTTP_HEADERS_SENT"]);
  });

  test("callbacks of write() and end() are called once each", async () => {
    const order: string[] = [];
    const { url } = await start((_request, response, session) => {
      change(session);
      response.write("a", () => order.push("write"));
      response.end(() => order.push("end"));
    });
    expect((await send(url, await sendingOf(visitor, url))).body).toBe("a");
    expect(order.sort()).toEqual(["end", "write"]);
  });

  test.each<[string, (response: ServerResponse) => unknown]>([
    ["a status", (response) => response.writeHead(99).end()],
    ["a reason", (response) => response.writeHead(200, "two\nlines").end()],
    ["a header", (response) => response.writeHead(200, { "x-test": "two\nlines" }).end()],
    ["a chunk", (response) => response.end(42 as never)],
  ])("%s that Node refuses is an error of the request, not of the process", async (_name, answer) => {
    const { url, failures } = await start((_request, response, session) => {
      change(session);
      try {
        answer(response);
      } catch (error) {
        failures.push(error);
        response.statusCode = 503;
        response.statusMessage = "";
        response.end();
      }
    });
    expect((await send(url, await sendingOf(visitor, url))).status).toBe(503);
    expect(failures.map(codeOf)).toEqual([expect.stringMatching(/^ERR_/)]);
  });

  test("a change after the response began throws session_committed", async () => {
    const thrown: unknown[] = [];
    const { url } = await start((_request, response, session) => {
      change(session);
      response.writeHead(200);
      try {
        session.set("n", 2);
      } catch (error) {
        thrown.push(codeOf(error));
      }
      response.end();
    });
    await send(url, await sendingOf(visitor, url));
    expect(thrown).toEqual(["session_committed"]);
  });

  test("a stream that is larger than all buffers arrives whole", async () => {
    const chunk = Buffer.alloc(64 * 1024, "x");
    const { url } = await start((_request, response, session) => {
      change(session);
      Readable.from(Array(40).fill(chunk)).pipe(response);
    });
    const { body, complete } = await send(url, await sendingOf(visitor, url));
    expect([body.length, complete]).toEqual([40 * chunk.length, true]);
  });

  test("foreign Set-Cookie lines keep their order, Vary gains Cookie, and a public Cache-Control becomes private", async () => {
    const { url } = await start((_request, response, session) => {
      change(session);
      response.setHeader("Set-Cookie", ["a=1", "__Host-Http-session=forged", "b=2"]);
      response.setHeader("Vary", "Accept-Encoding");
      response.writeHead(200, { "Cache-Control": "public, max-age=60" }).end();
    });
    const { headers } = await send(url, await sendingOf(visitor, url));
    expect(headers.getSetCookie().map((line) => line.split("=")[0])).toEqual(["a", "b", "__Host-Http-session"]);
    expect([headers.get("vary"), headers.get("cache-control")]).toEqual([
      "Accept-Encoding, Cookie",
      "max-age=60, private",
    ]);
  });

  test("nothing of a response whose commit failed is in the error page, however late and in how many pieces either is written", async () => {
    const store = stores[kind]!();
    const page = "p".repeat(64 * 1024);
    const source = new PassThrough();
    const url = await serveWith(
      sessionMiddleware(createSessions<Data>({ store })),
      async (request, response, error) => {
        if (error !== undefined) {
          for (let turn = 0; turn < 5; turn++) await new Promise(setImmediate);
          response.statusCode = 503;
          Readable.from(Array(8).fill(page)).pipe(response);
          return;
        }
        change(sessionOf(request));
        response.setHeader("etag", '"old"');
        if (request.url === "/pipe") {
          source.write("old");
          source.pipe(response);
        } else if (request.url === "/pipeline") {
          await pipeline(Readable.from(["old", "old"]), response).catch(() => {});
        } else {
          response.write("old");
          response.write("old");
          response.end("old");
        }
      },
      (response) => response.setHeader("access-control-allow-origin", "https://example.com"),
    );
    const sending = await sendingOf(visitor, url);
    store.failing = WRITES;
    for (const path of ["/write", "/pipe", "/pipeline"]) {
      const { status, body, complete, headers } = await send(url + path, sending);
      expect([path, status, complete, body === page.repeat(8)]).toEqual([path, 503, true, true]);
      expect([headers.get("access-control-allow-origin"), headers.get("etag")]).toEqual(["https://example.com", null]);
    }
    await vi.waitFor(() => expect(source.destroyed).toBe(true));
  });

  test("a handler that goes on writing after its commit failed harms nobody", async () => {
    const { url, store } = await start(async (request, response, session) => {
      if (request.url === "/alive") return void response.end("alive");
      change(session);
      response.write("x");
      await once(response, "close");
      response.write("y");
      response.end("z");
    });
    const sending = await sendingOf(visitor, url);
    store.failing = WRITES;
    expect((await send(url, sending)).status).toBe(503);
    expect((await send(`${url}/alive`)).body).toBe("alive");
  });

  test.each(Object.keys(stores))(
    "two sessions on one response, the outer one over a store that answers %s",
    async (outerKind) => {
      const outerStore = stores[outerKind]!();
      const innerStore = stores[kind]!();
      const outer = sessionMiddleware(createSessions<Data>({ store: outerStore, cookie: { name: "outer" } }));
      const inner = sessionMiddleware(createSessions<Data>({ store: innerStore, cookie: { name: "inner" } }));
      const failures: string[] = [];
      const url = await open((request, response) => {
        const failed = (whose: string, error: unknown): void => {
          failures.push(whose);
          response.writeHead(503).end(codeOf(error));
        };
        outer(request, response, (outerError) => {
          if (outerError !== undefined) return failed("outer", outerError);
          change(sessionOf(request));
          inner(request, response, (innerError) => {
            if (innerError !== undefined) return failed("inner", innerError);
            change(sessionOf(request));
            response.writeHead(200, { "x-test": "yes" }).end("both");
          });
        });
      });
      for (const [whose, store] of Object.entries({ neither: undefined, inner: innerStore, outer: outerStore })) {
        const sending = await sendingOf(visitor, url);
        if (store) store.failing = WRITES;
        const { status, body, headers } = await send(url, sending);
        if (store) store.failing = [];
        const names = headers.getSetCookie().map((line) => line.split("=")[0]);
        // The inner one is stored by the time that the outer one fails, so its cookie leaves with the error page
        const expected = { neither: [200, "both", ["inner", "outer"]], inner: [503, "store_failed", []] };
        expect([status, body, names]).toEqual(
          whose === "outer" ? [503, "store_failed", ["inner"]] : expected[whose as keyof typeof expected],
        );
        expect(failures.splice(0)).toEqual(store ? [whose] : []);
      }
    },
  );

  test.each<[string, typeof express]>([
    ["Express 4", express4 as unknown as typeof express],
    ["Express 5", express],
  ])("a sub-application of %s, which puts another prototype under the response", async (_name, create) => {
    const store = stores[kind]!();
    const middleware = sessionMiddleware(createSessions<Data>({ store }));
    const app = create();
    const sub = create();
    sub.get("/page", (request, response) => {
      change(sessionOf(request));
      response.json({ n: sessionOf(request).get("n") });
    });
    sub.get("/leave", (_request, _response, next) => next());
    app.use(middleware);
    app.get("/start", begin);
    app.use("/sub", sub);
    app.use((request, response) => {
      change(sessionOf(request));
      response.send("outside");
    });
    const url = await open(app);
    const first = await send(`${url}/sub/page`, await sendingOf(visitor, url));
    expect([first.body, first.headers.getSetCookie().length]).toEqual([visitor === "new" ? '{"n":1}' : '{"n":2}', 1]);
    const outside = await send(`${url}/sub/leave`, await sendingOf(visitor, url));
    expect([outside.body, outside.headers.getSetCookie().length]).toEqual(["outside", 1]);
  });

  test.each(["before", "after"])("compression mounted %s it works: one head, the whole body", async (place) => {
    const url = await serveWith(
      sessionMiddleware(createSessions<Data>({ store: stores[kind]!() })),
      (request, response) => {
        if (place === "after") compress(response);
        change(sessionOf(request));
        response.setHeader("content-length", "11");
        response.write("hello ");
        response.end("world");
      },
      (response) => {
        if (place === "before") compress(response);
      },
    );
    const { headers, complete, bytes } = await send(url, await sendingOf(visitor, url));
    expect([gunzipSync(bytes).toString(), complete, headers.get("content-encoding")]).toEqual([
      "hello world",
      true,
      "gzip",
    ]);
    expect(headers.getSetCookie()).toHaveLength(1);
    expect(headers.get("vary")?.split(", ").sort()).toEqual(["Accept-Encoding", "Cookie"]);
  });

  test("requests in one connection, one after the other in a pipeline, are answered in order", async () => {
    const { url } = await start((request, response, session) => {
      change(session);
      response.end(request.url);
    });
    const cookies: string[] = [];
    for (const _ of [1, 2]) {
      const { cookie } = (await sendingOf(visitor, url)).headers;
      cookies.push(cookie === undefined ? "" : `cookie: ${cookie}\r\n`);
    }
    const socket = connectSocket(Number(new URL(url).port), "127.0.0.1");
    const [one, two] = cookies;
    socket.write(
      `GET /1 HTTP/1.1\r\nhost: a\r\n${one}\r\nGET /2 HTTP/1.1\r\nhost: a\r\n${two}connection: close\r\n\r\n`,
    );
    let text = "";
    for await (const chunk of socket) text += chunk;
    expect(text.match(/\/[12](?=\r|$|HTTP)/g)).toEqual(["/1", "/2"]);
    expect(text.match(/set-cookie/gi)).toHaveLength(2);
  });

  test.each(["writeHead", "write", "end", "flushHeaders"] as const)(
    "HTTP/2: a response that begins with %s()",
    async (way) => {
      const middleware = sessionMiddleware(createSessions<Data>({ store: stores[kind]!() }));
      const server = createHttp2Server((http2Request, http2Response) => {
        const [request, response] = [http2Request, http2Response] as unknown as [
          IncomingMessage & WithSession<Data>,
          ServerResponse,
        ];
        middleware(request, response, () => {
          change(request.session);
          if (way === "writeHead") response.writeHead(200, { "content-type": "text/plain" });
          if (way === "flushHeaders") response.flushHeaders();
          if (way === "write") response.write("n=");
          response.end(way === "write" ? String(request.session.get("n")) : `n=${request.session.get("n")}`);
        });
      }).listen(0, "127.0.0.1");
      await once(server, "listening");
      onTestFinished(() => void server.close());
      const client = connectHttp2(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
      onTestFinished(() => client.destroy());
      const get = async (cookie?: string): Promise<[string, Record<string, unknown>]> => {
        const stream = client.request({ ":path": "/page", ...(cookie !== undefined && { cookie }) });
        const [headers] = await once(stream, "response");
        let body = "";
        for await (const chunk of stream) body += chunk;
        return [body, headers];
      };
      const [body, headers] = await get();
      expect([body, headers[":status"], headers["cache-control"]]).toEqual(["n=1", 200, "no-store"]);
      if (visitor === "new") return;
      const [again, sent] = await get(String(headers["set-cookie"]).split(";", 1)[0]);
      expect([again, (sent["set-cookie"] as string[]).length]).toEqual(["n=2", 1]);
    },
  );
});

describe("sessionMiddleware over a store that answers at once, for a returning visitor", () => {
  /** The answer to a request, of which `act` is the whole handler. */
  async function during(act: (response: ServerResponse, session: Session<Data>) => unknown): Promise<Received> {
    const middleware = sessionMiddleware(createSessions<Data>({ store: memoryStore() }));
    const url = await serveWith(middleware, (request, response) => act(response, sessionOf(request)));
    return await send(url, await sendingOf("returning", url));
  }

  test("holds nothing: what is written is written when the call returns", async () => {
    const seen: unknown[] = [];
    const { headers } = await during((response, session) => {
      change(session);
      seen.push(response.write("x"), Object.hasOwn(response, "headersSent"), response.headersSent);
      response.end();
      seen.push(response.writableEnded);
    });
    expect([headers.getSetCookie().length, seen]).toEqual([1, [true, false, true, true]]);
  });

  test("what Node refuses after the commit leaves the cookie of what was stored", async () => {
    const errors: unknown[] = [];
    const { status, headers } = await during((response, session) => {
      change(session);
      try {
        response.writeHead(99);
      } catch (error) {
        errors.push(codeOf(error));
      }
      response.writeHead(500).end();
    });
    expect([status, headers.getSetCookie().length, errors]).toEqual([500, 1, ["ERR_HTTP_INVALID_STATUS_CODE"]]);
  });

  test("the handler runs before the middleware returns, and what it throws goes to whoever called that", async () => {
    const middleware = sessionMiddleware(createSessions<Data>({ store: memoryStore() }));
    const thrown = new Error("by the handler");
    const caught: unknown[] = [];
    const url = await open((request, response) => {
      try {
        middleware(request, response, () => {
          throw thrown;
        });
      } catch (error) {
        caught.push(error);
      }
      response.end("caught");
    });
    expect([(await send(url)).body, caught]).toEqual(["caught", [thrown]]);
  });
});
