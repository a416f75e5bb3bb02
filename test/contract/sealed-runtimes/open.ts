import { createSessions, type SessionsOptions } from "../../../src/index.ts";
import { sealedCookies } from "../../../src/sealed.ts";
import file from "../sealed-vectors.json" with { type: "json" };

/** What a session must be when its cookie is opened; `null`: no session. */
export interface Expected {
  /** As JSON text, since importing JSON files drops a key called `__proto__` in some tools. */
  readonly data: string;
  readonly subject: string | null;
  readonly createdAt: number;
  readonly authenticatedAt: number | null;
  readonly expiresAt: number;
}

export interface Vector {
  readonly name: string;
  readonly keys: readonly string[];
  readonly cookieName: string;
  /** The Cookie header. */
  readonly cookie: string;
  readonly session: Expected | null;
}

export const vectors: readonly Vector[] = file.vectors as readonly Vector[];

function optionsOf({ keys, cookieName }: Vector, compress = false): SessionsOptions {
  return { store: sealedCookies({ keys, compress }), cookie: { name: cookieName }, clock: () => file.now };
}

/** Opens a vector as an application would. */
export async function openVector(vector: Vector, cookie: string = vector.cookie): Promise<Expected | null> {
  const session = await createSessions(optionsOf(vector)).load({
    url: "https://example.com/",
    headers: { get: () => cookie },
  });
  if (session.isNew) return null;
  const { subject = null, createdAt, authenticatedAt = null, expiresAt } = session;
  return { data: JSON.stringify(session.all()), subject, createdAt, authenticatedAt, expiresAt };
}

/** The Cookie header of a session with the data of a vector, sealed by this runtime. */
export async function sealLike(vector: Vector, compress = false): Promise<string> {
  const sessions = createSessions(optionsOf(vector, compress));
  const session = await sessions.load({ url: "https://example.com/", headers: { get: () => null } });
  for (const [key, value] of Object.entries(JSON.parse(vector.session?.data ?? "{}") as Record<string, unknown>))
    session.set(key, value);
  if (vector.session?.subject) session.signIn(vector.session.subject);
  const lines = (await sessions.commit(session)).getSetCookie();
  return lines.map((line) => line.split(";")[0]).join("; ");
}

/** All of it, for a runtime that reports to a test elsewhere. */
export async function report(): Promise<{ opened: (Expected | null)[]; sealed: string[] }> {
  const opened = await Promise.all(vectors.map((vector) => openVector(vector)));
  const sealed = await Promise.all(vectors.map((vector, at) => sealLike(vector, at % 2 === 1)));
  return { opened, sealed };
}
