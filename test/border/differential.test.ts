/** Real packages that take hold of a response, before and after the session: what leaves is what leaves without one. */
import type { IncomingMessage, ServerResponse } from "node:http";
import { createRequire } from "node:module";
import { Readable } from "node:stream";
import type { SessionMiddleware } from "@sojourn/session/node";
import { describe, expect, test } from "vitest";
import { type Layer, type Listen, layer, layers, observe, plainNode } from "../runtimes/node/differential.ts";
import { frameworks } from "../runtimes/node/frameworks.ts";
import { describeWith, service } from "../services.ts";

type Middleware = (request: IncomingMessage, response: ServerResponse, next: (error?: unknown) => void) => void;
// biome-ignore lint/suspicious/noExplicitAny: packages without types here, each used for a line
const load = (name: string): any => createRequire(new URL("./package.json", import.meta.url))(name);

const neighbours: Readonly<Record<string, () => Middleware>> = {
  compression: () => load("compression")({ threshold: 0 }),
  helmet: () => load("helmet")(),
  "on-headers": () => (_request, response, next) => {
    load("on-headers")(response, () => response.setHeader("x-last", "word"));
    next();
  },
  "all three": () =>
    inTurn([neighbours["on-headers"], neighbours.compression, neighbours.helmet].map((make) => make?.() as Middleware)),
};

const text = (response: ServerResponse): ServerResponse => response.setHeader("content-type", "text/plain");

const answers: Readonly<Record<string, (response: ServerResponse) => unknown>> = {
  "a text": (response) => text(response).end("hello world"),
  "a head and a text": (response) => response.writeHead(201, { "content-type": "text/plain" }).end("hello world"),
  "several writes": (response) => {
    text(response).write("hello ");
    response.write("world");
    response.end();
  },
  "writes with a flush": (response) => {
    text(response).write("hello ");
    (response as ServerResponse & { flush?(): void }).flush?.(); // what compression adds, for events that leave at once
    response.end("world");
  },
  "a stream": (response) => Readable.from(["hello ", "wor", "ld"]).pipe(text(response)),
  "writes that wait for drain": (response) => {
    const rest = (): unknown => response.end("world");
    if (text(response).write("hello ")) rest();
    else response.once("drain", rest);
  },
  "nothing, with 204": (response) => response.writeHead(204).end(),
};

function inTurn(list: readonly Middleware[]): Middleware {
  return (request, response, done) => {
    const run = (at: number): void => {
      const next = list[at];
      if (next) next(request, response, (error) => (error === undefined ? run(at + 1) : done(error)));
      else done();
    };
    run(0);
  };
}

function mounted(mount: (typeof frameworks)[string], place: string, neighbour: () => Middleware): Listen {
  return ({ middleware }: Layer, handler) => {
    const all = place === "before" ? [neighbour(), middleware] : [middleware, neighbour()];
    return mount(inTurn(all) as SessionMiddleware, handler as never, () => {});
  };
}

/** Where a package has a `Vary` of its own, ours is in the same line. */
const withoutCookie = (bytes: string): string =>
  bytes.replace(/(vary: )(?:cookie, )?(accept-encoding)(?:, cookie)?/i, "$1$2");

describeWith(await service("border-peers"), "beside real packages", () => {
  describe.each(Object.entries(frameworks))("in %s", (_name, mount) => {
    describe.each(Object.entries(neighbours))("%s", (_package, neighbour) => {
      test.each(layers.flatMap((kind) => ["before", "after"].map((place) => [place, kind] as const)))(
        "mounted %s the session, over %s",
        async (place, kind) => {
          const listen = mounted(mount, place, neighbour);
          for (const answer of Object.values(answers)) {
            const plain = await observe(listen, plainNode, "GET", answer);
            const observed = await observe(listen, layer(kind), "GET", answer);
            expect(withoutCookie(observed.bytes)).toBe(plain.bytes);
            expect(observed.ours).toEqual(expect.arrayContaining(["cache-control: no-store"]));
            expect(observed.ours).toEqual(expect.arrayContaining(["set-cookie: __host-http-session"]));
          }
        },
      );
    });
  });
});
