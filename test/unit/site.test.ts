import { expect, describe as group, test, vi } from "vitest";
import { html } from "../../examples/site/html.js";
import { createSite, describe } from "../../examples/site/site.js";
import { createSessions, memoryStore, type SessionStore } from "../../src/index.ts";

interface View {
  name?: string;
  notice?: string;
  cart: { count: number; cents: number; items: { id: string; count: number }[] };
  visits: { page: string; at: number }[];
  sessions: { handle: string; device: string; current: boolean }[];
}

const base = "http://localhost:8080";

function newSite(store: SessionStore = memoryStore()) {
  return createSite(createSessions({ store, cookie: { secure: "auto" }, describe }));
}

/** A browser as far as the site can tell: it keeps the cookie and says where its forms come from. */
function visitor(
  site: (request: Request) => Promise<Response>,
  userAgent = "Mozilla/5.0 (X11; Linux x86_64) Firefox/140.0",
) {
  let cookie: string | undefined;
  const client = {
    async fetch(path: string, init: RequestInit = {}): Promise<Response> {
      const headers = new Headers(init.headers);
      headers.set("user-agent", userAgent);
      if (cookie !== undefined) headers.set("cookie", cookie);
      const response = await site(new Request(base + path, { ...init, headers }));
      const [line] = response.headers.getSetCookie();
      if (line !== undefined) cookie = /Max-Age=0/i.test(line) ? undefined : line.split(";")[0];
      return response;
    },
    page: async (path: string): Promise<string> => (await client.fetch(path)).text(),
    view: async (path = "/"): Promise<View> =>
      (await client.fetch(path, { headers: { accept: "application/json" } })).json() as Promise<View>,
    post: (
      path: string,
      fields: Record<string, string> = {},
      headers: Record<string, string> = { "sec-fetch-site": "same-origin" },
    ): Promise<Response> => client.fetch(path, { method: "POST", body: new URLSearchParams(fields), headers }),
    hasCookie: (): boolean => cookie !== undefined,
  };
  return client;
}

group("what a visitor typed", () => {
  test("a name with markup is text on every page", async () => {
    const ada = visitor(newSite());
    const name = `<img src=x onerror='1'>"&`;
    await ada.post("/sign-in", { name });
    for (const path of ["/", "/account", "/signed-out"]) {
      const page = await ada.page(path);
      expect(page).not.toContain("<img");
      expect(page).toContain("&#60;img src=x onerror=&#39;1&#39;&#62;&#34;&#38;");
    }
    expect((await ada.view()).name).toBe(name);
  });

  test("a path with markup, known or unknown, is never repeated as markup", async () => {
    const page = await visitor(newSite()).page(`/"><script>alert(1)</script>?q=<script>`);
    expect(page).not.toContain("<script");
  });

  test("html escapes all but markup of its own, also an object that looks like it", () => {
    const forged = JSON.parse(`{"text":"<b>"}`) as object;
    expect(html`<i>${"<b>"}${html`<u>&</u>`}${["'", html`"`]}${forged}${undefined}${null}${false}${0}</i>`.text).toBe(
      `<i>&#60;b&#62;<u>&</u>&#39;"[object Object]0</i>`,
    );
  });

  test("one spelling for one name, of at most 40 characters, and a blank one signs nobody in", async () => {
    const site = newSite();
    for (const [given, kept] of [
      ["  Ada \t Lovelace\u0000 ", "Ada Lovelace"],
      ["e\u0301a\u200b", "\u00e9a"],
      ["\u{1f9ed}".repeat(60), "\u{1f9ed}".repeat(40)],
      [" \u200b ", undefined],
    ] as const) {
      const client = visitor(site);
      await client.post("/sign-in", { name: given });
      expect((await client.view()).name).toBe(kept);
    }
  });
});

group("what may be asked for", () => {
  test.each([
    ["GET", "/", 200],
    ["HEAD", "/", 200],
    ["GET", "/account", 200],
    ["GET", "/signed-out", 200],
    ["GET", "/style.css", 200],
    ["GET", "/favicon.svg", 200],
    ["GET", "/returned-key.svg", 200],
    ["GET", "/cart", 405],
    ["GET", "/sign-out", 405],
    ["HEAD", "/sessions/end", 405],
    ["POST", "/", 405],
    ["PUT", "/cart", 405],
    ["DELETE", "/style.css", 405],
    ["OPTIONS", "/account", 405],
    ["GET", "/constructor", 404],
    ["GET", "/favicon.ico", 404],
    ["POST", "/account/", 404],
  ])("%s %s is answered with %i", async (method, path, status) => {
    const response = await visitor(newSite()).fetch(path, { method });
    expect(response.status).toBe(status);
    expect(response.headers.get("allow") !== null).toBe(status === 405);
    expect((await response.text()) === "").toBe(method === "HEAD");
  });

  test("a form of another site is refused and changes nothing; one of our own, or of no browser, is taken", async () => {
    const ada = visitor(newSite());
    for (const [headers, status] of [
      [{ "sec-fetch-site": "cross-site" }, 403],
      [{ "sec-fetch-site": "same-site" }, 403],
      [{ "sec-fetch-site": "cross-site", origin: base }, 403],
      [{ origin: "https://evil.example" }, 403],
      [{ origin: "null" }, 403],
      [{ "sec-fetch-site": "same-origin" }, 303],
      [{ origin: "https://localhost:8080" }, 303],
      [{}, 303],
    ] as const) {
      const before = (await ada.view()).cart.count;
      expect((await ada.post("/cart", { add: "map" }, headers)).status).toBe(status);
      expect((await ada.view()).cart.count).toBe(status === 303 ? before + 1 : before);
    }
  });

  test("a body that is too long or no form is refused, an empty one is an empty form", async () => {
    const ada = visitor(newSite());
    expect((await ada.post("/sign-in", { name: "a".repeat(8_192) })).status).toBe(413);
    expect((await ada.fetch("/sign-in", { method: "POST", body: '{"name":"Ada"}' })).status).toBe(415);
    expect((await ada.fetch("/sign-in", { method: "POST" })).status).toBe(303);
    expect((await ada.view()).name).toBeUndefined();
  });

  test("every redirect leads to a page of the site, whatever a form, a query or a referrer says", async () => {
    const ada = visitor(newSite());
    const elsewhere = { next: "//evil.example", to: "https://evil.example", from: "https://evil.example", add: "map" };
    for (const path of ["/sign-in", "/cart", "/order", "/sessions/end", "/sessions/end-others", "/sign-out"]) {
      const fields = { name: "Ada", handle: "//evil.example", ...elsewhere };
      const response = await ada.post(`${path}?next=//evil.example`, fields, { referer: "https://evil.example/" });
      expect(response.status).toBe(303);
      expect(["/", "/#map", "/account", "/signed-out"]).toContain(response.headers.get("location"));
    }
  });

  test("a page runs no script and needs no style but the site's own", async () => {
    const ada = visitor(newSite());
    await ada.post("/cart", { add: "map" });
    await ada.post("/sign-in", { name: "Ada" });
    for (const path of ["/", "/account", "/signed-out", "/nowhere"]) {
      const response = await ada.fetch(path);
      expect(response.headers.get("content-security-policy")).toMatch(/^default-src 'none'; style-src 'self';/);
      expect(await response.text()).not.toMatch(/<script|<style|\sstyle=|\son\w+=|https?:/);
    }
  });
});

group("what is kept", () => {
  test("a visitor who only looks around leaves nothing behind and gets no cookie", async () => {
    const store = memoryStore();
    let writes = 0;
    const anna = visitor(
      newSite({
        ...store,
        create(...args) {
          writes += 1;
          return store.create(...args);
        },
      }),
    );
    for (const path of ["/", "/account", "/signed-out", "/nowhere", "/style.css", "/favicon.svg"])
      await anna.fetch(path);
    await anna.post("/cart", { add: "no such thing" });
    await anna.post("/cart", { add: "__proto__" });
    await anna.post("/order");
    await anna.post("/sign-out");
    await anna.post("/sessions/end-others");
    expect(anna.hasCookie()).toBe(false);
    expect(writes).toBe(0);
    await anna.post("/cart", { add: "map" });
    expect(anna.hasCookie()).toBe(true);
    expect(writes).toBe(1);
  });

  test("the history has pages only, the newest first, and never more than twelve", async () => {
    const ada = visitor(newSite());
    await ada.post("/sign-in", { name: "Ada" });
    await ada.fetch("/favicon.svg");
    await ada.fetch("/nowhere");
    await ada.fetch("/", { method: "HEAD" });
    await ada.fetch("/", { headers: { "sec-purpose": "prefetch" } });
    expect((await ada.view("/account")).visits.map((visit) => visit.page)).toEqual(["Your stay"]);
    for (let i = 0; i < 30; i++) await ada.fetch("/");
    const { visits } = await ada.view("/account");
    expect(visits.map((visit) => visit.page)).toEqual(["Your stay", ...Array<string>(11).fill("Shop")]);
  });

  test("a notice is shown once, and not to a HEAD request", async () => {
    const ada = visitor(newSite());
    await ada.post("/cart", { add: "map" });
    await ada.fetch("/", { method: "HEAD" });
    expect(await ada.page("/")).toContain("one more in your cart");
    expect(await ada.page("/")).not.toContain("one more in your cart");
  });

  test("the cart counts every one of a hundred parallel clicks, and goes down to nothing", async () => {
    const ada = visitor(newSite());
    await ada.post("/cart", { add: "cup" });
    await Promise.all(Array.from({ length: 100 }, (_, i) => ada.post("/cart", { add: i % 2 === 0 ? "cup" : "map" })));
    expect((await ada.view()).cart).toMatchObject({ count: 101, cents: 51 * 1400 + 50 * 900 });
    await Promise.all(Array.from({ length: 60 }, () => ada.post("/cart", { remove: "cup" })));
    expect((await ada.view()).cart.items.map(({ id, count }) => [id, count])).toEqual([["map", 50]]);
    await ada.post("/order");
    expect((await ada.view()).cart.count).toBe(0);
  });

  test("signing in keeps the cart of the same visitor; signing in as somebody else does not", async () => {
    const ada = visitor(newSite());
    await ada.post("/cart", { add: "map" });
    await ada.post("/sign-in", { name: "Ada" });
    expect(await ada.view()).toMatchObject({ name: "Ada", cart: { count: 1 } });
    await ada.post("/sign-in", { name: "Grace" });
    expect(await ada.view()).toMatchObject({ name: "Grace", cart: { count: 0 } });
  });

  test("with a store that fails the site says 503 and leaves the cookie alone", async () => {
    const store = memoryStore();
    let broken = false;
    const ada = visitor(
      newSite({
        ...store,
        read(key) {
          if (broken) throw new Error("no connection");
          return store.read(key);
        },
      }),
    );
    await ada.post("/sign-in", { name: "Ada" });
    const log = vi.spyOn(console, "error").mockImplementation(() => {});
    broken = true;
    const response = await ada.fetch("/account");
    expect(response.status).toBe(503);
    expect(response.headers.getSetCookie()).toEqual([]);
    expect(log.mock.lastCall?.[0]).toMatchObject({ code: "store_failed" });
    log.mockRestore();
    broken = false;
    expect((await ada.view()).name).toBe("Ada");
  });
});

group("a user's sessions", () => {
  const phone =
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 Version/18.0 Mobile/15E148 Safari/604.1";

  async function signedIn(site: (request: Request) => Promise<Response>, name: string, userAgent?: string) {
    const client = visitor(site, userAgent);
    await client.post("/sign-in", { name });
    return client;
  }

  test("are listed with their device, the current one first", async () => {
    const site = newSite();
    const desk = await signedIn(site, "Ada");
    await signedIn(site, "Ada", phone);
    const { sessions } = await desk.view("/account");
    expect(sessions.map(({ device, current }) => [device, current])).toEqual([
      ["Firefox on Linux", true],
      ["Safari on iPhone", false],
    ]);
  });

  test("can be ended one by one, or all but the current one", async () => {
    const site = newSite();
    const desk = await signedIn(site, "Ada");
    const others = await Promise.all([signedIn(site, "Ada", phone), signedIn(site, "Ada"), signedIn(site, "Ada")]);
    const there = (await desk.view("/account")).sessions.find((session) => session.device === "Safari on iPhone");
    await desk.post("/sessions/end", { handle: there?.handle ?? "" });
    expect(await Promise.all(others.map(async (other) => (await other.view()).name))).toEqual([
      undefined,
      "Ada",
      "Ada",
    ]);
    await desk.post("/sessions/end-others");
    expect(await desk.page("/account")).toContain("2 sessions ended");
    expect(await Promise.all(others.map(async (other) => (await other.view()).name))).toEqual([
      undefined,
      undefined,
      undefined,
    ]);
    expect((await desk.view("/account")).sessions).toHaveLength(1);
  });

  test("of somebody else cannot be ended, neither signed in nor not", async () => {
    const site = newSite();
    const ada = await signedIn(site, "Ada");
    const handle = (await ada.view("/account")).sessions[0]?.handle ?? "";
    expect(handle).toHaveLength(43);
    for (const attacker of [await signedIn(site, "Mallory"), visitor(site)]) {
      await attacker.post("/sessions/end", { handle });
      await attacker.post("/sessions/end-others");
      expect((await ada.view()).name).toBe("Ada");
    }
  });

  test("ending the current one is signing out", async () => {
    const ada = await signedIn(newSite(), "Ada");
    const handle = (await ada.view("/account")).sessions[0]?.handle ?? "";
    const response = await ada.post("/sessions/end", { handle });
    expect(response.headers.get("location")).toBe("/signed-out");
    expect(ada.hasCookie()).toBe(false);
  });
});

test.each([
  ["Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0", "Firefox on Linux"],
  [
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/140.0.0.0 Safari/537.36 Edg/140.0.0.0",
    "Edge on Windows",
  ],
  ["Mozilla/5.0 (Linux; Android 15) AppleWebKit/537.36 Chrome/140.0.0.0 Mobile Safari/537.36", "Chrome on Android"],
  [
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 Version/18.0 Safari/605.1.15",
    "Safari on macOS",
  ],
  ["curl/8.5.0", "curl"],
  ["<script>", "Some client"],
])("describe() calls %s %s", (agent, device) => {
  expect(describe(new Request(base, { headers: { "user-agent": agent } }))).toEqual({ device });
});
