import type { Adopted, MigrationSource, SourceDefinition } from "../migration.ts";
import type { Awaitable } from "../platform/awaitable.ts";
import { adoptSealed, sealedAnswer } from "../sealed/adopt.ts";
import { adopt, storedAnswer } from "../stored/adopt.ts";

/** What every source takes. */
export interface SourceOptions<Old> {
  /** Who is signed in and which data is kept; `undefined` to leave a session behind. Default: all data, nobody. */
  readonly adopt?: (old: Old) => Awaitable<Adopted | undefined>;
  /** From this moment on the source is ignored. Default: never. */
  readonly until?: Date;
  /** Leaves the old cookie and the old record alone, so that a deployment can be rolled back. Default false. */
  readonly keepOld?: boolean;
  /** The `Path` that the old cookies were set with. Default `/`. */
  readonly path?: string;
  /** The `Domain` that the old cookies were set with. Default none. */
  readonly domain?: string;
}

/** How long before the end of a source its coming is said: about two deployments. */
const SOON = 14 * 86_400_000;

/**
 * A source for sessions of any other kind. Warns when `until` is near: whoever comes back later has to sign in again.
 *
 * @example
 * ```ts
 * const old = migrationSource({
 *   name: "our own",
 *   cookies: ["sid"],
 *   read: ({ sid }) => ({ proof: sid!, load: async () => ({ data: await findOld(sid!) }) }),
 *   adopt: ({ userId, cart }) => ({ subject: userId, data: { cart } }),
 * });
 * ```
 * @throws TypeError when it has no name, no cookies or no `read`, or `until` is no date
 */
export function migrationSource<Old>(definition: SourceDefinition<Old>): MigrationSource<Old> {
  const { name, cookies, read, until } = definition;
  if (typeof name !== "string" || !Array.isArray(cookies) || cookies.length === 0 || typeof read !== "function") {
    throw new TypeError("A migration source needs a name, a list of cookies and read()");
  }
  if (until !== undefined) {
    // Not instanceof: a Date may come from another realm
    const end: unknown = typeof until?.getTime === "function" ? until.getTime() : undefined;
    if (typeof end !== "number" || Number.isNaN(end))
      throw new TypeError('until must be a Date that is valid, such as new Date("2027-01-31")');
    if (end - Date.now() < SOON)
      console.warn(`Sessions of "${name}" are taken over until ${new Date(end).toISOString()} only`);
  }
  return { ...definition, takeOver: { stored: adopt, sealed: adoptSealed, storedAnswer, sealedAnswer } };
}

/** A source of the given name: how it reads, and what the application chose. */
export function source<Old>(
  name: string,
  { adopt, until, keepOld, path, domain }: SourceOptions<Old>,
  reading: Pick<SourceDefinition<Old>, "cookies" | "read" | "end">,
): MigrationSource<Old> {
  return migrationSource({ name, ...reading, ...(adopt && { adopt }), until, keepOld, path, domain });
}

/**
 * The given secrets, the newest first, as a list.
 * @throws TypeError when there is none, or one is not a text
 */
export function secretsOf(what: string, secrets: unknown): readonly string[] {
  const list = [secrets].flat();
  if (list.length === 0 || list.some((secret) => typeof secret !== "string" || secret === "")) {
    throw new TypeError(`${what} must be the text, or the list of texts, that the old library was given`);
  }
  return list as string[];
}

/** `name` and the names of its chunks, as far as they can be told in advance. */
export function withChunks(name: string, from: 0 | 1, count = 10): string[] {
  return [name, ...Array.from({ length: count }, (_, at) => `${name}.${at + from}`)];
}

/** What stands in the chunks of `name`, up to the first that is missing. */
export function joinedChunks(values: Readonly<Record<string, string>>, name: string, from: 0 | 1): string {
  let whole = "";
  for (let at: number = from; values[`${name}.${at}`] !== undefined; at++) whole += values[`${name}.${at}`];
  return whole;
}

/** A percent-encoded cookie value as it was before; as it is where it cannot have been encoded. */
export function decoded(value: string): string {
  try {
    return decodeURIComponent(value);
  } catch {
    return value;
  }
}

/** The object that a text holds as JSON; `undefined` for anything else. */
export function objectOf(text: string | undefined): Record<string, unknown> | undefined {
  try {
    const value: unknown = text === undefined ? undefined : JSON.parse(text);
    return typeof value === "object" && value !== null && !Array.isArray(value)
      ? (value as Record<string, unknown>)
      : undefined;
  } catch {
    return undefined;
  }
}

/** Epoch milliseconds of a date in any of the forms that libraries store; `undefined` for anything else. */
export function timeOf(value: unknown): number | undefined {
  if (value === undefined || value === null || typeof value === "boolean") return undefined;
  const time = typeof value === "number" ? value : Date.parse(String(value));
  return Number.isFinite(time) ? time : undefined;
}
