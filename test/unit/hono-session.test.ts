import { Hono } from "hono";
import { HTTPException } from "hono/http-exception";
import { describe, expect, test } from "vitest";
import { honoSession, type SessionEnv } from "../../adapters/hono.ts";
import { createSessions } from "../../src/index.ts";
import { COOKIE, cookiesOf } from "../support/process.ts";

interface Data {
  attempts: number;
}

const cookie = (response: Response) => ({ headers: { cookie: `${COOKIE}=${cookiesOf(response)[0]}` } });

describe("an HTTPException", () => {
  function app(thrown: unknown) {
    const sessions = createSessions<Data>();
    return new Hono<SessionEnv<Data>>()
      .use(honoSession(sessions))
      .get("/attempts", (c) => c.text(String(c.var.session.get("attempts"))))
      .get("/login", (c) => {
        c.var.session.update("attempts", (n = 0) => n + 1);
        throw thrown;
      });
  }

  test("is an answer: what was set before it is stored, and its response has the cookie", async () => {
    const own = new Response("No.", { status: 401, headers: { "www-authenticate": "Basic" } });
    const hono = app(new HTTPException(401, { res: own }));
    const response = await hono.request("/login");
    expect([response.status, response.headers.get("www-authenticate"), await response.text()]).toEqual([
      401,
      "Basic",
      "No.",
    ]);
    expect(response.headers.get("cache-control")).toBe("no-store");
    expect(own.headers.getSetCookie()).toEqual([]);
    expect(await (await hono.request("/attempts", cookie(response))).text()).toBe("1");
  });

  test("keeps it also where onError makes the response", async () => {
    const hono = app(new HTTPException(403)).onError((_error, c) => c.text("Own page.", 403));
    const response = await hono.request("/login");
    expect(await response.text()).toBe("Own page.");
    expect(cookiesOf(response)).toHaveLength(1);
  });

  test("any other error stores nothing", async () => {
    const hono = app(new Error("bug")).onError((_error, c) => c.text("Sorry.", 500));
    expect((await hono.request("/login")).headers.getSetCookie()).toEqual([]);
  });
});

describe("as", () => {
  const customers = createSessions<Data>();
  const staff = createSessions<{ role: string }>({ cookie: { name: "__Host-staff" } });

  test("puts a second kind of sessions beside the first", async () => {
    const app = new Hono().use(honoSession(customers), honoSession(staff, { as: "staff" })).get("/", (c) => {
      c.var.session.set("attempts", 1);
      c.var.staff.set("role", "support");
      return c.text("");
    });
    const lines = (await app.request("/")).headers.getSetCookie();
    expect(lines.map((line) => line.split("=")[0])).toEqual(["__Host-staff", COOKIE]);
  });

  test("with lazy too", async () => {
    const app = new Hono().use(honoSession(staff, { as: "staff", lazy: true })).get("/", async (c) => {
      (await c.var.staff()).set("role", "support");
      return c.text("");
    });
    expect((await app.request("/")).headers.getSetCookie()).toHaveLength(1);
  });

  test("mounted twice, lazily and not, under two names: one session", async () => {
    for (const [outer, inner] of [
      [false, true],
      [true, false],
      [true, true],
      [false, false],
    ]) {
      const app = new Hono<SessionEnv<Data> & { Variables: { again: unknown } }>()
        .use(honoSession(customers, { lazy: outer as false }))
        .use(async (c, next) => {
          c.req.raw = new Request(c.req.raw); // as middleware for bodies does
          await next();
        })
        .use(honoSession(customers, { as: "again", lazy: inner as false }))
        .get("/", async (c) => {
          const sessions = [c.var.session, c.var.again].map((each: unknown) =>
            each instanceof Function ? each() : each,
          );
          const [one, two] = await Promise.all(sessions);
          expect(one).toBe(two);
          one.set("attempts", 1);
          return c.text("");
        });
      expect((await app.request("/")).headers.getSetCookie()).toHaveLength(1);
    }
  });

  test("a name that is none is refused", () => {
    expect(() => honoSession(customers, { as: "" })).toThrow(/as must be the name of a variable/);
    expect(() => honoSession(customers, { as: 1 as unknown as string })).toThrow(TypeError);
  });
});
