import type { ServerResponse } from "node:http";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { createGzip } from "node:zlib";

/** All the ways in which a response begins; each says "hello world" with status 201 and a header. */
export const ways: Readonly<Record<string, (response: ServerResponse) => unknown>> = {
  end: (response) => created(response).end("hello world"),
  "end with an encoding and a callback": (response) => created(response).end("aGVsbG8gd29ybGQ=", "base64", () => {}),
  "write and end": (response) => {
    created(response).write("hello ");
    response.write(Buffer.from("wor"));
    response.end("ld");
  },
  "writeHead with an object": (response) =>
    response.writeHead(201, { "X-Test": "yes", "content-type": "text/plain" }).end("hello world"),
  "writeHead with a reason and an object": (response) =>
    response.writeHead(201, "Fine", { "x-test": "yes" }).end("hello world"),
  "writeHead with a flat list": (response) =>
    response.writeHead(201, ["x-test", "yes", "set-cookie", "foreign=1", "set-cookie", "other=2"]).end("hello world"),
  "writeHead with pairs": (response) =>
    response
      .writeHead(201, [
        ["x-test", "yes"],
        ["set-cookie", "foreign=1"],
        ["set-cookie", "other=2"],
      ] as never)
      .end("hello world"),
  "writeHead without headers": (response) => created(response).writeHead(201).end("hello world"),
  flushHeaders: (response) => {
    created(response).flushHeaders();
    response.end("hello world");
  },
  "pipe of a stream": (response) => Readable.from(["hello ", "world"]).pipe(created(response)),
  pipeline: (response) => pipeline(Readable.from(["hello ", "world"]), created(response)),
  "pipeline of a generator": (response) =>
    pipeline(async function* () {
      yield "hello ";
      yield "world";
    }, created(response)),
};

function created(response: ServerResponse): ServerResponse {
  response.statusCode = 201;
  response.setHeader("x-test", "yes");
  return response;
}

/** What compression packages do to a response: body and head are taken over, the head is changed at the last moment. */
export function compress(response: ServerResponse): void {
  const { write, end, writeHead } = response;
  const gzip = createGzip();
  let began = false;
  gzip.on("data", (chunk) => {
    if (!write.call(response, chunk, "utf8")) gzip.pause();
  });
  gzip.on("end", () => end.call(response, undefined, "utf8"));
  response.on("drain", () => gzip.resume());
  const implicitHead = (): void => {
    // `_header` is what they look at, and it is not there while the head is held
    if (!(response as unknown as { _header: unknown })._header) response.writeHead(response.statusCode);
  };
  response.writeHead = function compressedHead(...args: unknown[]) {
    if (!began) {
      began = true;
      response.removeHeader("content-length");
      response.setHeader("content-encoding", "gzip");
      response.appendHeader("vary", "Accept-Encoding");
    }
    return (writeHead as (...args: unknown[]) => ServerResponse).apply(response, args);
  } as typeof writeHead;
  response.write = ((chunk: string) => {
    implicitHead();
    return gzip.write(chunk);
  }) as typeof write;
  response.end = ((chunk?: string) => {
    implicitHead();
    gzip.end(chunk);
    return response;
  }) as typeof end;
}
