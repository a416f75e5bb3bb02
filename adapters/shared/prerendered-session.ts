// cspell:ignore prerendered
import { type Session, SessionError, type Sessions } from "../../src/index.ts";

/**
 * The session of a page that is rendered while the application is built: empty, since there is no visitor, and what
 * would begin or end a session throws `session_unavailable`. Nothing is stored.
 */
export async function prerenderedSession<Data extends object>(
  sessions: Sessions<Data>,
  url: string,
  instead: string,
): Promise<Session<Data>> {
  const empty = await sessions.load({ url, headers: { get: () => null } });
  const refuse = (): never => {
    throw new SessionError(
      "session_unavailable",
      `This page is prerendered, so nobody visits it and its session cannot be changed: ${instead}`,
    );
  };
  return new Proxy(empty, {
    get(target, name) {
      if (WRITES.has(name)) return refuse;
      const value: unknown = Reflect.get(target, name, target);
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
}

/** Taking or deleting what is not there changes nothing. */
const WRITES: ReadonlySet<string | symbol> = new Set<keyof Session>([
  ...(["set", "update", "signIn", "signOut", "renew", "persist", "destroy"] as const),
]);
