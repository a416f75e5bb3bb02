import { HTTPException } from "hono/http-exception";
import { describe, expect, test } from "vitest";
import { createSessions, memoryStore, sessionCookies, type WrapOptions } from "../../src/index.ts";
import { COOKIE, cookiesOf } from "../support/process.ts";

/*
 * Frameworks answer by throwing: a redirect, a 404. What was set before is stored if `keepOn` says so, and the cookie
 * reaches the client with whatever goes out.
 */

interface Data {
  flash: string;
}

class Redirect {
  readonly status = 303;
  readonly location = "/";
}

function setup() {
  const sessions = createSessions<Data>({ store: memoryStore() });
  const request = (token?: string) =>
    new Request("https://example.com/", token === undefined ? {} : { headers: { cookie: `${COOKIE}=${token}` } });
  const read = async (token: string | undefined) => ({ ...(await sessions.load(request(token))).all() });
  /** What comes out of a handler that signs in, sets a flash message and throws. */
  const thrownBy = (kind: "wrap" | "wrapLazy", thrown: unknown, options: WrapOptions, token?: string) => {
    const fetch =
      kind === "wrap"
        ? sessions.wrap((_request, session) => {
            session.set("flash", "saved");
            throw thrown;
          }, options)
        : sessions.wrapLazy(async (_request, open) => {
            (await open()).set("flash", "saved");
            throw thrown;
          }, options);
    return Promise.resolve(fetch(request(token))).then(
      () => expect.unreachable(),
      (error: unknown) => error,
    );
  };
  return { sessions, request, read, thrownBy };
}

describe.each(["wrap", "wrapLazy"] as const)("%s", (kind) => {
  test("a thrown Response goes on as a copy with the cookie; itself stays as it is", async () => {
    const { thrownBy, read } = setup();
    for (const make of [
      () => new Response("body", { status: 302, headers: { location: "/" } }),
      () => Response.redirect("https://example.com/", 302),
    ]) {
      const constant = make();
      const error = await thrownBy(kind, constant, { keepOn: (thrown) => thrown instanceof Response });
      expect(error).toBeInstanceOf(Response);
      const response = error as Response;
      expect([response.status, response.headers.get("location") !== null]).toEqual([302, true]);
      expect(await read(cookiesOf(response)[0])).toEqual({ flash: "saved" });
      expect(constant.headers.getSetCookie()).toEqual([]);
    }
  });

  test("an error with getResponse() goes on with the cookie in its response; itself stays as it is", async () => {
    const { thrownBy, read } = setup();
    const exception = new HTTPException(401, { res: new Response("no", { status: 401, headers: { "x-own": "1" } }) });
    const error = await thrownBy(kind, exception, { keepOn: (thrown) => thrown instanceof HTTPException });
    expect(error).toBeInstanceOf(HTTPException);
    const response = (error as HTTPException).getResponse();
    expect([response.status, response.headers.get("x-own"), await response.text()]).toEqual([401, "1", "no"]);
    expect(await read(cookiesOf(response)[0])).toEqual({ flash: "saved" });
    expect(exception.res?.headers.getSetCookie()).toEqual([]);
  });

  test("for anything else, deliver gets the headers before it goes on", async () => {
    const { thrownBy, read } = setup();
    const redirect = new Redirect();
    const jar: [string, string][] = [];
    const error = await thrownBy(kind, redirect, {
      keepOn: (thrown) => thrown instanceof Redirect,
      async deliver(headers, thrown, request) {
        await Promise.resolve();
        expect([thrown, request.url]).toEqual([redirect, "https://example.com/"]);
        for (const { name, value } of sessionCookies(headers)) jar.push([name, value]);
      },
    });
    expect(error).toBe(redirect);
    expect(jar).toEqual([[COOKIE, expect.stringMatching(/^[\w-]{43}$/)]]);
    expect(await read(jar[0]?.[1])).toEqual({ flash: "saved" });
  });

  test("without deliver a cookie that nobody would send is an error, and nothing is stored; other changes are", async () => {
    const { thrownBy, read, sessions, request } = setup();
    const keepOn = () => true;
    expect(await thrownBy(kind, new Redirect(), { keepOn })).toMatchObject({ code: "cookie_undeliverable" });
    const begin = sessions.wrap((_request, session) => {
      session.set("flash", "old");
      return new Response();
    });
    const token = cookiesOf(await begin(request()))[0];
    const redirect = new Redirect();
    expect(await thrownBy(kind, redirect, { keepOn }, token)).toBe(redirect);
    expect(await read(token)).toEqual({ flash: "saved" });
  });

  test("what keepOn does not name stores nothing and goes on", async () => {
    const { thrownBy } = setup();
    for (const thrown of [new Error("bug"), undefined, null, 42, "text"]) {
      expect(await thrownBy(kind, thrown, { keepOn: (error) => error instanceof Response })).toBe(thrown);
      expect(await thrownBy(kind, thrown, {})).toBe(thrown);
    }
  });

  test("a keepOn that answers with a promise is refused; one that throws is told; nothing is stored", async () => {
    const { thrownBy } = setup();
    const promising = (async () => {
      throw new Error("never unhandled");
    }) as unknown as () => boolean;
    expect(await thrownBy(kind, new Response(), { keepOn: promising })).toMatchObject({
      name: "TypeError",
      message: expect.stringContaining("keepOn must answer at once"),
    });
    const throwing = () => {
      throw new Error("in keepOn");
    };
    expect(await thrownBy(kind, new Response(), { keepOn: throwing })).toMatchObject({ message: "in keepOn" });
  });

  test("a store that fails while keeping is the error", async () => {
    const sessions = createSessions<Data>({
      store: { ...memoryStore(), create: () => Promise.reject(new Error("down")) },
    });
    const fetch = sessions.wrap(
      (_request, session) => {
        session.set("flash", "lost");
        throw new Response();
      },
      { keepOn: () => true },
    );
    await expect(fetch(new Request("https://example.com/"))).rejects.toMatchObject({ code: "store_failed" });
  });
});

test("a handler that is no function and options that do not exist are refused when it is wrapped", () => {
  const { sessions } = setup();
  expect(() => sessions.wrap(undefined as never)).toThrow(/handler of wrap must be a function/);
  expect(() => sessions.wrapLazy({} as never)).toThrow(/handler of wrapLazy must be a function/);
  const handler = () => new Response();
  expect(() => sessions.wrap(handler, { keepon: () => true } as never)).toThrow(/no "keepon"; it has keepOn, deliver/);
  expect(() => sessions.wrap(handler, { keepOn: true } as never)).toThrow(/keepOn must be a function/);
  expect(() => sessions.wrap(handler, null as never)).toThrow(TypeError);
});
