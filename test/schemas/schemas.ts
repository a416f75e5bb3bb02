/** One shape in the schema languages that people use, from the real packages. */
import { type } from "arktype";
import { Schema } from "effect";
import * as v from "valibot";
import { z } from "zod";

/** The data of a shop: a cart with a default, a theme of two, a name that is trimmed. */
export const shops = {
  zod: z.object({
    cart: z.array(z.object({ id: z.number() })).default([]),
    theme: z.enum(["light", "dark"]).optional(),
    name: z.string().trim().optional(),
  }),
  valibot: v.object({
    cart: v.optional(v.array(v.object({ id: v.number() })), []),
    theme: v.optional(v.picklist(["light", "dark"])),
    name: v.optional(v.pipe(v.string(), v.trim())),
  }),
  arktype: type({
    "+": "delete",
    cart: type({ "+": "delete", id: "number" })
      .array()
      .default(() => []),
    "theme?": "'light' | 'dark'",
    "name?": "string.trim",
  }),
  effect: Schema.standardSchemaV1(
    Schema.Struct({
      cart: Schema.optionalWith(Schema.Array(Schema.Struct({ id: Schema.Number })), { default: () => [] }),
      theme: Schema.optional(Schema.Literal("light", "dark")),
      name: Schema.optional(Schema.Trim),
    }),
  ),
};

/** As {@link shops}, but it counts each value one up. */
export const counting = {
  zod: z.object({
    n: z
      .number()
      .transform((n) => n + 1)
      .optional(),
  }),
  valibot: v.object({
    n: v.optional(
      v.pipe(
        v.number(),
        v.transform((n) => n + 1),
      ),
    ),
  }),
  arktype: type({ "n?": type("number").pipe((n) => n + 1) }),
  effect: Schema.standardSchemaV1(
    Schema.Struct({
      n: Schema.optional(
        Schema.transform(Schema.Number, Schema.Number, { strict: true, decode: (n) => n + 1, encode: (n) => n - 1 }),
      ),
    }),
  ),
};

/** A key that must be there. */
export const strict = {
  zod: z.object({ name: z.string() }),
  valibot: v.object({ name: v.string() }),
  arktype: type({ name: "string" }),
  effect: Schema.standardSchemaV1(Schema.Struct({ name: Schema.String })),
};

/** Checks that answer later. */
export const late = {
  zod: z.object({
    name: z
      .string()
      .refine(async () => true)
      .optional(),
  }),
  valibot: v.objectAsync({
    name: v.optionalAsync(
      v.pipeAsync(
        v.string(),
        v.checkAsync(async () => true),
      ),
    ),
  }),
};
