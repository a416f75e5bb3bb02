import { describe, expect, test, vi } from "vitest";
import {
  type CookieOptions,
  createSessions,
  memoryStore,
  type SessionStore,
  type Sessions,
  type SessionsOptions,
} from "../../src/index.ts";
import { generateKey, sealedCookies } from "../../src/sealed.ts";
import { cookieJar, signedIn } from "../../src/testing.ts";

interface Data {
  cart: string[];
}

function shop() {
  const sessions = createSessions<Data>();
  const handle = sessions.wrap(async (request, session) => {
    if (request.method === "POST") {
      session.signIn(await request.text());
      return Response.redirect("https://localhost/account", 303);
    }
    session.update("cart", (cart = []) => [...cart, "book"]);
    return Response.json({ subject: session.subject, cart: session.get("cart") });
  });
  return { sessions, handle };
}

describe("signedIn()", () => {
  test("gives a request that opens a session of the subject with the data", async () => {
    const { sessions, handle } = shop();
    const anna = await signedIn(sessions, "anna", { cart: ["pen"] });
    expect(await (await handle(anna)).json()).toEqual({ subject: "anna", cart: ["pen", "book"] });
  });

  test("lends its cookie to a request with another address", async () => {
    const { sessions, handle } = shop();
    const request = new Request("https://shop.test/cart?x=1", await signedIn(sessions, "anna"));
    expect(request.url).toBe("https://shop.test/cart?x=1");
    expect(await (await handle(request)).json()).toEqual({ subject: "anna", cart: ["book"] });
  });

  test("works with an unprefixed cookie too", async () => {
    const sessions = createSessions<Data>({ cookie: { name: "sid" } });
    expect((await signedIn(sessions, "anna")).headers.get("cookie")).toMatch(/^sid=[\w-]{43}$/);
  });

  const who = (sessions: Sessions<Data>, request: Request): Promise<Response> | Response =>
    sessions.wrap((_, session) => Response.json([session.subject, session.get("cart")]))(request) as Promise<Response>;

  const stores: [string, () => SessionsOptions["store"]][] = [
    ["stored", () => memoryStore()],
    ["sealed", () => sealedCookies({ keys: [generateKey()] })],
  ];
  const forms: [string, CookieOptions][] = [
    ["a domain", { domain: "shop.test" }],
    ["a path", { path: "/app" }],
    ["a domain and a path", { domain: "shop.test", path: "/app", name: "sid" }],
    ['secure: "auto"', { secure: "auto" }],
    ['secure: "auto" and a name', { secure: "auto", name: "sid" }],
    ['secure: "auto" and a domain', { secure: "auto", domain: "localhost" }],
    ["a cookie for other sites", { sameSite: "none", partitioned: true }],
  ];
  const cases = stores.flatMap(([kind, store]) => forms.map(([what, cookie]) => ({ kind, store, what, cookie })));

  test.each(cases)("signs in $kind with $what, on http and https, with large data too", async ({ store, cookie }) => {
    for (const cart of [["pen"], Array.from({ length: 100 }, generateKey)]) {
      const sessions = createSessions<Data>({ store: store() as SessionStore, cookie });
      const anna = await signedIn(sessions, "anna", { cart });
      const urls = ["https://shop.test/app/x", "http://localhost:3000/"];
      for (const request of [anna, ...urls.map((url) => new Request(url, anna))])
        expect(await (await who(sessions, request)).json()).toEqual(["anna", cart]);
    }
  });

  test.each(forms)("leaves one session behind with %s", async (_, cookie) => {
    for (const maxPerSubject of [1, 5]) {
      const sessions = createSessions<Data>({ cookie, maxPerSubject });
      const anna = await signedIn(sessions, "anna");
      expect(await sessions.list("anna")).toHaveLength(1);
      expect((await sessions.load(anna)).subject).toBe("anna");
    }
  });

  test("lends its cookie to a request with another method when it is spread", async () => {
    const { sessions } = shop();
    const anna = await signedIn(sessions, "anna");
    const request = new Request("https://shop.test/", { ...anna, method: "POST", body: "x" });
    expect([request.method, await request.text()]).toEqual(["POST", "x"]);
    expect(await (await who(sessions, request)).json()).toEqual(["anna", null]);
    expect((await sessions.load(anna.clone())).subject).toBe("anna");
  });

  test("throws when the sessions set no cookie", async () => {
    const { sessions } = shop();
    const silent = { load: sessions.load, commit: async () => new Headers() };
    await expect(signedIn(silent, "anna")).rejects.toThrow('signedIn("anna"): the sessions set no cookie');
  });
});

describe("cookieJar()", () => {
  test("signs in against a fetch handler and stays signed in", async () => {
    const browser = cookieJar(shop().handle);
    const redirect = await browser.fetch("/login", { method: "POST", body: "anna" });
    expect([redirect.status, redirect.headers.get("location")]).toEqual([303, "https://localhost/account"]);
    await browser.fetch("/account");
    expect(await (await browser.fetch("/account")).json()).toEqual({ subject: "anna", cart: ["book", "book"] });
    browser.closeBrowser();
    expect(await (await browser.fetch("/account")).json()).toEqual({ cart: ["book"] });
  });

  test("takes a Request also where the global class is another than the one that made it", async () => {
    const sent: Request[] = [];
    const browser = cookieJar((request) => {
      sent.push(request);
      return new Response();
    });
    const request = new Request("https://localhost/account", { method: "POST", body: "book" });
    const original = Request;
    vi.stubGlobal("Request", class extends original {});
    try {
      await browser.fetch(request);
    } finally {
      vi.stubGlobal("Request", original);
    }
    expect(sent.map(({ method, url }) => [method, url])).toEqual([["POST", "https://localhost/account"]]);
    expect(await sent[0]?.text()).toBe("book");
  });

  const from = (url: string, ...lines: string[]) => {
    let now = 0;
    const jar = cookieJar(() => new Response(), { origin: url, clock: () => now });
    jar.keep(url, new Headers(lines.map((line): [string, string] => ["set-cookie", line])));
    return { jar, forward: (seconds: number) => (now += seconds * 1000) };
  };

  test.each([
    ["a cookie goes back to where it came from", "https://a.test/", "a=1", "https://a.test/", "a=1"],
    ["a host's cookie does not go to a host below it", "https://a.test/", "a=1", "https://b.a.test/", ""],
    ["a domain's cookie goes to its hosts", "https://b.a.test/", "a=1; Domain=a.test", "https://c.a.test/", "a=1"],
    ["a domain that only ends alike is another", "https://b.a.test/", "a=1; Domain=a.test", "https://ba.test/", ""],
    ["a cookie for a foreign domain is dropped", "https://a.test/", "a=1; Domain=b.test", "https://b.test/", ""],
    ["a path's cookie goes below it", "https://a.test/", "a=1; Path=/x", "https://a.test/x/y", "a=1"],
    ["a path that only begins alike is another", "https://a.test/", "a=1; Path=/x", "https://a.test/xy", ""],
    ["without Path the cookie belongs to the folder", "https://a.test/x/y", "a=1", "https://a.test/z", ""],
    ["a Secure cookie does not go over http", "https://a.test/", "a=1; Secure", "http://a.test/", ""],
    ["a Secure cookie is not taken over http", "http://a.test/", "a=1; Secure", "https://a.test/", ""],
    ["localhost counts as secure", "http://localhost:8080/", "a=1; Secure", "http://localhost:8080/", "a=1"],
    ["__Host- needs Path=/", "https://a.test/", "__Host-a=1; Secure", "https://a.test/", ""],
    ["__Host- needs Secure", "https://a.test/", "__Host-a=1; Path=/", "https://a.test/", ""],
    ["__Host- has no Domain", "https://a.test/", "__Host-a=1; Path=/; Secure; Domain=a.test", "https://a.test/", ""],
    ["__Host-Http- needs HttpOnly", "https://a.test/", "__Host-Http-a=1; Path=/; Secure", "https://a.test/", ""],
    [
      "a keeper of all promises is kept",
      "https://a.test/",
      "__Host-Http-a=1; Path=/; Secure; HttpOnly",
      "https://a.test/",
      "__Host-Http-a=1",
    ],
    ["the value may hold equal signs", "https://a.test/", "a=b=c", "https://a.test/", "a=b=c"],
  ])("%s", (_, url, line, target, header) => {
    expect(from(url, line).jar.header(target)).toBe(header);
  });

  const over = (length: number, from: string): string => from.repeat(length).slice(0, length);
  test.each([
    ["a control character", "a=1\x01"],
    ["a control character in an attribute", "a=1; Path=/\x7f"],
    ["a name and a value of 4097 characters", `a=${over(4096, "x")}`],
    ["neither name nor value", "=; Path=/"],
    ["no name and a value that poses as a prefix", "=__Host-a=1; Path=/; Secure"],
    ["no name and no =, posing as a prefix", "__Secure-a; Secure"],
    ["SameSite=None without Secure", "a=1; SameSite=None"],
    ["Partitioned without Secure", "a=1; Partitioned"],
    ["a top-level domain", "a=1; Domain=test"],
    ["the domain of a host below", "a=1; Domain=b.a.test"],
    ["Max-Age=0", "a=1; Max-Age=0"],
    ["a negative Max-Age", "a=1; Max-Age=-1"],
    ["an Expires of 1970", "a=1; Expires=Thu, 01-Jan-1970 00:00:01 GMT"],
    ["__Secure- without Secure", "__Secure-a=1"],
    ["__SECURE- without Secure", "__SECURE-a=1"],
    ["__Http- without HttpOnly", "__Http-a=1; Secure"],
    ["__Host- with the path of the folder", "__Host-a=1; Secure; Path=/x; Path="],
    ["__Host-Http- with Domain", "__Host-Http-a=1; Secure; HttpOnly; Path=/; Domain=a.test"],
  ])("a cookie with %s is refused", (_, line) => {
    const jar = cookieJar(undefined, { origin: "https://a.test" });
    // Headers refuses control characters where it is strict
    jar.keep("/", { getSetCookie: () => [line] } as Headers);
    expect(jar.header("/")).toBe("");
  });

  test.each([
    ["4096 characters", `a=${over(4095, "x")}`, `a=${over(4095, "x")}`],
    ["no name", "=value", "value"],
    ["no =", "value", "value"],
    ["a tab", "a=1\t2", "a=1\t2"],
    ["a no-break space, which is not stripped", "a=\u00a01", "a=\u00a01"],
    ["an attribute of 1025 characters, which does not count", `a=1; Domain=${over(1025, "b.")}`, "a=1"],
    ["two attributes of one name, of which the last counts", "a=1; Path=/x; Path=/", "a=1"],
    ["a Max-Age that is no number, which does not count", "a=1; Max-Age=soon; Path=/", "a=1"],
    ["a Max-Age before an Expires", "a=1; Expires=Thu, 01 Jan 1970 00:00:00 GMT; Max-Age=9", "a=1"],
    ["an Expires that is no date, which does not count", "a=1; Expires=tomorrow", "a=1"],
    ["an Expires of a day that is not", "a=1; Expires=Thu, 31 Feb 1999 00:00:00 GMT", "a=1"],
    ["an Expires with dashes and two digits", "a=1; Expires=Sunday, 06-Nov-68 08:49:37 GMT", "a=1"],
    ["an Expires in the form that C writes", "a=1; Expires=Sun Nov  6 08:49:37 2033", "a=1"],
    ["an empty Domain", "a=1; Domain=", "a=1"],
    ["Partitioned and Secure", "a=1; SameSite=None; Secure; Partitioned", "a=1"],
  ])("a cookie with %s is kept", (_, line, header) => {
    const jar = cookieJar(undefined, { origin: "https://a.test" });
    jar.keep("/", { getSetCookie: () => [line] } as Headers);
    expect(jar.header("/")).toBe(header);
  });

  test("an address has no domain: its cookie goes to it alone", () => {
    const jar = cookieJar(undefined, { origin: "http://127.0.0.1" });
    jar.keep("/", new Headers({ "set-cookie": "a=1; Domain=0.0.1" }));
    expect(jar.header("/")).toBe("");
    jar.keep("/", new Headers({ "set-cookie": "a=1; Domain=127.0.0.1" }));
    expect([jar.header("/"), jar.header("http://10.0.0.1/")]).toEqual(["a=1", ""]);
  });

  test("over plain http a Secure cookie is neither replaced nor hidden", () => {
    const { jar } = from("https://a.test/", "sid=good; Secure; Path=/x", "free=1");
    for (const line of ["sid=bad", "sid=bad; Path=/x/y", "sid=bad; Domain=a.test; Path=/x"])
      jar.keep("http://a.test/x/z", new Headers({ "set-cookie": line }));
    expect(jar.header("https://a.test/x/y")).toBe("sid=good; free=1");
    jar.keep("http://a.test/", new Headers({ "set-cookie": "sid=other; Path=/" }));
    expect(jar.header("https://a.test/x")).toBe("sid=good; free=1; sid=other");
  });

  test("a cookie lives 400 days at most", () => {
    for (const lifetime of ["Max-Age=99999999999", "Expires=Fri, 31 Dec 9999 00:00:00 GMT"]) {
      const { jar, forward } = from("https://a.test/", `a=1; ${lifetime}`);
      forward(400 * 86_400 - 1);
      expect(jar.get("a")).toBe("1");
      forward(1);
      expect(jar.get("a")).toBeUndefined();
    }
  });

  test("the time is that of Date.now when it is asked, also of one that is faked later", () => {
    const jar = cookieJar(undefined, { origin: "https://a.test" });
    vi.useFakeTimers({ now: 1_000_000 });
    try {
      jar.keep("/", new Headers({ "set-cookie": "a=1; Max-Age=10" }));
      vi.setSystemTime(1_009_999);
      expect(jar.get("a")).toBe("1");
      vi.setSystemTime(1_010_000);
      expect(jar.get("a")).toBeUndefined();
    } finally {
      vi.useRealTimers();
    }
  });

  test("a cookie is replaced by its successor and removed by Max-Age=0 or a past Expires", () => {
    const { jar } = from("https://a.test/", "a=1", "b=1", "a=2");
    expect(jar.header("/")).toBe("a=2; b=1");
    jar.keep("/", new Headers([["set-cookie", "a=; Max-Age=0"]]));
    expect(jar.header("/")).toBe("b=1");
    jar.keep("/", new Headers([["set-cookie", "b=; Expires=Thu, 01 Jan 1970 00:00:00 GMT"]]));
    expect(jar.header("/")).toBe("");
  });

  test("a cookie ends with its Max-Age, which outlives the browser", () => {
    const { jar, forward } = from("https://a.test/", "a=1; Max-Age=10", "b=1");
    jar.closeBrowser();
    expect([jar.get("a"), jar.get("b")]).toEqual(["1", undefined]);
    forward(10);
    expect(jar.get("a")).toBeUndefined();
  });

  test("the longer path is sent first, and a header of the caller's own is kept", async () => {
    let sent: string | null = "";
    const jar = cookieJar((request) => {
      sent = request.headers.get("cookie");
      return new Response(null, {
        headers: [
          ["set-cookie", "a=root; Path=/"],
          ["set-cookie", "a=x; Path=/x"],
        ],
      });
    });
    await jar.fetch("/x", { headers: { cookie: "own=1" } });
    expect(sent).toBe("own=1");
    await jar.fetch(new Request("https://localhost/x/y"), { headers: { cookie: "own=1" } });
    expect(sent).toBe("own=1; a=x; a=root");
  });
});
