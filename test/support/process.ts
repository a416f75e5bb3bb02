import type { CookieForm } from "../../src/http/cookie.ts";
import type { Session, SessionEvent, SessionStore, Sessions, SessionsOptions } from "../../src/index.ts";
import { createSessions } from "../../src/index.ts";

/** The data of every test of the core that does not need its own. */
export interface TestData {
  a: string;
  b: string;
  c: string;
  count: number;
}

export type Handler = (session: Session<TestData>) => void | Promise<void>;

/** One answered request. */
export interface Answer {
  /** Values of our cookie in Set-Cookie, "" for its removal. */
  readonly cookies: string[];
  /** What the handler saw before it changed anything. */
  readonly saw: Record<string, unknown>;
  readonly subject: string | undefined;
  readonly response: Response;
}

/** One server process: sessions of its own (so its own queue of commits) over a store that others may share. */
export interface TestProcess {
  readonly sessions: Sessions<TestData>;
  readonly events: SessionEvent[];
  /** Sends a request with the given token and runs the handler in it. */
  request(token: string | undefined, handler?: Handler): Promise<Answer>;
}

export const COOKIE: CookieForm["name"] = "__Host-Http-session";

export function startProcess(
  store: SessionStore,
  options: Omit<SessionsOptions, "store" | "observe"> = {},
): TestProcess {
  const events: SessionEvent[] = [];
  const sessions = createSessions<TestData>({ ...options, store, observe: (event) => events.push(event) });
  return {
    sessions,
    events,
    async request(token, handler) {
      let saw = {};
      let subject: string | undefined;
      const fetch = sessions.wrap(async (_request, session) => {
        saw = { ...session.all() };
        subject = session.subject;
        await handler?.(session);
        return new Response("ok");
      });
      const headers = token === undefined ? {} : { cookie: `${COOKIE}=${token}` };
      const response = await fetch(new Request("https://example.com/", { headers }));
      return { cookies: cookiesOf(response), saw, subject, response };
    },
  };
}

export function cookiesOf(response: Response): string[] {
  return response.headers
    .getSetCookie()
    .filter((line) => line.startsWith(`${COOKIE}=`))
    .map((line) => line.slice(COOKIE.length + 1).split(";", 1)[0] as string);
}

/** A token of a new session that holds the given data. */
export async function startSession(
  process: TestProcess,
  data: Partial<TestData> = { a: "start" },
  subject?: string,
): Promise<string> {
  const { cookies } = await process.request(undefined, (session) => {
    for (const [key, value] of Object.entries(data)) session.set(key as keyof TestData, value);
    if (subject !== undefined) session.signIn(subject);
  });
  return cookies[0] as string;
}
