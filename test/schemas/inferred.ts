/** The type of a session's data follows from schemas of the real libraries. For the compiler alone. */
import { createSessions, type Session } from "@sojourn/session";
import { type } from "arktype";
import { Schema } from "effect";
import * as v from "valibot";
import { expectTypeOf } from "vitest";
import { z } from "zod";
import { shops } from "./schemas.ts";

export function inferred(): void {
  const inZod = createSessions({ schema: shops.zod });
  const inValibot = createSessions({ schema: shops.valibot });
  const inArkType = createSessions({ schema: shops.arktype });
  const inEffect = createSessions({ schema: shops.effect });
  type Theme = "light" | "dark" | undefined;
  inZod.wrap((_, session) => {
    expectTypeOf(session).toEqualTypeOf<Session<z.output<typeof shops.zod>>>();
    expectTypeOf(session.get("theme")).toEqualTypeOf<Theme>();
    session.update("cart", (cart = []) => [...cart, { id: 1 }]);
    // @ts-expect-error: not of this type
    session.set("theme", "blue");
    return new Response();
  });
  inValibot.wrap((_, session) => {
    expectTypeOf(session.get("theme")).toEqualTypeOf<Theme>();
    session.update("cart", (cart = []) => [...cart, { id: 1 }]);
    return new Response();
  });
  inArkType.wrap((_, session) => {
    expectTypeOf(session.get("theme")).toEqualTypeOf<Theme>();
    session.update("cart", (cart = []) => [...cart, { id: 1 }]);
    return new Response();
  });
  inEffect.wrap((_, session) => {
    expectTypeOf(session.get("theme")).toEqualTypeOf<Theme>();
    session.update("cart", (cart = []) => [...cart, { id: 1 }]);
    return new Response();
  });
  // @ts-expect-error: text in, a number out
  createSessions({ schema: z.object({ n: z.string().transform(Number).optional() }) });
  // @ts-expect-error: text in, a number out
  createSessions({ schema: v.object({ n: v.optional(v.pipe(v.string(), v.transform(Number))) }) });
  // @ts-expect-error: text in, a number out
  createSessions({ schema: type({ "n?": "string.numeric.parse" }) });
  // @ts-expect-error: text in, a number out
  createSessions({ schema: Schema.standardSchemaV1(Schema.Struct({ n: Schema.optional(Schema.NumberFromString) })) });
}
