import { describe, expect, test, vi } from "vitest";
import { createSessions, type RequestLike, type SessionsOptions } from "../../src/index.ts";
import { resolveOptions } from "../../src/rules/options.ts";

const request = (url: string, headers: Record<string, string> = {}): RequestLike => ({
  url,
  headers: { get: (name) => headers[name] ?? null },
});
const HTTPS = request("https://example.com/");
const cookieOf = (cookie: SessionsOptions["cookie"], of = HTTPS) =>
  resolveOptions({ ...(cookie && { cookie }) }).cookieOf(of);

describe("defaults", () => {
  test("are all in one place, in milliseconds", () => {
    const { lifetime, rotation, storeTimeout, onStoreFailure, maxPerSubject, persistent } = resolveOptions({});
    expect(lifetime).toEqual({ idle: 43_200_000, absolute: 604_800_000, touchEvery: 4_320_000 });
    expect(rotation).toEqual({ every: false, grace: 30_000, onReuse: "revoke", reuseWindow: 300_000 });
    expect([storeTimeout, onStoreFailure, maxPerSubject, persistent]).toEqual([
      5_000,
      "throw",
      Number.POSITIVE_INFINITY,
      false,
    ]);
  });

  test("touchEvery follows idle; the clock is Date.now and always whole", () => {
    expect(resolveOptions({ lifetime: { idle: 600 } }).lifetime.touchEvery).toBe(60_000);
    expect(resolveOptions({ clock: () => 1.7 }).clock()).toBe(1);
  });

  test("the cookie's name literally starts with __Host-, and changes its prefix with domain or path (WS-2022-0330)", () => {
    expect(cookieOf({})).toEqual({
      name: "__Host-Http-session",
      attributes: "; Path=/; HttpOnly; Secure; SameSite=Lax",
      scope: "/",
    });
    expect(cookieOf({ domain: "example.com" }).name).toBe("__Secure-session");
    expect(cookieOf({ path: "/app" }).name).toBe("__Secure-session");
  });
});

describe('secure: "auto"', () => {
  test.each([
    "http://localhost:8080/",
    "http://localhost/",
    "http://LOCALHOST/",
    "http://app.localhost:3000/x",
    "http://127.0.0.1:8080/?q=1",
    "http://127.1.2.3",
    "http://[::1]:8080/",
  ])("is without Secure, and without the prefix that demands it, on %s", (url) => {
    expect(cookieOf({ secure: "auto" }, request(url))).toEqual({
      name: "session",
      attributes: "; Path=/; HttpOnly; SameSite=Lax",
      scope: "/",
    });
    expect(cookieOf({}, request(url)).name).toBe("__Host-Http-session");
  });

  test.each([
    "https://localhost/",
    "http://example.com/",
    "http://localhost.example.com/",
    "http://127.0.0.1.example.com/",
    "http://notlocalhost/",
    "http://localhost@example.com/",
    "http://example.com/http://localhost/",
    "http://example.com?localhost",
    "http://128.0.0.1/",
    "http://192.168.0.1/",
    "http://[::2]/",
    "ws://localhost/",
  ])("stays Secure on %s", (url) => {
    expect(cookieOf({ secure: "auto" }, request(url)).name).toBe("__Host-Http-session");
  });

  test.each([
    ["forwarded", "for=127.0.0.1"],
    ["via", "1.1 localhost"],
    ["x-forwarded-proto", "https"],
    ["x-forwarded-proto", "http, https"],
    ["x-forwarded-for", "203.0.113.9"],
    ["x-forwarded-for", "203.0.113.9, 127.0.0.1"],
    ["x-forwarded-for", "localhost.example.com"],
    ["x-forwarded-for", ""],
    ["x-forwarded-host", "shop.example"],
    ["x-forwarded-host", "localhost, shop.example"],
    ["x-real-ip", "203.0.113.9"],
    ["x-forwarded-port", "x"],
  ])("stays Secure behind a proxy that sends %s: %s", (header, value) => {
    expect(cookieOf({ secure: "auto" }, request("http://localhost/", { [header]: value })).name).toBe(
      "__Host-Http-session",
    );
  });

  test("a development server in front of the handler sends loopback values: still this machine", () => {
    const headers = {
      "x-forwarded-for": "::1, ::ffff:127.0.0.1, 127.0.0.1",
      "x-forwarded-host": "localhost:3000",
      "x-forwarded-proto": "http",
      "x-forwarded-port": "3000",
    };
    expect(cookieOf({ secure: "auto" }, request("http://localhost:3000/", headers)).name).toBe("session");
  });

  test("a cookie without Secure is warned of, once", () => {
    const warn = vi.spyOn(console, "warn").mockImplementation(() => {});
    const { cookieOf } = resolveOptions({ cookie: { secure: "auto" } });
    cookieOf(HTTPS);
    expect(warn).not.toHaveBeenCalled();
    for (let time = 0; time < 2; time++) cookieOf(request("http://localhost:3000/secret?code=1"));
    expect(warn.mock.calls).toEqual([[expect.stringMatching(/http:\/\/localhost:3000 are sent without Secure/)]]);
    warn.mockRestore();
  });

  test("does nothing with NODE_ENV=production: a proxy that passes on Host: localhost looks like development", () => {
    vi.stubEnv("NODE_ENV", "production");
    expect(cookieOf({ secure: "auto" }, request("http://localhost/")).name).toBe("__Host-Http-session");
    vi.unstubAllEnvs();
  });

  test("a process that may not be looked at is no production", () => {
    const { process } = globalThis;
    const refuse = () => {
      throw new Error("not in the Edge Runtime");
    };
    Object.defineProperty(globalThis, "process", { get: refuse, configurable: true });
    try {
      expect(cookieOf({ secure: "auto" }, request("http://localhost/")).name).toBe("session");
    } finally {
      Object.defineProperty(globalThis, "process", { value: process, writable: true, configurable: true });
    }
  });

  test.each([
    { name: "__Host-id" },
    { name: "__Secure-id" },
    { name: "__Http-id" },
    { sameSite: "none" },
    { sameSite: "none", partitioned: true },
  ] as const)("stays Secure with %j", (cookie) => {
    expect(cookieOf({ ...cookie, secure: "auto" }, request("http://localhost/")).attributes).toContain("; Secure");
  });

  test("an explicit name without prefix is kept", () => {
    expect(cookieOf({ name: "sid", secure: "auto" }, request("http://localhost/"))).toMatchObject({ name: "sid" });
  });
});

const WRONG: [string, unknown, RegExp][] = [
  ["an option that does not exist", { lifetimes: {} }, /options has no "lifetimes"; it has .*lifetime/],
  ["no object", null, /options must be an object/],
  ["cookie: a string", { cookie: "sid" }, /cookie must be an object/],
  ["a cookie option that does not exist", { cookie: { maxAge: 5 } }, /cookie has no "maxAge"/],
  ["httpOnly, which is not to be had off", { cookie: { httpOnly: false } }, /cookie has no "httpOnly"/],
  ["secure: false", { cookie: { secure: false } }, /cookie.secure must be true, or "auto"/],
  ["an empty name", { cookie: { name: "" } }, /cookie.name/],
  ["a name with a separator", { cookie: { name: "a;b" } }, /cookie.name/],
  ["a name with =", { cookie: { name: "a=b" } }, /cookie.name/],
  ["a name with a line break", { cookie: { name: "a\r\nSet-Cookie: x" } }, /cookie.name/],
  ["a name that is not ASCII", { cookie: { name: "sitzüng" } }, /cookie.name/],
  ["a path with injection (CVE-2024-47764)", { cookie: { path: "/; Domain=evil.example" } }, /cookie.path/],
  ["a path with a line break", { cookie: { path: "/\nx" } }, /cookie.path/],
  ["a relative path", { cookie: { path: "app" } }, /cookie.path must be a path from "\/" on/],
  ["a path browsers ignore for its length", { cookie: { path: `/${"x".repeat(1024)}` } }, /cookie.path/],
  ["a domain with injection", { cookie: { domain: "example.com; Path=/" } }, /cookie.domain/],
  ["a domain with a leading dot", { cookie: { domain: ".example.com" } }, /without a leading dot/],
  ["an empty domain", { cookie: { domain: "" } }, /cookie.domain/],
  ["sameSite in capitals", { cookie: { sameSite: "Lax" } }, /cookie.sameSite must be "lax" or "strict" or "none"/],
  ["sameSite with injection", { cookie: { sameSite: "lax; Domain=x" } }, /cookie.sameSite/],
  ["priority with injection", { cookie: { priority: "low; Domain=x" } }, /cookie.priority/],
  ["partitioned: a string", { cookie: { partitioned: "yes" } }, /cookie.partitioned must be true or false/],
  ["persistent: a number", { cookie: { persistent: 1 } }, /cookie.persistent must be true or false/],
  [
    "__Host- with a domain",
    { cookie: { name: "__Host-id", domain: "example.com" } },
    /a __Host- cookie has path "\/" and no domain/,
  ],
  ["__host- in any case with a path", { cookie: { name: "__hOsT-id", path: "/app" } }, /a __Host- cookie/],
  ["idle: a string", { lifetime: { idle: "1h" } }, /lifetime.idle must be a number of seconds above 0/],
  ["idle: zero", { lifetime: { idle: 0 } }, /lifetime.idle/],
  ["idle: NaN", { lifetime: { idle: Number.NaN } }, /lifetime.idle/],
  ["absolute: infinite", { lifetime: { absolute: Number.POSITIVE_INFINITY } }, /lifetime.absolute/],
  [
    "idle above absolute",
    { lifetime: { idle: 100, absolute: 50 } },
    /lifetime.idle must be .* at most lifetime.absolute, not 100/,
  ],
  ["touchEvery as long as idle", { lifetime: { idle: 100, touchEvery: 100 } }, /lifetime.touchEvery/],
  ["touchEvery below zero", { lifetime: { touchEvery: -1 } }, /lifetime.touchEvery/],
  ["rotation: true", { rotation: true }, /rotation must be an object/],
  ["every: true", { rotation: { every: true } }, /rotation.every must be .*"request" or false/],
  ["every: zero", { rotation: { every: 0 } }, /rotation.every/],
  ["grace below zero", { rotation: { grace: -1 } }, /rotation.grace/],
  ["onReuse: another word", { rotation: { onReuse: "log" } }, /rotation.onReuse must be "revoke" or "ignore"/],
  ["storeTimeout: zero", { storeTimeout: 0 }, /storeTimeout/],
  ["storeTimeout: beyond what timers can wait", { storeTimeout: 2 ** 31 }, /storeTimeout must be .* 2147483647/],
  ["storeTimeout: infinite", { storeTimeout: Number.POSITIVE_INFINITY }, /storeTimeout/],
  ["storeTimeout: NaN", { storeTimeout: Number.NaN }, /storeTimeout/],
  ["storeTimeout: a fraction", { storeTimeout: 0.5 }, /storeTimeout/],
  ["idle: less than a millisecond", { lifetime: { idle: 0.0001 } }, /lifetime.idle/],
  ["absolute: beyond what a date can be", { lifetime: { absolute: 1e13 } }, /lifetime.absolute/],
  ["grace: infinite", { rotation: { grace: Number.POSITIVE_INFINITY } }, /rotation.grace/],
  ["reuseWindow: infinite", { rotation: { reuseWindow: Number.POSITIVE_INFINITY } }, /rotation.reuseWindow/],
  ["every: infinite", { rotation: { every: Number.POSITIVE_INFINITY } }, /rotation.every/],
  ["maxPerSubject: NaN", { maxPerSubject: Number.NaN }, /maxPerSubject/],
  ["an array for options", [], /options must be an object, not an array/],
  ["an array for lifetime", { lifetime: [60] }, /lifetime must be an object, not an array/],
  ["an object for a name", { cookie: { name: Object.create(null) } }, /cookie.name must be .*, not an object/],
  ["a clock without a time", { clock: () => undefined }, /clock\(\) must be a number/],
  ["a clock that is late", { clock: async () => 1 }, /clock\(\) must be a number/],
  ["onStoreFailure: another word", { onStoreFailure: "open" }, /onStoreFailure must be "throw" or "anonymous"/],
  ["maxPerSubject: zero", { maxPerSubject: 0 }, /maxPerSubject must be a whole number above 0/],
  ["maxPerSubject: a fraction", { maxPerSubject: 1.5 }, /maxPerSubject/],
  ["observe: no function", { observe: console }, /observe must be a function/],
  ["describe: no function", { describe: "device" }, /describe must be a function/],
  ["clock: a date", { clock: new Date() }, /clock must be a function/],
  ["a codec without decode", { codec: { encode: JSON.stringify } }, /codec.decode must be a function/],
  ["codec: null", { codec: null }, /codec.encode must be a function/],
  ["store: a URL", { store: "redis://localhost" }, /store must be a session store/],
];

test.each(WRONG)("wrong at construction, with what to write instead: %s", (_name, options, message) => {
  const construct = () => createSessions(options as SessionsOptions);
  expect(construct).toThrow(message);
  expect(construct).toThrow(
    expect.toSatisfy((error: unknown) => error instanceof TypeError || error instanceof RangeError),
  );
});
