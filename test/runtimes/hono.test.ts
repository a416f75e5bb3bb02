import { createSessions, memoryStore, type SessionStore } from "@sojourn/session";
import { honoSession, type LazySessionEnv, type SessionEnv } from "@sojourn/session/hono";
import { Hono } from "hono";
import { cache } from "hono/cache";
import { etag } from "hono/etag";
import { stream } from "hono/streaming";
import { describe, expect, test } from "vitest";
import { serve } from "./node/client.ts";

interface Data {
  n: number;
}

interface Counted extends SessionStore {
  readonly reads: number;
  readonly writes: number;
}

function countedStore(): Counted {
  const store = memoryStore();
  let reads = 0;
  let writes = 0;
  return {
    ...store,
    read(...args) {
      reads++;
      return store.read(...args);
    },
    create(...args) {
      writes++;
      return store.create(...args);
    },
    update(...args) {
      writes++;
      return store.update(...args);
    },
    get reads() {
      return reads;
    },
    get writes() {
      return writes;
    },
  };
}

function newApp(store: SessionStore = memoryStore()): Hono<SessionEnv<Data>> {
  const app = new Hono<SessionEnv<Data>>();
  app.use(honoSession(createSessions<Data>({ store })));
  app.get("/write", (c) => {
    c.var.session.update("n", (n = 0) => n + 1);
    return c.text("written");
  });
  app.get("/read", (c) => c.text(`n=${c.var.session.get("n")}`));
  return app;
}

const cookieOf = (response: Response): string => response.headers.getSetCookie()[0]?.split(";", 1)[0] ?? "";
const sending = (cookie: string): RequestInit => ({ headers: { cookie } });

describe("honoSession", () => {
  test("a write is there for the next request, under one cookie and with no-store", async () => {
    const app = newApp();
    const response = await app.request("/write");
    expect(response.headers.getSetCookie()).toHaveLength(1);
    expect([response.headers.get("cache-control"), response.headers.get("vary")]).toEqual(["no-store", "Cookie"]);
    expect(await (await app.request("/read", sending(cookieOf(response)))).text()).toBe("n=1");
  });

  test("a response that has nothing to do with the session is left alone", async () => {
    const store = countedStore();
    const app = newApp(store);
    app.get("/static", (c) => c.text("same for all", 200, { "cache-control": "public, max-age=60" }));
    const response = await app.request("/static");
    expect([response.headers.get("cache-control"), response.headers.get("vary")]).toEqual(["public, max-age=60", null]);
    expect([store.reads, store.writes]).toEqual([0, 0]);
  });

  test("lazy: nothing is read until a handler asks, and two that ask get the same session", async () => {
    const store = countedStore();
    const sessions = createSessions<Data>({ store });
    const app = new Hono<LazySessionEnv<Data>>();
    app.use(honoSession(sessions, { lazy: true }));
    app.get("/static", (c) => c.text("same for all"));
    app.get("/write", async (c) => {
      (await c.var.session()).set("n", 1);
      return c.text(String((await c.var.session()).get("n")));
    });
    const response = await app.request("/write");
    expect(await response.text()).toBe("1");
    const reads = store.reads;
    const untouched = await app.request("/static", sending(cookieOf(response)));
    expect([store.reads, untouched.headers.get("vary")]).toEqual([reads, null]);
    await app.request("/write", sending(cookieOf(response)));
    expect(store.reads).toBe(reads + 1);
  });

  test("lazy: a store that fails fails the request that asked, and no other", async () => {
    const store = { ...memoryStore(), read: () => Promise.reject(new Error("down")) };
    const app = new Hono<LazySessionEnv<Data>>();
    app.onError((error, c) => c.text((error as { code?: string }).code ?? "", 503));
    app.use(honoSession(createSessions<Data>({ store }), { lazy: true }));
    app.get("/static", (c) => c.text("fine"));
    app.get("/read", async (c) => c.text(String((await c.var.session()).get("n"))));
    app.get("/caught", async (c) =>
      c.text(
        await c.var.session().then(
          () => "read",
          () => "cannot tell",
        ),
      ),
    );
    const cookie = sending(`__Host-Http-session=${"A".repeat(43)}`);
    expect(await (await app.request("/static", cookie)).text()).toBe("fine");
    expect(await (await app.request("/read", cookie)).text()).toBe("store_failed");
    const caught = await app.request("/caught", cookie);
    expect([caught.status, await caught.text(), caught.headers.getSetCookie()]).toEqual([200, "cannot tell", []]);
  });

  test("a handler that throws has nothing committed, with and without onError", async () => {
    for (const handled of [true, false]) {
      const store = countedStore();
      const app = newApp(store);
      if (handled) app.onError((_error, c) => c.text("sorry", 500));
      app.get("/throw", (c) => {
        c.var.session.set("n", 1);
        throw new Error("bug");
      });
      const response = await app.request("/throw");
      expect([response.status, response.headers.getSetCookie(), store.writes]).toEqual([500, [], 0]);
    }
  });

  test("a session is closed when its request is over, also when a handler threw", async () => {
    const app = newApp();
    let kept: { set(key: "n", value: number): void } | undefined;
    app.get("/keep", (c) => {
      kept = c.var.session;
      return c.text("");
    });
    app.get("/throw", (c) => {
      kept = c.var.session;
      throw new Error("bug");
    });
    for (const path of ["/keep", "/throw"]) {
      await app.request(path);
      expect(() => kept?.set("n", 1)).toThrow(expect.objectContaining({ code: "session_committed" }));
    }
  });

  test("a store that cannot be written is an error to onError, and the cookie is left alone", async () => {
    let down = false;
    const store = memoryStore();
    const app = newApp({
      ...store,
      update: (...args) => (down ? Promise.reject(new Error("down")) : store.update(...args)),
    });
    app.onError((error, c) => c.text((error as { code?: string }).code ?? "", 503));
    const cookie = cookieOf(await app.request("/write"));
    down = true;
    const response = await app.request("/write", sending(cookie));
    expect([response.status, await response.text(), response.headers.getSetCookie()]).toEqual([
      503,
      "store_failed",
      [],
    ]);
    down = false;
    expect(await (await app.request("/read", sending(cookie))).text()).toBe("n=1");
  });

  test("an error page finds an empty session that refuses writes when its own could not be loaded", async () => {
    let down = false;
    const store = memoryStore();
    const app = newApp({ ...store, read: (key) => (down ? Promise.reject(new Error("down")) : store.read(key)) });
    app.onError((error, c) => {
      const { session } = c.var;
      expect(() => session.set("n", 2)).toThrow(expect.objectContaining({ code: "session_unavailable" }));
      return c.text(`${(error as { code?: string }).code} n=${session.get("n")}`, 503);
    });
    const cookie = cookieOf(await app.request("/write"));
    down = true;
    const response = await app.request("/read", sending(cookie));
    expect([response.status, await response.text(), response.headers.getSetCookie()]).toEqual([
      503,
      "store_failed n=undefined",
      [],
    ]);
  });

  test("a handler that throws a bare Response has nothing committed, as Hono knows no such answer", async () => {
    const store = countedStore();
    const app = newApp(store);
    app.get("/throw", (c) => {
      c.var.session.set("n", 1);
      throw new Response("thrown");
    });
    await expect((async () => app.request("/throw"))()).rejects.toBeInstanceOf(Response);
    expect(store.writes).toBe(0);
  });

  test("mounted on an app and again on one inside it: one load, one commit, one cookie", async () => {
    const store = countedStore();
    const sessions = createSessions<Data>({ store });
    const inner = new Hono<SessionEnv<Data>>();
    inner.use(honoSession(sessions));
    inner.get("/write", (c) => {
      c.var.session.update("n", (n = 0) => n + 1);
      return c.text("written");
    });
    const app = new Hono<SessionEnv<Data>>();
    app.use(honoSession(sessions));
    app.use(async (c, next) => {
      await next();
      c.var.session.update("n", (n = 0) => n + 10); // the outer one commits, so this still counts
    });
    app.route("/inner", inner);
    const response = await app.request("/inner/write");
    expect([response.headers.getSetCookie().length, store.writes]).toEqual([1, 1]);
    const cookie = cookieOf(response);
    const reads = store.reads;
    await app.request("/inner/write", sending(cookie));
    expect(store.reads - reads).toBe(1);
  });

  test("an immutable redirect and the response of a fetch get the cookie, and keep what they had", async () => {
    const app = newApp();
    const responses: Record<string, () => Response | Promise<Response>> = {
      redirect: () => Response.redirect("https://example.com/next", 303),
      data: () => fetch("data:text/plain,from%20there"),
    };
    for (const [name, make] of Object.entries(responses)) {
      app.get(`/${name}`, async (c) => {
        c.var.session.set("n", 1);
        c.header("x-before", "kept");
        return make();
      });
    }
    const redirect = await app.request("/redirect");
    expect([redirect.status, redirect.headers.get("location"), redirect.headers.getSetCookie().length]).toEqual([
      303,
      "https://example.com/next",
      1,
    ]);
    const fetched = await app.request("/data");
    expect([await fetched.text(), fetched.headers.getSetCookie().length]).toEqual(["from there", 1]);
  });

  test("the response of a fetch keeps its own cookies beside ours", async () => {
    const origin = await serve((_request, response) =>
      response.setHeader("set-cookie", ["a=1", "b=2"]).end("from there"),
    );
    const app = newApp();
    app.get("/proxy", (c) => {
      c.var.session.set("n", 1);
      return fetch(origin.url);
    });
    const response = await app.request("/proxy");
    expect(await response.text()).toBe("from there");
    expect(response.headers.getSetCookie().map((line) => line.split("=")[0])).toEqual([
      "a",
      "b",
      "__Host-Http-session",
    ]);
    await origin.close();
  });

  test("c.redirect(), c.notFound() and a foreign cookie", async () => {
    const app = newApp();
    app.get("/go", (c) => {
      c.var.session.set("n", 1);
      c.header("set-cookie", "a=1", { append: true });
      return c.redirect("/read", 303);
    });
    app.get("/none", (c) => {
      c.var.session.set("n", 1);
      return c.notFound();
    });
    const redirect = await app.request("/go");
    expect(redirect.headers.getSetCookie().map((line) => line.split("=")[0])).toEqual(["a", "__Host-Http-session"]);
    const none = await app.request("/none");
    expect([none.status, none.headers.getSetCookie().length]).toEqual([404, 1]);
  });

  test("a stream is saved before its first piece, and a write from inside it throws", async () => {
    const app = newApp();
    let thrown: unknown;
    let more = (): void => {};
    const later = new Promise<void>((resolve) => {
      more = resolve;
    });
    app.get("/stream", (c) => {
      const { session } = c.var;
      session.set("n", 1);
      return stream(c, async (body) => {
        await body.write("first ");
        await later;
        try {
          session.set("n", 2);
        } catch (error) {
          thrown = (error as { code: string }).code;
        }
        await body.write("second");
      });
    });
    const response = await app.request("/stream");
    expect(await (await app.request("/read", sending(cookieOf(response)))).text()).toBe("n=1");
    more();
    expect(await response.text()).toBe("first second");
    expect(thrown).toBe("session_committed");
  });

  test("Response.error(), a 304 and an upgrade pass, and a new session in an upgrade is an error", async () => {
    const app = newApp();
    app.onError((error, c) => c.text((error as { code?: string }).code ?? String(error), 503));
    app.get("/error", () => Response.error());
    app.get("/304", (c) => {
      c.var.session.set("n", 1);
      return c.body(null, 304);
    });
    // No runtime but Workers makes a real one
    const upgrade = Object.defineProperty(new Response(null), "status", { value: 101 });
    app.get("/upgrade", (c) => {
      c.var.session.get("n");
      return upgrade;
    });
    app.get("/upgrade-new", (c) => {
      c.var.session.set("n", 1);
      return upgrade;
    });
    expect((await app.request("/error")).type).toBe("error");
    const notModified = await app.request("/304");
    expect([notModified.status, notModified.headers.getSetCookie().length]).toEqual([304, 1]);
    expect(await app.request("/upgrade")).toBe(upgrade);
    expect(await (await app.request("/upgrade-new")).text()).toBe("cookie_undeliverable");
  });

  test("hono/etag outside of it and a page of somebody's data: 304 for the same page", async () => {
    const app = new Hono<SessionEnv<Data>>();
    app.use(etag());
    app.route("/", newApp());
    const cookie = cookieOf(await app.request("/write"));
    const page = await app.request("/read", sending(cookie));
    const tag = page.headers.get("etag") ?? "";
    const again = await app.request("/read", { headers: { cookie, "if-none-match": tag } });
    expect([again.status, again.headers.get("cache-control")]).toEqual([304, "no-store"]);
  });

  test("hono/cache outside of it does not keep a page with somebody's data", async () => {
    const kept: string[] = [];
    const caches = {
      open: async () => ({
        match: async () => undefined,
        put: async (_key: string, page: Response) => void kept.push(await page.text()),
      }),
    };
    const former = Reflect.get(globalThis, "caches");
    Reflect.set(globalThis, "caches", caches);
    try {
      const app = new Hono<SessionEnv<Data>>();
      app.use(cache({ cacheName: "test", wait: true }));
      app.route("/", newApp());
      app.get("/static", (c) => c.text("same for all"));
      const cookie = cookieOf(await app.request("http://localhost/write"));
      await app.request("http://localhost/read", sending(cookie));
      await app.request("http://localhost/static");
      expect(kept).toEqual(["same for all"]);
    } finally {
      Reflect.set(globalThis, "caches", former);
    }
  });
});
