import type { MigrationSource } from "../migration.ts";
import type { Awaitable } from "../platform/awaitable.ts";
import { unsigned } from "./crypto.ts";
import { decoded, type SourceOptions, secretsOf, source, timeOf } from "./source.ts";

/** What the application finds of an old session in its own database. */
export interface LookedUp {
  /** Epoch milliseconds. */
  readonly createdAt?: number | undefined;
  /** Epoch milliseconds. */
  readonly expiresAt?: number | undefined;
}

/** Options of {@link lookupSession}. */
export interface LookupOptions<Old extends LookedUp> extends SourceOptions<Old> {
  /** The cookies that may hold the id or token, the first that is there counts. */
  readonly cookies: string | readonly string[];
  /** The session of that id in the application's database; nothing where it is unknown or over. */
  readonly lookup: (id: string) => Awaitable<Old | null | undefined>;
  /** Removes it there, by the same id. */
  readonly end?: (id: string) => Awaitable<unknown>;
}

/** Options of {@link betterAuth}. */
export interface BetterAuthOptions<Old extends LookedUp> extends Omit<LookupOptions<Old>, "cookies"> {
  /** `BETTER_AUTH_SECRET`. */
  readonly secret: string | readonly string[];
  /** Default `better-auth.session_token`, with and without `__Secure-`. */
  readonly cookies?: string | readonly string[];
}

/**
 * Sessions whose cookie is an id, or a token, of a row in the application's database: Auth.js with the strategy
 * `database`, Lucia, what one wrote oneself.
 *
 * @example
 * ```ts
 * const old = lookupSession({
 *   cookies: "auth_session",
 *   lookup: async (id) => (await lucia.validateSession(id)).session,
 *   adopt: ({ userId }) => ({ subject: userId }),
 *   end: (id) => lucia.invalidateSession(id),
 * });
 * ```
 */
export function lookupSession<Old extends LookedUp>(options: LookupOptions<Old>): MigrationSource<Old> {
  return byId("lookup", options, [options.cookies].flat(), async (value) => decoded(value));
}

/** Sessions of Lucia 3, through a lookup of the application's. The default cookie is `auth_session`. */
export function lucia<Old extends LookedUp>(
  options: Omit<LookupOptions<Old>, "cookies"> & { readonly cookies?: string | readonly string[] },
): MigrationSource<Old> {
  return byId("lucia", options, [options.cookies ?? "auth_session"].flat(), async (value) => decoded(value));
}

/**
 * Sessions of Better Auth, whose cookie is a signed token, through a lookup of the application's.
 * @throws TypeError when the secret is none
 */
export function betterAuth<Old extends LookedUp>(options: BetterAuthOptions<Old>): MigrationSource<Old> {
  const secrets = secretsOf("secret", options.secret);
  const usual = ["__Secure-better-auth.session_token", "better-auth.session_token"];
  return byId("better-auth", options, [options.cookies ?? usual].flat(), (value) => unsigned(decoded(value), secrets));
}

function byId<Old extends LookedUp>(
  library: string,
  options: Omit<LookupOptions<Old>, "cookies">,
  cookies: readonly string[],
  idOf: (value: string) => Promise<string | undefined>,
): MigrationSource<Old> {
  const { lookup, end } = options;
  if (typeof lookup !== "function") throw new TypeError("lookup must be a function from an id to the old session");
  return source<Old>(library, options, {
    cookies,
    async read(values) {
      const value = cookies.map((name) => values[name]).find((found) => found !== undefined && found !== "");
      const id = value === undefined ? undefined : await idOf(value);
      if (!id) return undefined;
      const load = async () => {
        const data = await lookup(id);
        return data ? { data, createdAt: timeOf(data.createdAt), expiresAt: timeOf(data.expiresAt) } : undefined;
      };
      return { proof: id, load };
    },
    ...(end && { end: (id) => end(id) }),
  });
}
