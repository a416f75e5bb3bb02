import type { MigrationSource, OldSession } from "../migration.ts";
import type { Session } from "../session/session.ts";
import type { Sessions } from "../sessions.ts";
import { type SourceOptions, source } from "./source.ts";

/** Options of {@link fromSessions}. */
export interface FromSessionsOptions<Data extends object> extends SourceOptions<Session<Data>> {
  /** The names of the old cookie, with `.1`, `.2` and so on for sealed sessions of several cookies. */
  readonly cookies: string | readonly string[];
}

/**
 * Sessions of this library that are kept another way: sealed ones that move into a store, those of another store, of
 * another cookie name or domain. `old` is made as before; data, subject and age are taken over.
 *
 * @example
 * ```ts
 * const old = createSessions({ store: sealedCookies({ keys }), cookie: { name: "app" } });
 * const sessions = createSessions({ store: redisStore(client), migrateFrom: [fromSessions(old, { cookies: "app" })] });
 * ```
 */
export function fromSessions<Data extends object>(
  old: Sessions<Data>,
  options: FromSessionsOptions<Data>,
): MigrationSource<Session<Data>> {
  const cookies = [options.cookies].flat();
  const adopt = options.adopt ?? ((session) => ({ subject: session.subject, data: session.all() }));
  return source(
    "sojourn",
    { ...options, adopt },
    {
      cookies,
      async read(values) {
        const cookie = cookies.flatMap((name) => (values[name] === undefined ? [] : [`${name}=${values[name]}`]));
        if (cookie.length === 0) return undefined;
        const header = cookie.join("; ");
        return { proof: header, load: () => find(old, header) };
      },
      async end(_proof, { data: session }) {
        session.destroy();
        await old.commit(session);
      },
    },
  );
}

async function find<Data extends object>(
  old: Sessions<Data>,
  header: string,
): Promise<OldSession<Session<Data>> | undefined> {
  const session = await old.load({
    url: "https://migration.invalid/",
    headers: { get: (name) => (name.toLowerCase() === "cookie" ? header : null) },
  });
  const { isNew, createdAt, expiresAt } = session;
  return isNew ? undefined : { data: session, createdAt, expiresAt };
}
