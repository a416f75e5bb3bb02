import { once } from "node:events";
import { type IncomingMessage, request as open, type ServerResponse } from "node:http";
import { connect as connectHttp2, createServer as createHttp2Server } from "node:http2";
import { type AddressInfo, connect as connectSocket } from "node:net";
import { PassThrough, Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { gunzipSync } from "node:zlib";
import { createSessions, type SessionsOptions } from "@sojourn/session";
import { sessionMiddleware, type WithSession } from "@sojourn/session/node";
import { describe, expect, test, vi } from "vitest";
import { closedAfterEach } from "./after-each.ts";
import { cookieOf, receive, type Served, send, serve } from "./client.ts";
import { type Data, frameworks, type Handler } from "./frameworks.ts";
import { type HeldStore, heldStore } from "./held-store.ts";
import { compress, ways } from "./ways.ts";

const opened = closedAfterEach();

interface Started extends Served {
  readonly store: HeldStore;
  readonly failures: unknown[];
}

async function start(framework: string, handler: Handler, options: SessionsOptions = {}): Promise<Started> {
  const store = heldStore();
  const failures: unknown[] = [];
  const sessions = createSessions<Data>({ store, ...options });
  const listener = await frameworks[framework]!(sessionMiddleware(sessions), handler, (error) => failures.push(error));
  const served = await serve(listener);
  opened.push(served.close);
  return Object.assign(served, { store, failures });
}

/** Where what the test does is Node's own, one framework is as good as another. */
const plain = "plain http";

describe.each(Object.keys(frameworks))("sessionMiddleware in %s", (framework) => {
  test.each(Object.entries(ways))("holds the head until the commit is done: %s", async (_name, answer) => {
    let sent: (() => number | undefined) | undefined;
    const { url, store } = await start(framework, (_request, response, session) => {
      const { socket } = response;
      sent = () => socket?.bytesWritten;
      session.set("n", 1);
      return answer(response);
    });
    store.hold();
    const answered = send(url);
    await store.reached();
    await new Promise(setImmediate);
    expect(sent?.()).toBe(0);
    store.release();
    const { status, headers, body, complete } = await answered;
    expect({ status, body, complete }).toEqual({ status: 201, body: "hello world", complete: true });
    expect(headers.get("x-test")).toBe("yes");
    expect(headers.get("cache-control")).toBe("no-store");
    expect(headers.get("vary")).toMatch(/\bCookie\b/);
    const cookies = headers.getSetCookie();
    expect(cookies.at(-1)).toMatch(/^__Host-Http-session=[\w-]{43}; Path=\/; HttpOnly; Secure; SameSite=Lax$/);
    expect(cookies.slice(0, -1)).toEqual(cookies.length > 1 ? ["foreign=1", "other=2"] : []);
  });

  test("the page after a redirect sees what was written before it", async () => {
    const { url } = await start(framework, (request, response, session) => {
      if (request.url !== "/write") return void response.end(`n=${session.get("n")}`);
      session.set("n", 7);
      response.writeHead(303, { location: "/read" }).end();
    });
    const redirect = await send(`${url}/write`, { method: "POST" });
    expect([redirect.status, redirect.headers.get("location")]).toEqual([303, "/read"]);
    expect((await send(`${url}/read`, { headers: { cookie: cookieOf(redirect) } })).body).toBe("n=7");
  });

  test("a store that cannot be read is an error before the handler", async () => {
    const handler = vi.fn<Handler>();
    const store = { ...heldStore(), read: () => Promise.reject(new Error("the store is down")) };
    const { url, failures } = await start(framework, handler, { store });
    const answer = await send(url, { headers: { cookie: `__Host-Http-session=${"A".repeat(43)}` } });
    expect([answer.status, answer.body, answer.headers.getSetCookie()]).toEqual([503, "store_failed", []]);
    expect(failures).toHaveLength(1);
    expect(handler).not.toHaveBeenCalled();
  });

  test.each(Object.entries(ways))(
    "a store that cannot be written is an error instead of the response: %s",
    async (_name, answer) => {
      const { url, store, failures } = await start(framework, (_request, response, session) => {
        if (session.isNew) session.set("n", 1);
        else session.set("n", 2);
        response.setHeader("etag", '"of the page"');
        // The source of a pipeline that got no answer ends early, and says so
        return Promise.resolve(answer(response)).catch(() => {});
      });
      const cookie = cookieOf(await send(url));
      store.hold();
      const answered = send(url, { headers: { cookie } });
      await store.reached();
      store.release(new Error("the store is down"));
      const failed = await answered;
      expect({ status: failed.status, body: failed.body, complete: failed.complete }).toEqual({
        status: 503,
        body: "store_failed",
        complete: true,
      });
      expect([failed.headers.getSetCookie(), failed.headers.get("etag"), failed.headers.get("x-test")]).toEqual([
        [],
        null,
        null,
      ]);
      expect(failures).toHaveLength(1);
      expect((await send(url, { headers: { cookie } })).status).toBe(201);
    },
  );

  test("a visitor without a session costs the store nothing and gets no header", async () => {
    const { url, store } = await start(framework, (_request, response) => response.end("static"));
    const { headers } = await send(url);
    expect([headers.getSetCookie(), headers.get("vary"), headers.get("cache-control")]).toEqual([[], null, null]);
    expect(store.writes).toBe(0);
  });
});

describe("sessionMiddleware", () => {
  test("HEAD and 304 carry the cookie and no body", async () => {
    const { url } = await start(plain, (request, response, session) => {
      session.set("n", 1);
      if (request.method === "HEAD") response.end("never sent");
      else response.writeHead(304, { etag: '"1"' }).end();
    });
    for (const [method, status] of [
      ["HEAD", 200],
      ["GET", 304],
    ] as const) {
      const answer = await send(url, { method });
      expect([answer.status, answer.body, answer.headers.getSetCookie().length]).toEqual([status, "", 1]);
    }
  });

  test("a stream waits while the head is held and flows on with 'drain' afterwards, all of it", async () => {
    const chunk = Buffer.alloc(64 * 1024, "x");
    let produced = 0;
    const { url, store } = await start(plain, (_request, response, session) => {
      session.set("n", 1);
      new Readable({
        read() {
          this.push(produced++ < 40 ? chunk : null);
        },
      }).pipe(response);
    });
    store.hold();
    const answered = send(url);
    await store.reached();
    await new Promise(setImmediate);
    expect(produced).toBeLessThan(4); // held back: one is written, and as many are buffered as a stream keeps
    store.release();
    const answer = await answered;
    expect([answer.body.length, answer.complete]).toEqual([40 * chunk.length, true]);
  });

  test("write() returns false while the head is held, and then 'drain' comes", async () => {
    const results: unknown[] = [];
    const { url, store } = await start(plain, async (_request, response, session) => {
      session.set("n", 1);
      results.push(response.write("a"));
      await once(response, "drain");
      results.push(response.write("b"));
      response.end();
    });
    store.hold();
    const answered = send(url);
    await store.reached();
    store.release();
    expect((await answered).body).toBe("ab");
    expect(results).toEqual([false, true]);
  });

  test("callbacks of write() and end() are called once each, in order", async () => {
    const order: string[] = [];
    const { url } = await start(plain, (_request, response, session) => {
      session.set("n", 1);
      response.on("finish", () => order.push("finish"));
      response.write("a", () => order.push("write"));
      response.end(() => order.push("end"));
    });
    expect((await send(url)).body).toBe("a");
    expect(order.sort()).toEqual(["end", "finish", "write"]);
  });

  test("the status is that of the moment when the response began", async () => {
    const { url, store } = await start(plain, (_request, response, session) => {
      session.set("n", 1);
      response.statusCode = 202;
      response.end("x");
      response.statusCode = 500;
    });
    store.hold();
    const answered = send(url);
    await store.reached();
    store.release();
    expect((await answered).status).toBe(202);
  });

  test("response.headersSent is true as soon as the response began", async () => {
    const seen: boolean[] = [];
    const { url } = await start(plain, (_request, response, session) => {
      session.set("n", 1);
      seen.push(response.headersSent);
      response.write("x");
      seen.push(response.headersSent);
      response.on("finish", () => seen.push(response.headersSent));
      response.end();
    });
    await send(url);
    expect(seen).toEqual([false, true, true]);
  });

  test("what is written after the end while the head is held counts for nothing", async () => {
    const { url } = await start(plain, (_request, response, session) => {
      session.set("n", 1);
      response.on("error", (error) => response.destroy(error));
      response.end("x");
      response.write("y");
      response.end("z");
    });
    const { body, complete } = await send(url);
    expect([body, complete]).toEqual(["x", true]);
  });

  test("a second writeHead() throws as Node's does, and what was begun goes out", async () => {
    const errors: unknown[] = [];
    const { url } = await start(plain, (_request, response, session) => {
      session.set("n", 1);
      response.writeHead(200, { "x-first": "1" });
      try {
        response.writeHead(500, { "x-second": "2" });
      } catch (error) {
        errors.push((error as { code: string }).code);
      }
      response.end("x");
    });
    const { status, headers } = await send(url);
    expect([status, headers.get("x-first"), headers.get("x-second"), errors]).toEqual([
      200,
      "1",
      null,
      ["ERR_HTTP_HEADERS_SENT"],
    ]);
  });

  test.each<[string, (response: ServerResponse) => unknown]>([
    ["a status", (response) => response.writeHead(99).end()],
    ["a reason", (response) => response.writeHead(200, "two\nlines").end()],
    ["a chunk", (response) => response.end(42 as never)],
  ])("%s that Node refuses is an error of the request, not of the process", async (_name, answer) => {
    const { url, failures } = await start(plain, (_request, response, session) => {
      session.set("n", 1);
      try {
        answer(response);
      } catch (error) {
        failures.push(error);
        response.statusCode = 503;
        response.statusMessage = "";
        response.end();
      }
    });
    expect((await send(url)).status).toBe(503);
    expect(failures).toHaveLength(1);
    expect((failures[0] as { code: string }).code).toMatch(/^ERR_/);
  });

  test("a change after the head has left throws session_committed", async () => {
    const thrown: unknown[] = [];
    const { url } = await start(plain, async (_request, response, session) => {
      session.set("n", 1);
      response.write("x");
      await once(response, "drain");
      for (const change of [() => session.set("n", 2), () => session.signIn("ada"), () => session.destroy()]) {
        try {
          change();
        } catch (error) {
          thrown.push((error as { code: string }).code);
        }
      }
      response.end();
    });
    await send(url);
    expect(thrown).toEqual(["session_committed", "session_committed", "session_committed"]);
  });

  test("a change while the head is held throws session_committed too: it could not be saved", async () => {
    const thrown: unknown[] = [];
    const { url } = await start(plain, (_request, response, session) => {
      session.set("n", 1);
      response.end("x");
      try {
        session.set("n", 2);
      } catch (error) {
        thrown.push((error as { code: string }).code);
      }
    });
    await send(url);
    expect(thrown).toEqual(["session_committed"]);
  });

  test("foreign Set-Cookie lines keep their order, Vary gains Cookie, and a public Cache-Control becomes private", async () => {
    const { url } = await start(plain, (_request, response, session) => {
      session.set("n", 1);
      response.setHeader("Set-Cookie", ["a=1", "__Host-Http-session=forged", "b=2"]);
      response.setHeader("Vary", "Accept-Encoding");
      response.setHeader("Cache-Control", "public, max-age=60");
      response.end();
    });
    const { headers } = await send(url);
    expect(headers.getSetCookie().map((line) => line.split("=")[0])).toEqual(["a", "b", "__Host-Http-session"]);
    expect(headers.get("vary")).toBe("Accept-Encoding, Cookie");
    expect(headers.get("cache-control")).toBe("max-age=60, private");
  });

  test("headers that were there before the middleware survive a failed commit, those of the handler do not", async () => {
    const store = heldStore();
    const middleware = sessionMiddleware(createSessions<Data>({ store }));
    const served = await serve((request, response) => {
      response.setHeader("access-control-allow-origin", "https://example.com");
      middleware(request, response, (error) => {
        if (error !== undefined) return void response.writeHead(503).end();
        (request as unknown as { session: { set(key: string, value: number): void } }).session.set("n", 1);
        response.setHeader("content-length", "5");
        response.statusCode = 201;
        response.end("hello");
      });
    });
    opened.push(served.close);
    store.hold();
    const answered = send(served.url);
    await store.reached();
    store.release(new Error("down"));
    const { status, headers, body } = await answered;
    expect([status, headers.get("access-control-allow-origin"), body]).toEqual([503, "https://example.com", ""]);
  });

  test("a handler that goes on writing after its commit failed harms nobody", async () => {
    const { url, store } = await start(plain, async (request, response, session) => {
      if (request.url === "/alive") return void response.end("alive");
      session.set("n", 1);
      response.write("x");
      await once(response, "close");
      response.write("y");
      response.end("z");
    });
    store.hold();
    const answered = send(url);
    await store.reached();
    store.release(new Error("down"));
    expect((await answered).status).toBe(503);
    expect((await send(`${url}/alive`)).body).toBe("alive");
  });

  test("the source of a stream is closed when its commit failed", async () => {
    const source = new PassThrough();
    source.write("begun");
    const { url, store } = await start(plain, (_request, response, session) => {
      session.set("n", 1);
      source.pipe(response);
    });
    store.hold();
    const answered = send(url);
    await store.reached();
    store.release(new Error("down"));
    const answer = await answered;
    expect([answer.status, answer.body]).toEqual([503, "store_failed"]);
    await vi.waitFor(() => expect(source.destroyed).toBe(true));
  });

  test("an error page that takes its time and more than one piece has nothing of the stream that it replaces", async () => {
    const store = heldStore();
    const middleware = sessionMiddleware(createSessions<Data>({ store }));
    const chunk = "x".repeat(64 * 1024);
    const ended = vi.fn();
    const served = await serve((request, response) => {
      middleware(request, response, async (error) => {
        if (error !== undefined) {
          for (let turn = 0; turn < 5; turn++) await new Promise(setImmediate);
          response.statusCode = 503;
          return void Readable.from(Array(20).fill(chunk)).pipe(response);
        }
        (request as unknown as WithSession<Data>).session.set("n", 1);
        await pipeline(Readable.from(["old ", "old ", "old"]), response).catch(ended);
      });
    });
    opened.push(served.close);
    store.hold();
    const answered = send(served.url);
    await store.reached();
    store.release(new Error("down"));
    const { status, body, complete } = await answered;
    expect([status, complete, body.length, body.includes("old")]).toEqual([503, true, 20 * chunk.length, false]);
    await vi.waitFor(() => expect(ended).toHaveBeenCalled());
  });

  test("a body that fails midway is cut off for the client as well", async () => {
    const { url } = await start(plain, (_request, response, session) => {
      session.set("n", 1);
      const source = new PassThrough();
      source.write("half of it");
      source.on("error", (error) => response.destroy(error));
      source.pipe(response);
      response.once("drain", () => response.write("", () => source.destroy(new Error("the disk is gone"))));
    });
    const answer = await send(url).catch((error: Error) => error);
    expect(answer instanceof Error || !answer.complete).toBe(true);
  });

  test("a client that goes away while the head is held: the change is saved, and the process lives", async () => {
    let closed: Promise<unknown> | undefined;
    const { url, store } = await start(plain, (request, response, session) => {
      if (request.url === "/read") return void response.end(String(session.get("n")));
      session.update("n", (n = 0) => n + 1);
      closed = once(response, "close");
      response.end("x");
    });
    const cookie = cookieOf(await send(url));
    store.hold();
    const leaving = open(url, { agent: false, headers: { cookie } }).on("error", () => {});
    leaving.end();
    await store.reached();
    leaving.destroy();
    await closed;
    store.release();
    await vi.waitFor(async () => expect((await send(`${url}/read`, { headers: { cookie } })).body).toBe("2"));
  });

  test("a client that goes away before the answer: nothing is saved, since nothing was answered", async () => {
    let left: Promise<unknown> | undefined;
    const { url, store } = await start(plain, (_request, response, session) => {
      session.set("n", 1);
      left = once(response, "close");
    });
    const leaving = open(url, { agent: false }).on("error", () => {});
    leaving.end();
    await vi.waitFor(() => expect(left).toBeDefined());
    leaving.destroy();
    await left;
    expect(store.writes).toBe(0);
  });

  test("Expect: 100-continue is answered at once, the head when the commit is done", async () => {
    const { url, store } = await start(plain, (request, response, session) => {
      session.set("n", 1);
      request.resume().on("end", () => response.end("got it"));
    });
    store.hold();
    const sending = open(url, {
      agent: false,
      method: "POST",
      headers: { expect: "100-continue", "content-length": 4 },
    });
    sending.flushHeaders();
    await once(sending, "continue");
    const answered = once(sending, "response");
    sending.end("body");
    await store.reached();
    store.release();
    const [response] = await answered;
    const { status, body, headers } = await receive(response);
    expect([status, body, headers.getSetCookie().length]).toEqual([200, "got it", 1]);
  });

  test("requests in one connection, one after the other in a pipeline, are answered in order", async () => {
    const { url } = await start(plain, (request, response, session) => {
      session.set("n", 1);
      response.end(request.url);
    });
    const socket = connectSocket(Number(new URL(url).port), "127.0.0.1");
    socket.write("GET /1 HTTP/1.1\r\nhost: a\r\n\r\nGET /2 HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n");
    let text = "";
    for await (const chunk of socket) text += chunk;
    expect(text.match(/\/[12](?=\r|$|HTTP)/g)).toEqual(["/1", "/2"]);
    expect(text.match(/set-cookie/gi)).toHaveLength(2);
  });

  test.each(["before", "after"])("compression mounted %s it works: one head, the whole body", async (place) => {
    const store = heldStore();
    const middleware = sessionMiddleware(createSessions<Data>({ store }));
    const served = await serve((request, response) => {
      const answer = (): void => {
        (request as unknown as { session: { set(key: string, value: number): void } }).session.set("n", 1);
        response.setHeader("content-length", "11");
        response.write("hello ");
        response.end("world");
      };
      if (place === "before") {
        compress(response);
        middleware(request, response, answer);
      } else {
        middleware(request, response, () => {
          compress(response);
          answer();
        });
      }
    });
    opened.push(served.close);
    store.hold();
    const answered = new Promise<[Buffer, Record<string, unknown>]>((resolve, reject) => {
      open(served.url, { agent: false }, (response) => {
        const chunks: Buffer[] = [];
        response.on("data", (chunk) => chunks.push(chunk));
        response.on("end", () => resolve([Buffer.concat(chunks), response.headers]));
      })
        .on("error", reject)
        .end();
    });
    await store.reached();
    store.release();
    const [body, headers] = await answered;
    expect(gunzipSync(body).toString()).toBe("hello world");
    expect(headers["content-encoding"]).toBe("gzip");
    expect(headers["set-cookie"]).toHaveLength(1);
    expect(String(headers.vary).split(", ").sort()).toEqual(["Accept-Encoding", "Cookie"]);
  });

  test("an error that finds no handler cuts the connection and warns, and the process lives", async () => {
    const warnings: Error[] = [];
    const onWarning = (warning: Error): unknown => warnings.push(warning);
    process.on("warning", onWarning);
    const store = heldStore();
    const middleware = sessionMiddleware(createSessions<Data>({ store }));
    const served = await serve((request, response) =>
      middleware(request, response, (error) => {
        if (error !== undefined) throw error;
        (request as unknown as { session: { set(key: string, value: number): void } }).session.set("n", 1);
        response.end("x");
      }),
    );
    opened.push(served.close);
    store.hold();
    const answered = send(served.url).catch((error: Error) => error);
    await store.reached();
    store.release(new Error("down"));
    expect(await answered).toBeInstanceOf(Error);
    await new Promise(setImmediate);
    process.off("warning", onWarning);
    expect(warnings.map(({ cause }) => (cause as { code: string }).code)).toEqual(["store_failed"]);
  });

  test("a head that was sent before the handler's first write: changes of a session are saved, a new one is an error", async () => {
    const store = heldStore();
    const sessions = createSessions<Data>({ store });
    const middleware = sessionMiddleware(sessions);
    const failures: unknown[] = [];
    const served = await serve((request, response) => {
      const early = request.url === "/early";
      middleware(request, response, (error) => {
        if (error !== undefined) {
          failures.push((error as { code: string }).code);
          return void response.destroy();
        }
        const { session } = request as unknown as {
          session: { update(key: string, change: (n?: number) => number): void };
        };
        session.update("n", (n = 0) => n + 1);
        // Past all middleware, as a 101 by hand would be
        if (early) Object.getPrototypeOf(response).writeHead.call(response, 200, { "content-length": "2" });
        response.end("ok");
      });
    });
    opened.push(served.close);
    const cookie = cookieOf(await send(served.url));
    expect((await send(`${served.url}/early`, { headers: { cookie } })).body).toBe("ok");
    const read = await sessions.load({
      url: "https://example.com/",
      headers: { get: (name) => (name === "cookie" ? cookie : null) },
    });
    expect(read.get("n")).toBe(2);
    await send(`${served.url}/early`).catch(() => {});
    expect(failures).toEqual(["cookie_undeliverable"]);
  });

  test("describe() sees headers whatever the case of their name, and nothing of Object.prototype", async () => {
    const seen: (string | null)[] = [];
    const describe: SessionsOptions["describe"] = ({ url, headers }) => {
      seen.push(new URL(url).pathname, headers.get("User-Agent"), headers.get("constructor"), headers.get("x-none"));
    };
    const handler: Handler = (_request, response, session) => {
      session.set("n", 1);
      response.end();
    };
    const { url } = await start(plain, handler, { describe });
    await send(`${url}/path`, { headers: { "user-agent": "a browser" } });
    expect(seen).toEqual(["/path", "a browser", null, null]);
  });

  test("HTTP/2: the head is held, the cookie comes and goes, and the URL has the authority", async () => {
    const warnings: Error[] = [];
    const onWarning = (warning: Error): unknown => warnings.push(warning);
    process.on("warning", onWarning);
    const urls: string[] = [];
    const store = heldStore();
    const middleware = sessionMiddleware(createSessions<Data>({ store, describe: ({ url }) => void urls.push(url) }));
    const server = createHttp2Server((request, response) => {
      const [http1Request, http1Response] = [request, response] as unknown as [
        IncomingMessage & WithSession<Data>,
        ServerResponse,
      ];
      middleware(http1Request, http1Response, () => {
        http1Request.session.update("n", (n = 0) => n + 1);
        http1Response.writeHead(200, { "content-type": "text/plain" });
        http1Response.write("n=");
        http1Response.end(String(http1Request.session.get("n")));
      });
    }).listen(0, "127.0.0.1");
    await once(server, "listening");
    const client = connectHttp2(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
    opened.push(async () => {
      client.destroy();
      server.close();
    });
    const get = async (cookie?: string): Promise<{ body: string; headers: Record<string, unknown> }> => {
      const stream = client.request({ ":path": "/page", ...(cookie !== undefined && { cookie }) });
      const [headers] = await once(stream, "response");
      let body = "";
      for await (const chunk of stream) body += chunk;
      return { body, headers };
    };
    store.hold();
    const answered = get();
    await store.reached();
    store.release();
    const { body, headers } = await answered;
    expect([body, headers[":status"], headers["cache-control"]]).toEqual(["n=1", 200, "no-store"]);
    const [line] = headers["set-cookie"] as string[];
    expect((await get(line?.split(";", 1)[0])).body).toBe("n=2");
    expect(urls).toEqual([`http://127.0.0.1:${(server.address() as AddressInfo).port}/page`]);
    process.off("warning", onWarning);
    expect(warnings).toEqual([]);
  });

  test("an upgrade of the server is none of its business", async () => {
    const { server, url } = await start(plain, (_request, response) => response.end());
    server.on("upgrade", (_request, socket) =>
      socket.end("HTTP/1.1 101 Switching Protocols\r\nupgrade: test\r\nconnection: upgrade\r\n\r\n"),
    );
    const sending = open(url, { agent: false, headers: { upgrade: "test", connection: "upgrade" } });
    sending.end();
    const [response, socket] = await once(sending, "upgrade");
    socket.destroy();
    expect(response.statusCode).toBe(101);
  });
});
