/** A signed-in user for the tests of an application. */
import type { Sessions } from "../sessions.ts";
import { cookieJar } from "./cookie-jar.ts";

/**
 * A request of a user who is signed in: it carries the cookie of a session that was just made in the sessions' own
 * store. For another address or method, or a body, use it as the second argument of `new Request`.
 *
 * @param data What the session holds already.
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
  const request = new Request("https://localhost/");
  const session = await sessions.load(request);
  session.signIn(subject);
  for (const key of Object.keys(data) as (keyof Data & string)[]) session.set(key, data[key] as Data[typeof key]);
  const jar = cookieJar();
  jar.keep(request.url, await sessions.commit(session));
  request.headers.set("cookie", jar.header(request.url));
  return request;
}
