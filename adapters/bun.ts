/**
 * Sessions on Bun: a typed handler for `Bun.serve`, and the stores on what Bun brings along, `bun:sqlite` and its Redis
 * client.
 *
 * @example
 * ```ts
 * import { Database } from "bun:sqlite";
 * import { createSessions } from "@sojourn/session";
 * import { bunHandler, bunSqliteStore } from "@sojourn/session/bun";
 *
 * const sessions = createSessions<{ visits: number }>({ store: bunSqliteStore(new Database("sessions.db")) });
 *
 * Bun.serve({
 *   routes: {
 *     "/users/:id": bunHandler(sessions, (request, session) =>
 *       Response.json({ id: request.params.id, visits: session.get("visits") }),
 *     ),
 *   },
 *   fetch: bunHandler(sessions, (_request, session) => {
 *     session.update("visits", (visits = 0) => visits + 1);
 *     return new Response(`Visit ${session.get("visits")}`);
 *   }),
 * });
 * ```
 *
 * @module
 */
import type { Session, Sessions } from "../src/index.ts";
import {
  type SqliteDatabase,
  type SqlStore,
  type SqlStoreOptions,
  setUpSqlite,
  sqliteStore,
} from "../src/stores/sqlite.ts";

export { type RedisClient, type RedisStoreOptions, redisStore } from "../src/stores/redis.ts";
export type { SqliteDatabase, SqliteStatement, SqlStore, SqlStoreOptions } from "../src/stores/sqlite.ts";

/**
 * Puts a session around a handler of `Bun.serve`, for `fetch` and for each of `routes`: the request keeps Bun's own
 * type, with `params` and `cookies`, and the server is passed on. For handlers that never upgrade, `sessions.wrap()`
 * does as well.
 *
 * A handler that called `server.upgrade(request)` returns `undefined`, and so does this one. Changes to a session that
 * exists are saved; a new session or a sign-in throws `cookie_undeliverable`, because the answer to an upgrade is
 * already on its way without a cookie.
 *
 * @example
 * ```ts
 * fetch: bunHandler(sessions, (request, session, server) => {
 *   if (server.upgrade(request, { data: { user: session.subject } })) return undefined;
 *   return new Response("This is for web sockets", { status: 426 });
 * }),
 * ```
 */
export function bunHandler<
  Data extends object,
  BunRequest extends Request,
  Server,
  Answer extends Response | undefined,
>(
  sessions: Sessions<Data>,
  handler: (request: BunRequest, session: Session<Data>, server: Server) => Answer | Promise<Answer>,
): (request: BunRequest, server: Server) => Promise<Answer> {
  // wrap() hands through what it gets: the very request, and `undefined` in place of a response. Its types are those of
  // the Fetch API.
  const wrapped = sessions.wrap(
    handler as unknown as (request: Request, session: Session<Data>, server: Server) => Promise<Response>,
  );
  return wrapped as unknown as (request: BunRequest, server: Server) => Promise<Answer>;
}

/**
 * Keeps sessions in a database of `bun:sqlite`: `bunSqliteStore(new Database("sessions.db"))`. It sets the database up
 * for a server, which `sqliteStore` leaves to you: {@link setUpSqlite}, and the table, where it is not there yet.
 *
 * Every method answers at once, without a promise. Expired rows stay until `sessions.sweep()` is called, now and then.
 *
 * @throws {TypeError} when `database` is none, or the table's name is not a plain name.
 */
export function bunSqliteStore(database: SqliteDatabase, options: SqlStoreOptions = {}): SqlStore {
  const store = sqliteStore(setUpSqlite(database), options);
  // A promise only when another process has the lock for longer than that; then the first use says what is wrong.
  Promise.resolve(store.createTable()).catch(() => {});
  return store;
}
