/**
 * The part of Standard Schema (https://standardschema.dev, version 1) that sessions use. Zod, Valibot, ArkType, Effect
 * and many others implement it.
 */
export interface StandardSchema<Input = unknown, Output = Input> {
  /** What the standard asks of a schema. */
  readonly "~standard": {
    /** Of the standard. */
    readonly version: 1;
    /** The library that made the schema. */
    readonly vendor: string;
    /** Holds a value against the schema. Sessions need an answer at once. */
    readonly validate: (value: unknown) => SchemaResult<Output> | Promise<SchemaResult<Output>>;
    /** For inference alone. */
    readonly types?: { readonly input: Input; readonly output: Output } | undefined;
  };
}

/** What a schema says about a value. */
export type SchemaResult<Output> =
  | {
      /** The value as the schema gives it. */
      readonly value: Output;
      /** None: it fits. */
      readonly issues?: undefined;
    }
  | {
      /** Why it does not fit. */
      readonly issues: readonly SchemaIssue[];
    };

/** One way in which a value does not fit. */
export interface SchemaIssue {
  /** For people. May repeat the value: do not log it. */
  readonly message: string;
  /** The keys that lead to the place. */
  readonly path?: readonly (PropertyKey | { readonly key: PropertyKey })[] | undefined;
}

/** The type of the data that a schema gives. */
export type SchemaOutput<Schema extends StandardSchema> = NonNullable<
  Schema["~standard"]["types"]
>["output"] extends infer Data extends object
  ? Data
  : never;

/**
 * `unknown` for a schema of objects that takes what it gives, so that `Schema & StableSchema<Schema>` is the schema:
 * what a request read, it may write.
 */
export type StableSchema<Schema extends StandardSchema> = NonNullable<
  Schema["~standard"]["types"]
>["output"] extends object & NonNullable<Schema["~standard"]["types"]>["input"]
  ? unknown
  : { readonly "the schema must give an object, and take what it gives": never };

/** Where the issues are, as `"cart[0].price"`; without a word of the data but its keys. */
export function placesOf(issues: readonly SchemaIssue[]): string {
  const places = new Set(issues.map(({ path = [] }) => placeOf(path)));
  const named = [...places].slice(0, MOST_PLACES).join(", ");
  return places.size > MOST_PLACES ? `${named} and ${places.size - MOST_PLACES} more places` : named;
}

const MOST_PLACES = 5;

function placeOf(path: NonNullable<SchemaIssue["path"]>): string {
  if (path.length === 0) return "the top";
  const keys = path.map((segment) => (typeof segment === "object" ? segment.key : segment));
  const text = keys.map((key) => (typeof key === "number" ? `[${key}]` : `.${String(key)}`)).join("");
  return JSON.stringify(text.replace(/^\./, "").slice(0, 200));
}
