/** The type of a session's data follows from its schema, through everything that hands a session on. */
import {
  createSessions,
  type Session,
  type Sessions,
  type SessionsOptions,
  type StandardSchema,
} from "@sojourn/session";
import { honoSession } from "@sojourn/session/hono";
import { sessionMiddleware, type WithSession } from "@sojourn/session/node";
import { Hono } from "hono";
import { expectTypeOf, test } from "vitest";

interface Data {
  cart: string[];
  theme?: "light" | "dark" | undefined;
}

declare const schema: StandardSchema<{ cart?: string[]; theme?: "light" | "dark" | undefined }, Data>;

function make(): Sessions<Data> {
  const sessions = createSessions({
    schema,
    version: 2,
    migrate: { 1: ({ basket, ...rest }) => ({ ...rest, cart: basket }) },
  });
  expectTypeOf(sessions).toEqualTypeOf<Sessions<Data>>();
  return sessions;
}

test("createSessions, wrap, wrapLazy and load", () => {
  const run = async () => {
    const sessions = make();
    sessions.wrap((_request, session) => {
      expectTypeOf(session).toEqualTypeOf<Session<Data>>();
      expectTypeOf(session.get("theme")).toEqualTypeOf<"light" | "dark" | undefined>();
      session.update("cart", (cart = []) => [...cart, "book"]);
      // @ts-expect-error: no such key
      session.get("basket");
      // @ts-expect-error: not of this type
      session.set("theme", "blue");
      return new Response();
    });
    sessions.wrapLazy(async (_request, open) => {
      expectTypeOf(await open()).toEqualTypeOf<Session<Data>>();
      return new Response();
    });
    expectTypeOf(await sessions.load(new Request("http://localhost/"))).toEqualTypeOf<Session<Data>>();
  };
  expectTypeOf(run).toBeFunction();
});

test("the adapters", () => {
  const run = () => {
    new Hono().use(honoSession(make())).get("/", (c) => {
      expectTypeOf(c.var.session).toEqualTypeOf<Session<Data>>();
      return c.text("");
    });
    sessionMiddleware(make());
    expectTypeOf<WithSession<Data>["session"]>().toEqualTypeOf<Session<Data>>();
  };
  expectTypeOf(run).toBeFunction();
});

test("what a schema gives it must take", () => {
  const run = () => {
    const parses = null as unknown as StandardSchema<{ age?: string }, { age?: number }>;
    // @ts-expect-error: the output of the schema must fit its input
    createSessions({ schema: parses });
    const text = null as unknown as StandardSchema<string>;
    // @ts-expect-error: the data of a session is an object
    createSessions({ schema: text });
  };
  expectTypeOf(run).toBeFunction();
});

test("without a schema the type is named", () => {
  expectTypeOf(createSessions()).toEqualTypeOf<Sessions>();
  expectTypeOf(createSessions<Data>()).toEqualTypeOf<Sessions<Data>>();
  const options: SessionsOptions = {};
  expectTypeOf(createSessions<Data>(options)).toEqualTypeOf<Sessions<Data>>();
  expectTypeOf(createSessions(options)).toEqualTypeOf<Sessions>();
});
