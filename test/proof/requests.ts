import type { Session, SessionEvent, SessionStore, Sessions, SessionsOptions } from "../../src/index.ts";
import { createSessions } from "../../src/index.ts";
import { COOKIE } from "../support/process.ts";

/** What the requests of an exploration keep in the session. */
export interface Data {
  start: string;
  count: number;
  note: string;
}

/** What a request does. All of them carry the cookie of the same session. */
export type Kind =
  /** A page: reads only. Where its rotation is due, it rotates. */
  | "read"
  | "count"
  | "sign in"
  | "renew"
  /** Signs the user out and begins a session that keeps nothing but a note. */
  | "sign out"
  | "destroy"
  /** Counts and stores that at once, then counts again. */
  | "save"
  /** Ends the session by its handle, from elsewhere: without a cookie. */
  | "revoke"
  /** Ends all sessions of the subject, from elsewhere. */
  | "revoke all"
  /**
   * A page and, once its answer is there, the next: with the cookie that the browser has by then, in another process.
   */
  | "two reads";

/** Every kind. */
export const KINDS: readonly Kind[] = [
  "read",
  "count",
  "sign in",
  "renew",
  "sign out",
  "destroy",
  "save",
  "revoke",
  "revoke all",
  "two reads",
];

export const SUBJECT = "ada";

/** One answer. */
export interface Answer {
  /** The value of our Set-Cookie line, if there is one; "" for its removal. */
  readonly cookie: string | undefined;
  readonly saw: Partial<Data>;
  /** What a call by an administrator returned. */
  readonly ended?: number;
}

/** A server process. */
export interface Process {
  readonly sessions: Sessions<Data>;
  /** Since it was last emptied. */
  readonly events: SessionEvent[];
}

export function startProcess(store: SessionStore, options: Omit<SessionsOptions, "store" | "observe">): Process {
  const events: SessionEvent[] = [];
  return { events, sessions: createSessions<Data>({ ...options, store, observe: (event) => void events.push(event) }) };
}

type Handler = (session: Session<Data>, sessions: Sessions<Data>) => void | Promise<void>;

const HANDLERS: Partial<Record<Kind, Handler>> = {
  read: () => {},
  count: (session) => session.update("count", (n = 0) => n + 1),
  "sign in": (session) => session.signIn(SUBJECT),
  renew: (session) => session.renew(),
  "sign out": (session) => {
    session.signOut();
    session.set("note", "signed out");
  },
  destroy: (session) => session.destroy(),
  async save(session, sessions) {
    session.update("count", (n = 0) => n + 1);
    await sessions.save(session);
    session.update("count", (n = 0) => n + 1);
  },
};

/** How much a request of a kind adds to the count. */
export const ADDS: Partial<Record<Kind, number>> = { count: 1, save: 2 };

/** Sends what a kind stands for, and yields the answers one after the other. */
export async function* send(
  kind: Kind,
  [{ sessions }, another]: readonly [Process, Process],
  token: string,
  handle: string,
): AsyncGenerator<Answer, void> {
  if (kind === "revoke") yield { ...NOTHING, ended: Number(await sessions.revoke(SUBJECT, handle)) };
  else if (kind === "revoke all") yield { ...NOTHING, ended: await sessions.revokeAll(SUBJECT) };
  else if (kind === "two reads") {
    const first = await request(sessions, token, () => {});
    yield first;
    yield await request(another.sessions, first.cookie ?? token, () => {});
  } else yield await request(sessions, token, HANDLERS[kind]!);
}

const NOTHING = { cookie: undefined, saw: {} };

/** One request through `wrap`, as a runtime makes it. */
export async function request(sessions: Sessions<Data>, token: string, handler: Handler): Promise<Answer> {
  let saw: Partial<Data> = {};
  const fetch = sessions.wrap(async (_request, session) => {
    saw = session.all();
    await handler(session, sessions);
    return new Response();
  });
  const response = await fetch(requestWith(token));
  return { cookie: cookieOf(response.headers.getSetCookie()), saw };
}

export function requestWith(token: string): Request {
  return new Request("https://example.com/", { headers: { cookie: `${COOKIE}=${token}` } });
}

function cookieOf(lines: readonly string[]): string | undefined {
  const line = lines.find((text) => text.startsWith(`${COOKIE}=`));
  return line?.slice(COOKIE.length + 1).split(";", 1)[0];
}
