import { once } from "node:events";
import { request as open } from "node:http";
import { createSessions, memoryStore, type Session } from "@sojourn/session";
import { toNodeListener } from "@sojourn/session/node-listener";
import { afterEach, describe, expect, test, vi } from "vitest";
import { closedAfterEach } from "./after-each.ts";
import { cookieOf, type Received, type Served, send, serve } from "./client.ts";
import type { Data } from "./frameworks.ts";

/** As they were before the first listener was made. */
const globals = { Request, Response };
const opened = closedAfterEach();
afterEach(() => void vi.restoreAllMocks());

async function start(
  handler: (request: Request, session: Session<Data>) => Response | Promise<Response>,
): Promise<Served> {
  const sessions = createSessions<Data>({ store: memoryStore() });
  const served = await serve(toNodeListener(sessions.wrap(handler)));
  opened.push(served.close);
  return served;
}

/** Without and with a change of the session: the same response, but for the headers of the session. */
describe.each([false, true])("toNodeListener, the session changed: %s", (changes) => {
  const answering = (respond: (request: Request) => Response | Promise<Response>): Promise<Served> =>
    start((request, session) => {
      if (changes) session.set("n", 1);
      return respond(request);
    });

  function expectCookie({ headers }: Received): void {
    expect(headers.getSetCookie()).toHaveLength(changes ? 1 : 0);
    expect(headers.get("cache-control")).toBe(changes ? "no-store" : null);
  }

  test("a text, its status and its headers", async () => {
    const { url } = await answering(() => new Response("hello", { status: 201, headers: { "x-test": "yes" } }));
    const answer = await send(url);
    expect([answer.status, answer.body, answer.headers.get("x-test")]).toEqual([201, "hello", "yes"]);
    expectCookie(answer);
  });

  test("an immutable redirect", async () => {
    const { url } = await answering(() => Response.redirect("https://example.com/next", 303));
    const answer = await send(url);
    expect([answer.status, answer.headers.get("location"), answer.body]).toEqual([303, "https://example.com/next", ""]);
    expectCookie(answer);
  });

  test("a 304", async () => {
    const { url } = await answering(() => new Response(null, { status: 304, headers: { etag: '"1"' } }));
    const answer = await send(url);
    expect([answer.status, answer.headers.get("etag"), answer.body]).toEqual([304, '"1"', ""]);
    expectCookie(answer);
  });

  test("the response of a fetch, whose headers are immutable, with a compressed body", async () => {
    const origin = await serve((_request, response) => response.writeHead(200, { "x-origin": "1" }).end("from there"));
    opened.push(origin.close);
    const { url } = await answering(() => fetch(origin.url));
    const answer = await send(url);
    expect([answer.status, answer.headers.get("x-origin"), answer.body]).toEqual([200, "1", "from there"]);
    expectCookie(answer);
  });

  test("a stream comes piece by piece", async () => {
    let second = (): void => {};
    const more = new Promise<void>((resolve) => {
      second = resolve;
    });
    const encoder = new TextEncoder();
    const { url } = await answering(() => {
      const body = new ReadableStream<Uint8Array>({
        async start(controller) {
          controller.enqueue(encoder.encode("first "));
          await more;
          controller.enqueue(encoder.encode("second"));
          controller.close();
        },
      });
      return new Response(body);
    });
    const sending = open(url, { agent: false }).end();
    const [response] = await once(sending, "response");
    const [chunk] = await once(response, "data");
    expect(String(chunk)).toBe("first ");
    second();
    const rest: string[] = [];
    for await (const piece of response) rest.push(String(piece));
    expect(rest.join("")).toBe("second");
    expect(response.headers["set-cookie"]?.length ?? 0).toBe(changes ? 1 : 0);
  });

  test("a body that fails midway is cut off, and says nothing of the error", async () => {
    vi.spyOn(console, "error").mockImplementation(() => {});
    const encoder = new TextEncoder();
    const { url } = await answering(() => {
      let pulled = 0;
      const body = new ReadableStream<Uint8Array>({
        async pull(controller) {
          if (pulled++ === 0) return controller.enqueue(encoder.encode("first"));
          await new Promise(setImmediate);
          throw new Error("the secret name of the disk");
        },
      });
      return new Response(body);
    });
    const answer = await send(url).catch((error: Error) => error);
    if (answer instanceof Error) return;
    expect(answer.complete).toBe(false);
    expect(answer.body).not.toContain("secret");
  });

  test("HEAD has the headers and no body", async () => {
    const { url } = await answering(() => new Response("hello"));
    const answer = await send(url, { method: "HEAD" });
    expect([answer.status, answer.body]).toEqual([200, ""]);
    expectCookie(answer);
  });

  test("an upgrade of the server is none of its business", async () => {
    const { url, server } = await answering(() => new Response("no"));
    server.on("upgrade", (_request, socket) =>
      socket.end("HTTP/1.1 101 Switching Protocols\r\nupgrade: test\r\nconnection: upgrade\r\n\r\n"),
    );
    const [response, socket] = await once(
      open(url, { agent: false, headers: { upgrade: "test", connection: "upgrade" } }).end(),
      "upgrade",
    );
    socket.destroy();
    expect(response.statusCode).toBe(101);
  });
});

describe("toNodeListener", () => {
  test("Response.error() is no answer: the client sees a failed request", async () => {
    vi.spyOn(console, "error").mockImplementation(() => {});
    const { url } = await start(() => Response.error());
    await expect(send(url)).rejects.toThrow();
  });

  test("Response.error() to a request that would make a new session says so, and stores nothing", async () => {
    const logged = vi.spyOn(console, "error").mockImplementation(() => {});
    const { url } = await start((_request, session) => {
      session.set("n", 1);
      return Response.error();
    });
    expect((await send(url)).status).toBe(500);
    expect(logged.mock.calls.map(([error]) => error.code)).toEqual(["cookie_undeliverable"]);
  });

  test("a handler that throws is a 500 without a word to the client, and its error is logged", async () => {
    const logged = vi.spyOn(console, "error").mockImplementation(() => {});
    const error = new Error("secret");
    const { url } = await start((_request, session) => {
      session.set("n", 1);
      throw error;
    });
    const answer = await send(url);
    expect([answer.status, answer.body, answer.headers.getSetCookie()]).toEqual([500, "", []]);
    expect(logged.mock.calls).toEqual([[error]]);
  });

  test("a request that no URL can be made of is a 400, and nothing is logged", async () => {
    const logged = vi.spyOn(console, "error").mockImplementation(() => {});
    const { url } = await start(() => new Response());
    expect((await send(url, { headers: { host: "a b" } })).status).toBe(400);
    expect(logged).not.toHaveBeenCalled();
  });

  test("two cookies of one name and a foreign one arrive as they were sent", async () => {
    const { url } = await start((request, session) => {
      session.update("n", (n = 0) => n + 1);
      const response = Response.json([request.headers.get("cookie")?.includes("other=1"), session.get("n")]);
      response.headers.append("set-cookie", "a=1");
      response.headers.append("set-cookie", "b=2");
      return response;
    });
    const first = await send(url);
    expect(first.headers.getSetCookie().map((line) => line.split("=")[0])).toEqual(["a", "b", "__Host-Http-session"]);
    const cookie = `other=1; __Host-Http-session=${"A".repeat(43)}; ${cookieOf(first)}`;
    expect((await send(url, { headers: { cookie } })).body).toBe("[true,2]");
  });

  test("the globals of the process are left alone", async () => {
    const { url } = await start(() => new Response());
    await send(url);
    expect([globalThis.Request === globals.Request, globalThis.Response === globals.Response]).toEqual([true, true]);
  });
});
