/** Ways to answer a request, for the comparison of the middleware with plain Node. */
import type { IncomingMessage, ServerResponse } from "node:http";
import { PassThrough, Readable, Transform } from "node:stream";
import { pipeline } from "node:stream/promises";

/** What a handler does with a response; what it `saw` meanwhile is compared too. */
export type Answer = (response: ServerResponse, saw: (what: unknown) => void, request: IncomingMessage) => unknown;

/** One row: the answer, and where it may differ from plain Node, with the reason. */
export interface Row {
  readonly answer: Answer;
  readonly method?: string;
  /** What runs before the middleware is mounted. */
  readonly before?: (response: ServerResponse, saw: (what: unknown) => void) => void;
  /** What differs, why, and the bytes and observations as they are then compared. */
  readonly differs?: { readonly reason: string; readonly compare: "nothing" | "bytes" };
  /** The response never has a head of its own, so no cookie leaves. */
  readonly headless?: true;
}

const attempt = (saw: (what: unknown) => void, act: () => unknown): void => {
  try {
    act();
    saw("passed");
  } catch (error) {
    saw((error as { code?: string }).code ?? (error as Error).name);
  }
};

const LINK = { link: "</style.css>; rel=preload; as=style" };
const chunks = (): Readable => Readable.from(["hello ", "wor", "ld"]);
const turn = (): Promise<void> => new Promise((resolve) => void setImmediate(resolve));

const plainAnswers: Readonly<Record<string, Answer>> = {
  "end with nothing": (response) => response.end(),
  "end with a text": (response) => response.end("hello"),
  "end with an empty text": (response) => response.end(""),
  "end with an encoding": (response) => response.end("aGVsbG8=", "base64"),
  "end with a Buffer": (response) => response.end(Buffer.from("hello")),
  "end with a Uint8Array": (response) => response.end(new Uint8Array([104, 105])),
  "end with a callback": (response, saw) => response.end("hello", () => saw("ended")),
  "write, then end": (response) => {
    response.write("hello ");
    response.end("world");
  },
  "write with encodings and callbacks": (response, saw) => {
    response.write("aGVs", "base64", () => saw("written"));
    response.write("lo", () => saw("written"));
    response.end(() => saw("ended"));
  },
  "write of an empty text first": (response) => {
    response.write("");
    response.end("x");
  },
  "writes in several turns": async (response) => {
    for (const text of ["a", "b", "c"]) {
      response.write(text);
      await turn();
    }
    response.end();
  },
  "a large write": (response) => {
    response.write(Buffer.alloc(300_000, "x"));
    response.end("!");
  },
  "writeHeader, the old name of writeHead": (response) => {
    const old = response as unknown as { writeHeader?: typeof response.writeHead };
    (old.writeHeader ?? response.writeHead).call(response, 201, { "x-test": "yes" });
    response.end("x");
  },
  "status and headers set one by one": (response) => {
    response.statusCode = 201;
    response.setHeader("X-One", "1");
    response.setHeader("x-many", ["a", "b"]);
    response.appendHeader("x-many", "c");
    response.removeHeader("x-one");
    response.end("created");
  },
  "setHeaders with a Map": (response) => {
    response.setHeaders(new Map([["x-one", "1"]]));
    response.end("x");
  },
  "a reason phrase": (response) => {
    response.statusMessage = "Quite Fine";
    response.end("x");
  },
  "foreign cookies": (response) => {
    response.setHeader("Set-Cookie", ["a=1", "b=2"]);
    response.end("x");
  },
  "writeHead with a status": (response) => response.writeHead(202).end("x"),
  "writeHead with a reason": (response) => response.writeHead(202, "Taken").end("x"),
  "writeHead with an object": (response) => response.writeHead(200, { "X-Test": "yes", "x-n": 1 }).end("x"),
  "writeHead with a reason and an object": (response) => response.writeHead(200, "Fine", { "X-Test": "yes" }).end("x"),
  "writeHead with a list in an object": (response) => response.writeHead(200, { "x-many": ["a", "b"] }).end("x"),
  "writeHead with a flat list": (response) => response.writeHead(200, ["X-A", "1", "x-b", "2"]).end("x"),
  "writeHead with a flat list that repeats a name": (response) =>
    response.writeHead(200, ["x-a", "1", "x-a", "2"]).end("x"),
  "writeHead with pairs": (response) => response.writeHead(200, [["X-A", "1"]] as never).end("x"),
  "writeHead over headers set before": (response) => {
    response.setHeader("x-test", "old");
    response.writeHead(200, { "x-test": "new" }).end("x");
  },
  "writeHead with a Content-Length": (response) => response.writeHead(200, { "content-length": 5 }).end("hello"),
  "writeHead alone, the body in a later turn": async (response) => {
    response.writeHead(200, { "x-test": "yes" });
    await turn();
    response.end("later");
  },
  flushHeaders: (response) => {
    response.flushHeaders();
    response.end("x");
  },
  "flushHeaders, the body in a later turn": async (response, saw) => {
    response.flushHeaders();
    saw(response.headersSent);
    await turn();
    response.end("later");
  },
  "flushHeaders twice": (response) => {
    response.flushHeaders();
    response.flushHeaders();
    response.end("x");
  },
  pipe: (response) => chunks().pipe(response),
  "pipe through a transform": (response) => chunks().pipe(new PassThrough()).pipe(response),
  "pipe of much": (response) => Readable.from(Array(20).fill(Buffer.alloc(20_000, "x"))).pipe(response),
  "a source that is unpiped": (response) => {
    // cspell:ignore unpiped
    const source = new PassThrough();
    source.pipe(response);
    source.unpipe(response);
    response.end("by hand");
  },
  pipeline: (response, saw) => pipeline(chunks(), response).then(() => saw("done")),
  "pipeline with a transform": (response) =>
    pipeline(
      chunks(),
      new Transform({ transform: (chunk, _encoding, done) => done(null, String(chunk).toUpperCase()) }),
      response,
    ),
  "cork and uncork": (response) => {
    response.cork();
    response.write("a");
    response.write("b");
    response.uncork();
    response.end("c");
  },
  "cork after the head": (response) => {
    response.write("a");
    response.cork();
    response.write("b");
    response.write("c");
    response.uncork();
    response.end();
  },
  "204": (response) => response.writeHead(204).end(),
  "204 with a body": (response) => {
    response.statusCode = 204;
    response.end("ignored");
  },
  "304": (response) => response.writeHead(304, { etag: '"1"' }).end(),
  "205": (response) => response.writeHead(205).end(),
  "303": (response) => response.writeHead(303, { location: "/next" }).end(),
  "HTTP trailers": (response) => {
    response.writeHead(200, { trailer: "x-sum" });
    response.write("x");
    response.addTrailers({ "x-sum": "42" });
    response.end();
  },
  "trailers after the end": (response) => {
    response.writeHead(200, { trailer: "x-sum" });
    response.write("x");
    response.end();
    response.addTrailers({ "x-sum": "42" });
  },
  "103 before the head": (response) => {
    response.writeEarlyHints(LINK);
    response.end("x");
  },
  "103 before a head in a later turn": async (response) => {
    response.writeEarlyHints(LINK, () => {});
    await turn();
    response.writeHead(200).end("x");
  },
  "102 before the head": (response) => {
    response.writeProcessing();
    response.end("x");
  },
  "no Date": (response) => {
    response.sendDate = false;
    response.end("x");
  },
  "Connection: close": (response) => {
    response.setHeader("connection", "close");
    response.end("x");
  },
  "headersSent and writableEnded on the way": (response, saw) => {
    saw([response.headersSent, response.writableEnded]);
    response.write("a");
    saw([response.headersSent, response.writableEnded]);
    response.end();
    saw([response.headersSent, response.writableEnded]);
  },
  "getHeader after the head": (response, saw) => {
    response.setHeader("x-test", "yes");
    response.writeHead(200);
    saw([response.getHeader("x-test"), response.hasHeader("X-Test"), response.statusCode]);
    response.end();
  },
  "events of the response": (response, saw) => {
    response.on("finish", () => saw("finish")).on("close", () => saw("close"));
    response.end("x");
  },

  // What comes too late
  "json twice, as Express does it": (response, saw) => {
    const json = (status: number, body: unknown): void => {
      const text = JSON.stringify(body);
      response.statusCode = status;
      response.setHeader("Content-Type", "application/json");
      response.setHeader("Content-Length", Buffer.byteLength(text));
      response.end(text);
    };
    json(401, { error: "who are you?" });
    attempt(saw, () => json(200, [1]));
  },
  "setHeader after the head": (response, saw) => {
    response.write("x");
    attempt(saw, () => response.setHeader("content-length", "100"));
    response.end();
  },
  "appendHeader after the head": (response, saw) => {
    response.write("x");
    attempt(saw, () => response.appendHeader("x-late", "1"));
    response.end();
  },
  "removeHeader after the head": (response, saw) => {
    response.setHeader("x-test", "yes");
    response.write("x");
    attempt(saw, () => response.removeHeader("x-test"));
    response.end();
  },
  "setHeaders after the head": (response, saw) => {
    response.flushHeaders();
    attempt(saw, () => response.setHeaders(new Map([["x-late", "1"]])));
    response.end("x");
  },
  "setHeader by the class's own method, after the head": (response, saw) => {
    response.write("x");
    attempt(saw, () => Object.getPrototypeOf(response).setHeader.call(response, "content-length", "100"));
    response.end();
  },
  "statusCode after the head": (response, saw) => {
    response.statusCode = 202;
    response.write("x");
    response.statusCode = 500;
    response.statusMessage = "Too Late";
    saw(response.statusCode);
    response.end();
    response.on("finish", () => saw(response.statusCode));
  },
  "writeHead twice": (response, saw) => {
    response.writeHead(200, { "x-first": "1" });
    attempt(saw, () => response.writeHead(500, { "x-second": "2" }));
    response.end("x");
  },
  "the same writeHead twice": (response, saw) => {
    response.writeHead(200);
    attempt(saw, () => response.writeHead(200));
    response.end("x");
  },
  "writeHead after write": (response, saw) => {
    response.write("x");
    attempt(saw, () => response.writeHead(500));
    response.end();
  },
  "end twice": (response, saw) => {
    response.end("x", () => saw("first"));
    response.end(() => saw("second"));
  },
  "write after end": (response, saw) => {
    response.on("error", (error) => saw((error as { code?: string }).code));
    response.end("x");
    response.write("y", (error) => saw((error as { code?: string } | undefined)?.code));
  },
  "end with a text after end": (response, saw) => {
    response.on("error", (error) => saw((error as { code?: string }).code));
    response.end("x");
    response.end("y");
  },

  // What Node refuses
  "a status that is none": (response, saw) => {
    attempt(saw, () => response.writeHead(99));
    response.statusCode = 500;
    response.end("caught");
  },
  "a status that is none, set and not written": (response, saw) => {
    response.statusCode = 1000;
    attempt(saw, () => response.end("x"));
    response.statusCode = 500;
    response.end("caught");
  },
  "a reason that is none": (response, saw) => {
    attempt(saw, () => response.writeHead(200, "two\r\nlines"));
    response.statusMessage = "";
    response.end("caught");
  },
  "a header name that is none": (response, saw) => {
    attempt(saw, () => response.writeHead(200, { "content-length": "1000", "not a name": "1" }));
    response.end("caught");
  },
  "a header value that is none": (response, saw) => {
    attempt(saw, () => response.setHeader("x-test", "two\r\nlines"));
    attempt(saw, () => response.writeHead(200, { "x-test": undefined } as never));
    response.end("caught");
  },
  "a list of headers that is none": (response, saw) => {
    attempt(saw, () => response.writeHead(200, ["x-a", "1", "x-b"]));
    response.end("caught");
  },
  "a chunk that is none": (response, saw) => {
    attempt(saw, () => response.write(42 as never));
    attempt(saw, () => response.write(null as never));
    attempt(saw, () => response.end({} as never));
    response.end("caught");
  },
  "a body that is as long as its Content-Length says, strictly": (response, saw) => {
    response.strictContentLength = true;
    response.setHeader("content-length", "2");
    response.write("ab");
    response.end();
    saw(response.writableEnded);
  },

  // What breaks off
  "destroy before the head": (response) => response.destroy(),
  "destroy in a turn after the head": async (response) => {
    response.writeHead(200, { "content-length": "100" }).write("half");
    for (let turns = 0; turns < 5; turns++) await turn();
    response.destroy();
  },
  "a source that fails before its first chunk": (response, saw) =>
    pipeline(
      new Readable({
        read() {
          this.destroy(new Error("no such file"));
        },
      }),
      response,
    ).catch((error) => saw(error.message)),
};

const headless = ["destroy before the head", "a source that fails before its first chunk"];

/** Everything that can be answered with Node alone. */
export const rows: Readonly<Record<string, Row>> = {
  ...Object.fromEntries(
    Object.entries(plainAnswers).map(([name, answer]) => [
      name,
      {
        answer,
        ...(headless.includes(name) && { headless: true as const }),
      },
    ]),
  ),
  "HEAD with a text": { method: "HEAD", answer: (response) => response.end("never sent") },
  "HEAD with a Content-Length": {
    method: "HEAD",
    answer: (response) => response.writeHead(200, { "content-length": "5" }).end(),
  },
  "HEAD with a pipe": { method: "HEAD", answer: (response) => chunks().pipe(response) },
  "OPTIONS with 204": {
    method: "OPTIONS",
    answer: (response) => response.writeHead(204, { allow: "GET" }).end(),
  },
  "103 after the head": {
    answer: (response, saw) => {
      response.writeHead(200);
      attempt(saw, () => response.writeEarlyHints(LINK));
      response.end("x");
    },
    differs: {
      reason:
        "Node 20 and 22 write it into the response that has begun; while the head is held it is refused, as by Node 26",
      compare: "nothing",
    },
  },
  "headers set before the middleware": {
    before: (response) => response.setHeader("access-control-allow-origin", "*"),
    answer: (response) => response.end("x"),
  },
};
