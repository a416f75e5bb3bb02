import { describe, expect, test } from "vitest";
import { createSessions } from "../../src/index.ts";
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
