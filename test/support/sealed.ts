/** Sealed sessions for tests: with a clock of their own, and a browser that keeps what they set. */
import { createSessions, type Session, type SessionEvent, type SessionsOptions } from "../../src/index.ts";
import { generateKey, type SealedCookiesOptions, sealedCookies } from "../../src/sealed.ts";

export const START = 1_800_000_000_000;
export const MINUTE = 60_000;
export const HOUR = 60 * MINUTE;
export const NAME = "__Host-Http-session";
export const KEY = generateKey();

export type Data = Record<string, unknown>;
export type Handler = (session: Session<Data>) => unknown;

/** Sealed sessions with a clock of their own, and a browser that keeps what they set. */
export function start(sealed: Partial<SealedCookiesOptions> = {}, options: Omit<SessionsOptions, "store"> = {}) {
  return startOn(() => sealedCookies({ keys: [KEY], ...sealed }), options);
}

/** The same for sessions that are kept in any way. */
export function startOn(
  open: (clock: () => number) => NonNullable<SessionsOptions["store"]>,
  options: Omit<SessionsOptions, "store"> = {},
) {
  const time = { now: START };
  const clock = (): number => time.now;
  const events: SessionEvent[] = [];
  const store = open(clock);
  const sessions = createSessions<Data>({ clock, observe: (event) => events.push(event), ...options, store });
  const jar = new Map<string, string>();

  /** One request with the cookies given, or the browser's. */
  async function send(
    handler: Handler,
    cookies: string = cookiesOf(jar),
  ): Promise<{ lines: string[]; result: unknown }> {
    const request = new Request("https://example.com/", { headers: cookies ? { cookie: cookies } : {} });
    let result: unknown;
    const response = await sessions.wrap(async (_, session) => {
      result = await handler(session);
      return new Response();
    })(request);
    return { lines: response.headers.getSetCookie(), result };
  }

  /** As send, and the browser takes the cookies of the response. */
  async function visit(handler: Handler): Promise<{ lines: string[]; result: unknown }> {
    const answer = await send(handler);
    take(jar, answer.lines);
    return answer;
  }

  return {
    sessions,
    time,
    events,
    jar,
    send,
    visit,
    cookies: () => cookiesOf(jar),
    types: () => events.map(({ type }) => type),
  };
}

export function take(jar: Map<string, string>, lines: readonly string[]): void {
  for (const line of lines) {
    const [, name, value] = /^([^=]+)=([^;]*)/.exec(line) as unknown as [string, string, string];
    if (/; Max-Age=0(;|$)/.test(line)) jar.delete(name);
    else jar.set(name, value);
  }
}

export function cookiesOf(jar: Map<string, string>): string {
  return [...jar].map(([name, value]) => `${name}=${value}`).join("; ");
}

/** Random text, so that nothing can compress it. */
export function randomText(length: number): string {
  return Array.from({ length: Math.ceil(length / 43) }, generateKey)
    .join("")
    .slice(0, length);
}

export const all = (session: Session<Data>): unknown => session.all();
export const write =
  (key: string, value: unknown): Handler =>
  (session) =>
    session.set(key, value);
