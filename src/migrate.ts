/**
 * Sessions of other libraries, taken over one by one as their cookies come in, without signing anyone out: sources for
 * the option `migrateFrom` of `createSessions`. `docs/migrating.md` has the change for each library.
 *
 * @module
 */
export type { CallbackStore } from "./migrate/connect-like.ts";
export {
  type ExpressSessionOptions,
  expressSession,
  type FastifySessionOptions,
  fastifySession,
  type StoredData,
} from "./migrate/express-session.ts";
export {
  type H3SessionOptions,
  type HonoSessionsOptions,
  h3Session,
  honoSessions,
  type IronData,
  type IronPassword,
  type IronSessionOptions,
  ironSession,
} from "./migrate/iron.ts";
export { type AuthJsOptions, authJs, type Claims, type HonoSessionOptions, honoSession } from "./migrate/jwe.ts";
export {
  type CookieData,
  type CookieSessionOptions,
  cookieSession,
  type KoaSessionOptions,
  koaSession,
} from "./migrate/keygrip.ts";
export {
  type BetterAuthOptions,
  betterAuth,
  type LookedUp,
  type LookupOptions,
  lookupSession,
  lucia,
} from "./migrate/lookup.ts";
export {
  type ReactRouterOptions,
  type RemixSessionOptions,
  type RouterData,
  reactRouter,
  remixSession,
} from "./migrate/react-router.ts";
export { type FromSessionsOptions, fromSessions } from "./migrate/sojourn.ts";
export { migrationSource, type SourceOptions } from "./migrate/source.ts";
export type { Adopted, MigrationSource, OldCookie, OldSession, SourceDefinition, TakeOver } from "./migration.ts";
