import type { MigrationSource, OldSession } from "../migration.ts";
import type { Session } from "../session/session.ts";
import type { Sessions } from "../sessions.ts";
import { type SourceOptions, source, withChunks } from "./source.ts";

/** Options of {@link fromSessions}. */
export interface FromSessionsOptions<Data extends object> extends SourceOptions<Session<Data>> {
  /** The name of the old cookie. For two names, as of `secure: "auto"`, give two sources. */
  readonly cookie: string;
}

/**
 * Sessions of this library that are kept another way: sealed ones that move into a store, those of another store, of
 * another cookie name or domain. `old` is made as before; data, subject and age are taken over.
 *
 * @example
 * ```ts
 * const old = createSessions({ store: sealedCookies({ keys }), cookie: { name: "app" } });
 * const sessions = createSessions({ store: redisStore(client), migrateFrom: [fromSessions(old, { cookie: "app" })] });
 * ```
 */
export function fromSessions<Data extends object>(
  old: Sessions<Data>,
  options: FromSessionsOptions<Data>,
): MigrationSource<Session<Data>> {
  const { cookie } = options;
  if (typeof cookie !== "string" || cookie === "") throw new TypeError("cookie must be the name of the old cookie");
  // A sealed session may need several, and one more says when it was last in use
  const cookies = withChunks(cookie, 0);
  const adopt = options.adopt ?? ((session) => ({ subject: session.subject, data: session.all() }));
  return source(
    "sojourn",
    { ...options, adopt },
    {
      cookies,
      async read(values) {
        const value = values[cookie];
        if (value === undefined) return undefined;
        const header = cookies.flatMap((name) => (name in values ? [`${name}=${values[name]}`] : [])).join("; ");
        // Without the other cookies, to which anybody can add: the first is a token, or begins with a seal's own nonce
        return { proof: `${cookie}=${value}`, load: () => find(old, header) };
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
