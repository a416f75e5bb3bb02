/** A signed-in user for the tests of an application. */
import type { Sessions } from "../sessions.ts";

/**
 * A request of a user who is signed in: it carries the cookie of a session that was just made in the sessions' own
 * store, whatever its domain, path and `secure: "auto"`. For another address or method, or a body, use it as the second
 * argument of `new Request`, alone or spread: `{ ...anna, method: "POST" }`.
 *
 * @param data What the session holds already.
 * @throws Error when the sessions set no cookie: a test with nobody signed in would pass for the wrong reason
 *
 * @example
 * ```ts
 * const anna = await signedIn(sessions, "anna", { cart: ["book"] });
 * const response = await app.fetch(new Request("https://shop.test/cart", anna));
 * ```
 */
export async function signedIn<Data extends object>(
  sessions: Pick<Sessions<Data>, "load" | "commit">,
  subject: string,
  data: Partial<Data> = {},
): Promise<Request> {
  const signIn = async (url: string): Promise<string[]> => {
    const session = await sessions.load(new Request(url));
    session.signIn(subject);
    for (const key of Object.keys(data) as (keyof Data & string)[]) session.set(key, data[key] as Data[typeof key]);
    return (await sessions.commit(session)).getSetCookie();
  };
  const lines = await signIn(HTTP);
  if (lines.length === 0) throw new Error(`signedIn("${subject}"): the sessions set no cookie`);
  // Only under `secure: "auto"` is there a cookie without Secure, and then another one for https
  const isAuto = !lines.every((line) => /;\s*secure\s*(?:;|$)/i.test(line));
  const cookies = isAuto ? await forBoth(sessions, subject, pairs(lines), pairs(await signIn(HTTPS))) : pairs(lines);
  const request = new Request(HTTPS, { headers: { cookie: cookies.join("; ") } });
  // An own property, so that spreading the request copies it; the others are on the prototype
  return Object.defineProperty(request, "headers", { value: request.headers, enumerable: true });
}

const [HTTP, HTTPS] = ["http://localhost/", "https://localhost/"];

/**
 * The cookies of one session for http and https. A stored session opens under both names, so one of the two that were
 * made is ended; a sealed one opens under its own alone.
 */
async function forBoth<Data extends object>(
  sessions: Pick<Sessions<Data>, "load" | "commit">,
  subject: string,
  plain: readonly string[],
  secure: readonly string[],
): Promise<readonly string[]> {
  const load = (cookies: readonly string[]) =>
    sessions.load(new Request(HTTP, { headers: { cookie: cookies.join("; ") } }));
  const names = plain.map((pair) => pair.slice(0, pair.indexOf("=")));
  const renamed = secure.map((pair, at) => `${names[at]}${pair.slice(pair.indexOf("="))}`);
  if ((await load(renamed)).subject !== subject) return [...plain, ...secure];
  const superfluous = await load(plain);
  superfluous.destroy();
  await sessions.commit(superfluous);
  return renamed[0] === secure[0] ? secure : [...renamed, ...secure];
}

/** What a browser would send back, without asking whether it would. */
function pairs(lines: readonly string[]): string[] {
  return lines.map((line) => line.replace(/;.*/s, ""));
}
