import { describe, expect, test } from "vitest";
import { canCarryCookie, headersOf, withAdditions } from "../../src/http/response.ts";
import { addSessionHeaders, withSessionHeaders } from "../../src/index.ts";

const COOKIE = "__Host-Http-session=token; Path=/; HttpOnly; Secure; SameSite=Lax";
const read = { setCookie: [], accessed: true };
const wrote = { setCookie: [COOKIE], accessed: true };
const untouched = { setCookie: [], accessed: false };

const headersAfter = (headers: HeadersInit, additions: typeof read | typeof wrote = wrote) =>
  withAdditions(new Response("body", { headers }), additions).headers;

describe("withAdditions", () => {
  test("leaves a response that the session had no part in exactly as it is", () => {
    const response = new Response("body", { headers: { "cache-control": "public" } });
    expect(withAdditions(response, untouched)).toBe(response);
    expect([...response.headers]).toEqual([
      ["cache-control", "public"],
      ["content-type", "text/plain;charset=UTF-8"],
    ]);
  });

  test.each<[string | null, string | null]>([
    [null, "Cookie"],
    ["Accept", "Accept, Cookie"],
    ["cookie", "cookie"],
    ["Accept, COOKIE , Origin", "Accept, COOKIE , Origin"],
    ["*", "*"],
    ["X-Cookie", "X-Cookie, Cookie"],
  ])("Vary %j becomes %j", (before, expected) => {
    expect(headersAfter(before === null ? {} : { vary: before }, read).get("vary")).toBe(expected);
  });

  test.each<[string | null, string, string]>([
    // handler's own, after a read, with our Set-Cookie
    [null, "no-store", "no-store"],
    ["no-store", "no-store", "no-store"],
    ["private, max-age=60", "private, max-age=60", "private, max-age=60"],
    ["public, max-age=60", "public, max-age=60", "max-age=60, private"],
    ["max-age=60", "max-age=60", "max-age=60, private"],
    ["s-maxage=60, max-age=5", "s-maxage=60, max-age=5", "max-age=5, private"],
    ["PUBLIC,S-MaxAge=1", "PUBLIC,S-MaxAge=1", "private"],
    [
      'private="set-cookie, x", max-age=5',
      'private="set-cookie, x", max-age=5',
      'private="set-cookie, x", max-age=5, private',
    ],
    ['no-cache="a,public,b"', 'no-cache="a,public,b"', 'no-cache="a,public,b", private'],
    ["no-cache", "no-cache", "no-cache, private"],
  ])("Cache-Control %j: %j after a read, %j beside our Set-Cookie", (before, afterRead, afterWrite) => {
    const headers = before === null ? {} : { "cache-control": before };
    expect(headersAfter(headers, read).get("cache-control")).toBe(afterRead);
    expect(headersAfter(headers, wrote).get("cache-control")).toBe(afterWrite);
  });

  test("foreign Set-Cookie lines keep their order, one of our name is replaced", () => {
    const headers = new Headers();
    for (const line of ["a=1", "__Host-Http-session=handlers; Path=/", "b=2", "__Host-Http-session2=other"])
      headers.append("set-cookie", line);
    expect(headersAfter(headers).getSetCookie()).toEqual(["a=1", "b=2", "__Host-Http-session2=other", COOKIE]);
  });

  test("an immutable response is copied: status, headers, cookies and the streamed body stay", async () => {
    const redirect = Response.redirect("https://example.com/next", 303);
    const response = withAdditions(redirect, wrote);
    expect([response.status, response.headers.get("location")]).toEqual([303, "https://example.com/next"]);
    expect(response.headers.getSetCookie()).toEqual([COOKIE]);
    const body = new ReadableStream({
      pull(to) {
        to.enqueue(new TextEncoder().encode("streamed"));
        to.close();
      },
    });
    const sent = new Response(body, { headers: { "x-a": "1" } });
    Object.defineProperty(sent, "headers", { value: immutable(sent.headers) });
    const copy = withAdditions(sent, wrote);
    expect(copy).not.toBe(sent);
    expect(copy.headers.get("x-a")).toBe("1");
    expect(await copy.text()).toBe("streamed");
  });

  test.each([204, 205, 304])("a %i without body passes", (status) => {
    const response = withAdditions(new Response(null, { status }), wrote);
    expect([response.status, response.body, response.headers.getSetCookie()]).toEqual([status, null, [COOKIE]]);
  });

  test("a network error is left alone, and so is an upgrade; neither can carry a cookie", () => {
    const error = Response.error();
    expect(withAdditions(error, wrote)).toBe(error);
    const upgrade = { status: 101, headers: new Headers() } as Response;
    expect(withAdditions(upgrade, wrote)).toBe(upgrade);
    expect([...upgrade.headers]).toEqual([]);
    expect([
      canCarryCookie(error),
      canCarryCookie(upgrade),
      canCarryCookie(undefined),
      canCarryCookie(new Response()),
    ]).toEqual([false, false, false, true]);
  });
});

describe("addSessionHeaders and withSessionHeaders, for adapters", () => {
  test("do with commit's headers what wrap does", () => {
    const target = new Headers({ vary: "Accept", "cache-control": "public" });
    addSessionHeaders(target, headersOf(wrote));
    expect(Object.fromEntries(target)).toEqual({
      vary: "Accept, Cookie",
      "cache-control": "private",
      "set-cookie": COOKIE,
    });
    addSessionHeaders(target, headersOf(wrote));
    expect(target.getSetCookie()).toEqual([COOKIE]);
    const redirect = withSessionHeaders(Response.redirect("https://example.com/"), headersOf(read));
    expect(redirect.headers.get("cache-control")).toBe("no-store");
  });

  test("do nothing with the headers of an untouched session", () => {
    const target = new Headers();
    addSessionHeaders(target, headersOf(untouched));
    expect([...target]).toEqual([]);
  });
});

function immutable(headers: Headers): Headers {
  const refuse = () => {
    throw new TypeError("immutable");
  };
  return Object.assign(new Headers(headers), { set: refuse, append: refuse, delete: refuse });
}
