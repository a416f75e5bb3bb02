/** `c.var.session` has the types of the sessions that were mounted, without module augmentation. */
import { createSessions, type Session } from "@sojourn/session";
import { honoSession, type LazySessionEnv, type SessionEnv } from "@sojourn/session/hono";
import { Hono } from "hono";
import { expectTypeOf, test } from "vitest";

interface Data {
  visits: number;
}

const sessions = createSessions<Data>();

test("c.var.session is the session, with its data", () => {
  const app = new Hono<SessionEnv<Data>>();
  app.use(honoSession(sessions));
  app.get("/", (c) => {
    expectTypeOf(c.var.session).toEqualTypeOf<Session<Data>>();
    expectTypeOf(c.var.session.get("visits")).toEqualTypeOf<number | undefined>();
    // @ts-expect-error: no such key
    c.var.session.get("visit");
    // @ts-expect-error: not of this type
    c.var.session.set("visits", "1");
    return c.text("");
  });
});

test("chained, the type of the handlers follows from the middleware", () => {
  new Hono().use(honoSession(sessions)).get("/", (c) => {
    expectTypeOf(c.var.session).toEqualTypeOf<Session<Data>>();
    return c.text("");
  });
  new Hono().get("/", honoSession(sessions, { lazy: true }), async (c) => {
    expectTypeOf(c.var.session).toEqualTypeOf<() => Promise<Session<Data>>>();
    expectTypeOf((await c.var.session()).get("visits")).toEqualTypeOf<number | undefined>();
    return c.text("");
  });
});

test("with lazy, c.var.session opens it", () => {
  const app = new Hono<LazySessionEnv<Data>>();
  app.use(honoSession(sessions, { lazy: true }));
  app.get("/", async (c) => {
    expectTypeOf(c.var.session).toEqualTypeOf<() => Promise<Session<Data>>>();
    return c.text("");
  });
});

test("beside the bindings of one's own", () => {
  interface Env extends SessionEnv<Data> {
    Bindings: { DB: string };
  }
  const app = new Hono<Env>();
  app.use(honoSession(sessions));
  app.get("/", (c) => {
    expectTypeOf(c.env.DB).toBeString();
    expectTypeOf(c.var.session).toEqualTypeOf<Session<Data>>();
    return c.text("");
  });
});

test("with as, a second kind of sessions has a name and types of its own", () => {
  const staff = createSessions<{ role: string }>();
  const app = new Hono<SessionEnv<Data> & SessionEnv<{ role: string }, "staff">>();
  app.use(honoSession(sessions), honoSession(staff, { as: "staff" }));
  app.get("/", (c) => {
    expectTypeOf(c.var.session).toEqualTypeOf<Session<Data>>();
    expectTypeOf(c.var.staff).toEqualTypeOf<Session<{ role: string }>>();
    return c.text("");
  });
  new Hono().get("/", honoSession(staff, { as: "staff", lazy: true }), async (c) => {
    expectTypeOf(c.var.staff).toEqualTypeOf<() => Promise<Session<{ role: string }>>>();
    return c.text("");
  });
});
