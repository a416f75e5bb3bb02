/** What the types of a session take and give. */
import { createSessions, type DeepReadonly, type Session } from "@sojourn/session";
import { describe, expectTypeOf, test } from "vitest";

declare const brand: unique symbol;
type UserId = string & { readonly [brand]: "user" };
type Cents = number & { readonly [brand]: "cents" };

interface Data {
  user: UserId;
  total: Cents;
  cart: { id: UserId; items: string[]; price?: Cents }[];
  theme: "dark" | "light";
  nothing: null;
}

const sessions = createSessions<Data>();

describe("get", () => {
  test("gives branded primitives as they are", () => {
    sessions.wrap((_request, session) => {
      expectTypeOf(session.get("user")).toEqualTypeOf<UserId | undefined>();
      expectTypeOf(session.get("total")).toEqualTypeOf<Cents | undefined>();
      expectTypeOf(session.get("theme")).toEqualTypeOf<"dark" | "light" | undefined>();
      expectTypeOf(session.get("nothing")).toEqualTypeOf<null | undefined>();
      expectTypeOf(session.get("cart")?.[0]?.id).toEqualTypeOf<UserId | undefined>();
      return new Response();
    });
    expectTypeOf<DeepReadonly<bigint | symbol>>().toEqualTypeOf<bigint | symbol>();
    expectTypeOf<DeepReadonly<unknown>>().toEqualTypeOf<unknown>();
  });

  test("gives objects and arrays that cannot be changed", () => {
    sessions.wrap((_request, session) => {
      const cart = session.get("cart");
      // @ts-expect-error: read-only
      cart?.push();
      // @ts-expect-error: read-only all the way down
      if (cart?.[0]) cart[0].items = [];
      return new Response();
    });
  });
});

test("set and update take what get gave", () => {
  sessions.wrap((_request, session) => {
    session.set("cart", session.get("cart"));
    session.set("user", session.get("user"));
    session.set("theme", session.take("theme"));
    session.update("cart", () => session.get("cart"));
    session.update("cart", (cart = []) => [...cart, { id: "1" as UserId, items: [] }]);
    // @ts-expect-error: not the brand
    session.set("user", "ada");
    // @ts-expect-error: not of this type
    session.set("theme", "blue");
    // @ts-expect-error: not of this type
    session.update("theme", () => "blue");
    return new Response();
  });
});

test("a session whose data nobody named takes anything", () => {
  createSessions().wrap((_request, session) => {
    session.set("a", session.get("a"));
    session.set("b", [1, "x"]);
    expectTypeOf(session.get("a")).toEqualTypeOf<unknown>();
    return new Response();
  });
});

describe("wrap and wrapLazy", () => {
  interface FrameworkRequest extends Request {
    readonly params: { readonly id: string };
  }

  test("take a handler for a subclass of Request, and give one", () => {
    const fetch = sessions.wrap((request: FrameworkRequest, session, env: { KEY: string }) => {
      expectTypeOf(session).toEqualTypeOf<Session<Data>>();
      return new Response(request.params.id + env.KEY);
    });
    expectTypeOf(fetch).parameters.toEqualTypeOf<[request: FrameworkRequest, env: { KEY: string }]>();
    const lazy = sessions.wrapLazy(async (request: FrameworkRequest, open) => {
      expectTypeOf(await open()).toEqualTypeOf<Session<Data>>();
      return new Response(request.params.id);
    });
    expectTypeOf(lazy).parameters.toEqualTypeOf<[request: FrameworkRequest]>();
  });

  test("give a handler for Request where none is named", () => {
    const fetch = sessions.wrap((request, session) => {
      expectTypeOf(request).toEqualTypeOf<Request>();
      return new Response(session.get("user"));
    });
    expectTypeOf(fetch).parameters.toEqualTypeOf<[request: Request]>();
  });

  test("deliver knows the request and the platform's arguments", () => {
    sessions.wrap((_request: FrameworkRequest, _session, _event: { set(name: string): void }) => new Response(), {
      keepOn: (thrown) => thrown instanceof Response,
      deliver(headers, thrown, request, event) {
        expectTypeOf(headers).toEqualTypeOf<Headers>();
        expectTypeOf(thrown).toEqualTypeOf<unknown>();
        expectTypeOf(request).toEqualTypeOf<FrameworkRequest>();
        expectTypeOf(event).toEqualTypeOf<{ set(name: string): void }>();
      },
    });
  });
});
