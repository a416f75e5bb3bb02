import { SessionError } from "../errors.ts";
import type { SessionEvent } from "../events.ts";
import { must, oneOf } from "../option-checks.ts";
import { type Codec, copyOf } from "./codec.ts";
import { placesOf, type SchemaIssue, type StandardSchema } from "./schema.ts";
import { createValidator, type Data, invalid, isData, isShareable, type Validator } from "./validation.ts";

/** How data changes its shape, and what becomes of data that does not fit. */
export interface DataOptions {
  /** The version of the data's shape: a whole number from 1, the default. Count it up with a migration. */
  version?: number;
  /**
   * Functions from one version to the next: `{ 1: (data) => … }` makes data of version 2 out of data of version 1. Each
   * gets a copy when old data is read; what they return is stored with the next change.
   */
  migrate?: { readonly [from: number]: (data: Record<string, unknown>) => object };
  /**
   * What to do about stored data that does not fit the schema: throw `data_invalid` (`"throw"`, the default), go on
   * without data but keep who is signed in (`"reset"`), or take what a function returns instead. `"reset"` throws as
   * well where a newer version of the application wrote the data.
   */
  onInvalid?: "throw" | "reset" | ((data: Record<string, unknown>, issues: readonly SchemaIssue[]) => object);
}

/** Stored data, and whose it is. */
export interface StoredData {
  readonly data: Data;
  readonly version: number;
  readonly handle: string | undefined;
  readonly subject: string | undefined;
}

/** Stored data made ready for a request. Shared between requests: changes go to a copy. */
export interface OpenedData {
  /** What changes apply to: migrated, and with all that the schema does not know. */
  readonly data: Data;
  /** What the request reads: what the schema makes of `data`. */
  readonly view: Data;
  /** The version of `data`: ours, or a newer one. */
  readonly version: number;
}

/** The shape that a schema and a version give to data. */
export interface Shape {
  readonly version: number;
  /** Migrates and validates what is stored, once for each text. Throws `data_invalid`. */
  open(stored: StoredData): OpenedData;
  /** What a session without data reads as. */
  empty(): Data;
  /** Validates what is about to be stored, after changes to the keys `changed`. Throws `data_invalid`. */
  check(data: Data, version: number, changed: readonly string[]): void;
}

interface Rules extends Required<DataOptions> {
  readonly validator: Validator;
  readonly codec: Codec;
  readonly emit: (event: SessionEvent) => void;
}

/** Checks the options; `undefined` where data may be anything. Throws `TypeError` and `RangeError`. */
export function createShape(
  schema: StandardSchema | undefined,
  options: DataOptions,
  codec: Codec,
  emit: Rules["emit"],
): Shape | undefined {
  const { version = 1, migrate = {}, onInvalid = "throw" } = options;
  must(Number.isSafeInteger(version) && version > 0, "version", version, "a whole number from 1");
  checkMigrations(migrate, version);
  if (typeof onInvalid !== "function") oneOf("onInvalid", onInvalid, ["throw", "reset"]);
  if (schema === undefined && version === 1) {
    if (onInvalid !== "throw") throw new TypeError("onInvalid needs a schema that says which data is valid");
    return undefined;
  }
  const validator = createValidator(schema, codec);
  if (schema !== undefined) checkSchema(schema, validator, codec);
  const rules = { version, migrate: { ...migrate }, onInvalid, validator, codec, emit };
  // By the object that the decoder remembers for a text
  const known = new WeakMap<Data, OpenedData>();
  const remember = (data: Data, opened: OpenedData): OpenedData => {
    if (isShareable(opened.view)) known.set(data, opened);
    return opened;
  };
  return {
    version,
    open: (stored) => known.get(stored.data) ?? remember(stored.data, open(rules, stored)),
    empty: () => validator.viewOrThrow({}, "An empty session does not fit the schema"),
    check(data, of, changed) {
      const what = `Nothing was stored: after changes to ${changed.join(", ")} the data does not fit the schema`;
      const view = validator.viewOrThrow(data, what);
      validator.checkIdempotence(data, view);
      remember(data, { data, view, version: of });
    },
  };
}

function checkMigrations(migrate: unknown, version: number): void {
  must(typeof migrate === "object" && migrate !== null, "migrate", migrate, "an object such as { 1: (data) => … }");
  const steps = Object.entries(migrate as object);
  for (const [from, step] of steps) {
    const isStep = /^[1-9]\d*$/.test(from) && Number(from) < version;
    must(isStep, "a key of migrate", from, `a version from 1 to below ${version}: its function leads to the next`);
    must(typeof step === "function", `migrate[${from}]`, step, "a function");
  }
  const given = new Set(steps.map(([from]) => Number(from)));
  for (let from = Math.min(version, ...given); from < version; from++) {
    must(given.has(from), `migrate[${from}]`, undefined, "a function, since there is one for an older version");
  }
}

/** Every visitor begins with an empty session, so that one must be valid. */
function checkSchema(schema: StandardSchema, validator: Validator, codec: Codec): void {
  const standard = (schema as Partial<StandardSchema> | null)?.["~standard"];
  if (standard?.version !== 1 || typeof standard.validate !== "function") {
    throw new TypeError("schema must be a Standard Schema, as Zod, Valibot and ArkType make them");
  }
  let result: ReturnType<Validator["validate"]>;
  try {
    result = validator.validate({});
    if ("view" in result) {
      copyOf(codec, result.view, "session");
      validator.checkIdempotence({}, result.view);
    }
  } catch (cause) {
    throw new TypeError(`Cannot use this schema for sessions: ${(cause as Error).message}`, { cause });
  }
  if ("issues" in result) {
    const says = `${placesOf(result.issues)}: ${result.issues[0]?.message}`;
    throw new TypeError(`An empty session must fit the schema; make each key optional or give it a default (${says})`);
  }
}

function open(rules: Rules, stored: StoredData): OpenedData {
  const { validator, version, onInvalid, emit, codec } = rules;
  const { handle, subject } = stored;
  const data = stored.version < version ? migrateFrom(rules, stored) : stored.data;
  const result = data === undefined ? { issues: [TOO_OLD] } : validator.validate(data);
  if (data !== undefined && "view" in result) {
    return { data, view: result.view, version: Math.max(stored.version, version) };
  }
  const { issues } = result as { issues: readonly SchemaIssue[] };
  if (typeof onInvalid === "function") {
    const other = outcomeOf(rules, "onInvalid", () => onInvalid(copyOf(codec, stored.data, "data") as Data, issues));
    return {
      data: other,
      view: validator.viewOrThrow(other, "What onInvalid returned does not fit the schema"),
      version,
    };
  }
  if (onInvalid === "reset" && stored.version <= version) {
    emit({ type: "data_reset", handle, subject });
    return { data: {}, view: validator.viewOrThrow({}, "An empty session does not fit the schema"), version };
  }
  if (data !== undefined) throw invalid(`The stored data of version ${stored.version} does not fit the schema`, issues);
  throw new SessionError("data_invalid", `There is stored data of version ${stored.version}, and no migration from it`);
}

const TOO_OLD: SchemaIssue = { message: "No migration leads from the version of this data" };

/** `undefined`: there is no way from that version to ours. */
function migrateFrom(rules: Rules, { data, version }: StoredData): Data | undefined {
  let migrated = data;
  for (let from = version; from < rules.version; from++) {
    const step = Object.hasOwn(rules.migrate, from) ? rules.migrate[from] : undefined;
    if (step === undefined) return undefined;
    const before = copyOf(rules.codec, migrated, "data") as Data;
    migrated = outcomeOf(rules, `migrate[${from}]`, () => step(before));
  }
  return migrated;
}

/** The data that a function of the application gives, as it would come back from the store. */
function outcomeOf({ codec }: Rules, name: string, run: () => unknown): Data {
  let data: unknown;
  try {
    data = run();
  } catch (cause) {
    throw new SessionError("data_invalid", `${name} threw; what is stored is as it was`, { cause });
  }
  if (!isData(data)) throw new SessionError("data_invalid", `${name} must return an object of data, at once`);
  return copyOf(codec, data, "data") as Data;
}
