import type { MigrationSource, OldSession } from "../migration.ts";
import { answer, type CallbackStore, checkStore } from "./connect-like.ts";
import { unsigned } from "./crypto.ts";
import { decoded, type SourceOptions, secretsOf, source, timeOf } from "./source.ts";

/** A session of express-session or @fastify/session: what the application put there, without `cookie`. */
export type StoredData = Record<string, unknown>;

/** Options of {@link expressSession}. */
export interface ExpressSessionOptions extends SourceOptions<StoredData> {
  /** Default `connect.sid`. */
  readonly name?: string;
  /** What the old middleware has as `secret`. */
  readonly secrets: string | readonly string[];
  /** The store that the old middleware has, any of them. */
  readonly store: CallbackStore;
}

/** Options of {@link fastifySession}. */
export interface FastifySessionOptions extends Omit<ExpressSessionOptions, "name"> {
  /** Default `sessionId`. */
  readonly cookieName?: string;
  /** What the old plugin has as `cookiePrefix`. Default none. */
  readonly cookiePrefix?: string;
}

/**
 * Sessions of express-session, from the store that they are in.
 *
 * @example
 * ```ts
 * const old = expressSession({
 *   secrets: [process.env.SECRET!],
 *   store: oldStore,
 *   adopt: ({ passport, cart }) => ({ subject: (passport as { user?: string })?.user, data: { cart } }),
 * });
 * const sessions = createSessions({ store, migrateFrom: [old] });
 * ```
 * @throws TypeError when the secrets or the store are none
 */
export function expressSession(options: ExpressSessionOptions): MigrationSource<StoredData> {
  return signedId("express-session", options.name ?? "connect.sid", "s:", options);
}

/**
 * Sessions of @fastify/session, from the store that they are in.
 * @throws TypeError when the secrets or the store are none
 */
export function fastifySession(options: FastifySessionOptions): MigrationSource<StoredData> {
  return signedId("@fastify/session", options.cookieName ?? "sessionId", options.cookiePrefix ?? "", options);
}

/** A cookie `prefix id . signature`, and the session under that id in a store with callbacks. */
function signedId(
  library: string,
  cookie: string,
  prefix: string,
  options: Omit<ExpressSessionOptions, "name">,
): MigrationSource<StoredData> {
  const secrets = secretsOf("secrets", options.secrets);
  const { store } = options;
  checkStore("store", store);

  return source(library, options, {
    cookies: [cookie],
    async read(values) {
      const value = decoded(values[cookie] ?? "");
      const id = value.startsWith(prefix) ? await unsigned(value.slice(prefix.length), secrets) : undefined;
      return id ? { proof: id, load: () => find(store, id) } : undefined;
    },
    end: (id) => answer((done) => store.destroy(id, done)),
  });
}

async function find(store: CallbackStore, id: string): Promise<OldSession<StoredData> | undefined> {
  const found = await answer<unknown>((done) => store.get(id, done));
  if (!found || typeof found !== "object") return undefined;
  const { cookie, ...data } = found as StoredData;
  const { expires, _expires } = (cookie ?? {}) as { expires?: unknown; _expires?: unknown };
  return { data, expiresAt: timeOf(expires ?? _expires) };
}
