import { describe, expect, test } from "vitest";
import { type CrossOriginOptions, isForeign, type RequestLike } from "../../src/index.ts";

const OWN = "https://shop.example/checkout";

function request(method: string | undefined, headers: Record<string, string> = {}, url = OWN): RequestLike {
  return { url, ...(method && { method }), headers: { get: (name) => headers[name] ?? null } };
}

const SAFE = ["GET", "HEAD", "OPTIONS", "TRACE"];
const CHANGING = ["POST", "PUT", "PATCH", "DELETE", "CONNECT", "QUERY", "PROPFIND", "post", "get"];
const SITES = [
  undefined,
  "",
  "same-origin",
  "none",
  "same-site",
  "cross-site",
  "same-origin, cross-site",
  "SAME-ORIGIN",
];
const ORIGINS = [
  undefined,
  "",
  "null",
  "https://shop.example",
  "http://shop.example",
  "https://shop.example:8443",
  "https://evil.example",
  "https://trusted.example",
  "https://shop.example.evil.example",
  "https://shop.example https://evil.example",
  "capacitor://shop.example",
  "not an origin",
];
const HOSTS = [undefined, "shop.example", "shop.example:443", "internal:8080", "evil host", ""];
const OPTIONS: (CrossOriginOptions | undefined)[] = [undefined, {}, { trusted: ["https://trusted.example"] }];
const UPGRADES = [undefined, "websocket", "WebSocket", "h2c, websocket", "h2c"];

/** Why a request passes, or that it does not: the rules once more, in the words of the page. */
function reason(
  method: string | undefined,
  site: string | undefined,
  origin: string | undefined,
  host: string | undefined,
  options: CrossOriginOptions | undefined,
  upgrade: string | undefined,
): string {
  const opensSocket = upgrade !== undefined && upgrade !== "h2c";
  if ((method === undefined || SAFE.includes(method)) && !opensSocket) return "changes nothing";
  if (site === "same-origin") return "the browser says: same origin";
  if (site === "none") return "the browser says: the user's own doing";
  if (origin === "https://trusted.example" && options?.trusted) return "trusted";
  if (site) return "FOREIGN: the browser says so";
  if (!origin) return "not a browser";
  if (origin === "https://shop.example" || origin === "http://shop.example") {
    // The port of a Host header belongs to the scheme of the origin
    if (host === "shop.example:443" && origin.startsWith("http:")) return "the URL has the origin's host";
    return "the host of the origin is the request's";
  }
  return "FOREIGN: another origin";
}

describe("isForeign", () => {
  const rows = [undefined, ...SAFE, ...CHANGING].flatMap((method) =>
    SITES.flatMap((site) =>
      ORIGINS.flatMap((origin) =>
        HOSTS.flatMap((host) =>
          OPTIONS.flatMap((options) =>
            UPGRADES.map((upgrade) => [method, site, origin, host, options, upgrade] as const),
          ),
        ),
      ),
    ),
  );

  test(`follows the rules in all ${rows.length} combinations of method, site, origin, host, trust and upgrade`, () => {
    const wrong = rows.filter(([method, site, origin, host, options, upgrade]) => {
      const headers = { "sec-fetch-site": site, origin, host, upgrade };
      const given = Object.fromEntries(Object.entries(headers).filter(([, value]) => value !== undefined));
      const foreign = isForeign(request(method, given as Record<string, string>), options);
      return foreign !== reason(method, site, origin, host, options, upgrade).startsWith("FOREIGN");
    });
    expect(wrong.slice(0, 5)).toEqual([]);
    const reasons = new Set(rows.map((row) => reason(...row)));
    expect(reasons.size).toBe(9);
  });

  test.each<[what: string, url: string, headers: Record<string, string>, foreign: boolean]>([
    ["a proxy that ends TLS", "http://shop.example/", { origin: "https://shop.example" }, false],
    [
      "a framework that puts its own host into the URL",
      "http://localhost:3000/",
      { origin: "https://a.b", host: "a.b" },
      false,
    ],
    ["a URL that no parser takes", "/relative", { origin: "https://a.b", host: "a.b" }, false],
    ["a URL that no parser takes, and no Host", "/relative", { origin: "https://a.b" }, true],
    ["a host in capitals", "http://SHOP.example/", { origin: "http://shop.example" }, false],
    ["an IPv6 address", "http://[::1]:3000/", { origin: "http://[::1]:3000" }, false],
    ["another port of one host", "http://localhost:3000/", { origin: "http://localhost:3001" }, true],
    ["localhost and 127.0.0.1", "http://localhost:3000/", { origin: "http://127.0.0.1:3000" }, true],
    ["an international name", "https://xn--mnchen-3ya.example/", { origin: "https://xn--mnchen-3ya.example" }, false],
    [
      "a form of its own under Referrer-Policy: no-referrer",
      OWN,
      { origin: "null", "sec-fetch-site": "same-origin" },
      false,
    ],
    ["a sandboxed frame of its own", OWN, { origin: "null", "sec-fetch-site": "cross-site" }, true],
    ["an extension", OWN, { origin: "chrome-extension://abcdef", "sec-fetch-site": "none" }, false],
    ["a sibling subdomain", OWN, { origin: "https://a.shop.example", "sec-fetch-site": "same-site" }, true],
  ])("POST, %s", (_, url, headers, foreign) => {
    expect(isForeign(request("POST", headers, url))).toBe(foreign);
  });

  test("takes a Request as it is", () => {
    const headers = { "sec-fetch-site": "cross-site", origin: "https://evil.example" };
    expect(isForeign(new Request(OWN, { method: "POST", headers }))).toBe(true);
    expect(isForeign(new Request(OWN, { headers }))).toBe(false);
    expect(isForeign(new Request(OWN, { headers: { ...headers, upgrade: "websocket" } }))).toBe(true);
  });
});

describe("exempt", () => {
  const foreign = request("POST", { "sec-fetch-site": "cross-site", origin: "https://idp.example" });

  test("lets through what it names, and is asked about foreign requests only", () => {
    const asked: string[] = [];
    const exempt = ({ url }: RequestLike): boolean => asked.push(url) > 0 && url.endsWith("/checkout");
    expect(isForeign(foreign, { exempt })).toBe(false);
    expect(isForeign({ ...foreign, url: "https://shop.example/other" }, { exempt })).toBe(true);
    expect(isForeign(request("GET"), { exempt })).toBe(false);
    expect(isForeign(request("POST"), { exempt })).toBe(false);
    expect(asked).toEqual([OWN, "https://shop.example/other"]);
  });

  test.each([
    ["a promise", async () => true],
    ["a promise that fails", async () => Promise.reject(new Error("no"))],
    // biome-ignore lint/suspicious/noThenProperty: what is tested is what such an object does
    ["a thenable of its own", () => ({ then: () => {} })],
    ["something truthy", () => 1],
    ["nothing", () => undefined],
    ["null", () => null],
  ])("must say true or false at once: %s", (_, exempt) => {
    expect(() => isForeign(foreign, { exempt: exempt as never })).toThrow(
      /exempt must (answer at once|return true or false)/,
    );
  });
});

describe("options", () => {
  test.each([
    "https://pay.example",
    "http://localhost:5173",
    "https://pay.example:8443",
    "https://[2001:db8::1]",
    "https://xn--mnchen-3ya.example",
    "capacitor://localhost",
    "chrome-extension://abcdefghijklmnop",
    "moz-extension://0c5e-4a",
  ])("trust %s", (origin) => {
    const of = request("POST", { "sec-fetch-site": "cross-site", origin });
    expect(isForeign(of)).toBe(true);
    expect(isForeign(of, { trusted: [origin] })).toBe(false);
  });

  test.each<[unknown, RegExp]>([
    ["pay.example", /scheme:\/\/host\[:port\]/],
    ["https://pay.example/", /without the default port, a path/],
    ["https://pay.example/path", /scheme/],
    ["https://pay.example:443", /default port/],
    ["HTTPS://pay.example", /lower case/],
    ["https://PAY.example", /lower case/],
    ["https://münchen.example", /scheme/],
    ["https://*.example", /wildcard/],
    ["https://user@pay.example", /scheme/],
    [" https://pay.example", /scheme/],
    ["*", /wildcard/],
    ["null", /scheme/],
    ["file://", /scheme/],
    ["", /scheme/],
    [undefined, /scheme/],
    [/pay/, /scheme/],
  ])("do not trust %j", (origin, message) => {
    expect(() => isForeign(request("GET"), { trusted: [origin as string] })).toThrow(message);
    expect(() => isForeign(request("GET"), { trusted: [origin as string] })).toThrow(TypeError);
  });

  test.each<[unknown, RegExp]>([
    [{ trusted: "https://pay.example" }, /crossOrigin.trusted must be a list/],
    [{ trusted: null }, /crossOrigin.trusted must be a list/],
    [{ exempt: "/hook" }, /crossOrigin.exempt must be a function/],
    [{ exempt: /hook/ }, /crossOrigin.exempt must be a function/],
    [{ answer: "403" }, /crossOrigin.answer must be "anonymous" or "refuse"/],
    [{ trust: [] }, /crossOrigin has no "trust"/],
    ["refuse", /crossOrigin must be an object/],
  ])("say what is wrong with %j", (options, message) => {
    expect(() => isForeign(request("GET"), options as CrossOriginOptions)).toThrow(message);
  });
});
