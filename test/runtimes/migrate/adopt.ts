/** Sessions of other libraries taken over inside a runtime, which says what came of each. */
import { createSessions } from "../../../src/index.ts";
import { cookieSession, expressSession, ironSession, type MigrationSource } from "../../../src/migrate.ts";

/** A Cookie header as the old library made it, and the same by somebody who does not know the secret. */
export interface OldCookies {
  readonly right: string;
  readonly forged: string;
}

/** What the pages of a visitor said: who is signed in, with what. */
export interface Story {
  readonly first: unknown;
  /** With our cookie alone. */
  readonly again: unknown;
  /** The names of the cookies that went with the first answer. */
  readonly removed: readonly string[];
  /** With the old cookie, when the visitor has logged out. */
  readonly afterLogout: unknown;
  readonly forged: unknown;
}

export const SECRET = "a secret of the old application, long enough for all of them";
/** What the old application knows of its visitor: in its store under the id `one`, or in the cookie. */
export const OLD = { user: "ada", cart: ["book"] };

const adopt = ({ user, cart }: Record<string, unknown>) => ({ subject: user as string, data: { cart } });

const sources: Record<string, () => MigrationSource> = {
  "express-session": () => {
    const rows = new Map([["one", { cookie: {}, ...OLD }]]);
    const store = {
      get: (id: string, done: (error: unknown, session?: unknown) => void) => done(null, rows.get(id)),
      destroy: (id: string, done: (error?: unknown) => void) => done(rows.delete(id) ? undefined : "unknown"),
    };
    return expressSession({ secrets: SECRET, store, adopt });
  },
  "cookie-session": () => cookieSession({ keys: SECRET, adopt }),
  "iron-session": () => ironSession({ cookieName: "iron", password: SECRET, adopt }),
};

export async function adoptAll(cookies: Record<string, OldCookies>): Promise<Record<string, Story>> {
  const stories = Object.entries(cookies).map(
    async ([name, old]) => [name, await storyOf(sources[name], old)] as const,
  );
  return Object.fromEntries(await Promise.all(stories));
}

async function storyOf(source: (() => MigrationSource) | undefined, { right, forged }: OldCookies): Promise<Story> {
  if (!source) throw new Error("There is no such source");
  const sessions = createSessions<{ cart: unknown }>({ migrateFrom: [source()] });
  const fetch = sessions.wrap((request, session) => {
    if (request.method === "DELETE") session.destroy();
    return Response.json([session.subject ?? null, session.get("cart") ?? null]);
  });
  const visit = async (cookie: string, method = "GET") => {
    const response = await fetch(new Request("https://shop.example.com/", { method, headers: { cookie } }));
    return { page: await response.json(), lines: response.headers.getSetCookie() };
  };
  const refused = await visit(forged);
  const first = await visit(right);
  const [isRemoved, isOurs] = [/^([^=]+)=; Max-Age=0/, /^__Host-Http-session=[^;]+/];
  const ours = first.lines.flatMap((line) => isOurs.exec(line)?.[0] ?? []).join("; ");
  const again = await visit(ours);
  await visit(ours, "DELETE");
  return {
    first: first.page,
    again: again.page,
    removed: first.lines.flatMap((line) => isRemoved.exec(line)?.[1] ?? []),
    afterLogout: (await visit(right)).page,
    forged: refused.page,
  };
}
