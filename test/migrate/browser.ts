import { createRequire } from "node:module";

/** What is used of tough-cookie, which is installed on demand. */
interface CookieJar {
  getCookieStringSync(url: string): string;
  getCookiesSync(url: string): { key: string; value: string }[];
  setCookieSync(line: string, url: string): unknown;
  cloneSync(): CookieJar | undefined;
}

export type Fetch = (request: Request) => Response | Promise<Response>;

/** The address that a browser knows. Which server answers there is what changes. */
export const SITE = "https://shop.example.com";

/** A browser with a real cookie jar. */
export class Browser {
  readonly #jar: CookieJar;

  constructor(jar: CookieJar = newJar()) {
    this.#jar = jar;
  }

  /** The same cookies in another place: one of several requests at once, an answer that is lost, a thief. */
  copy(): Browser {
    return new Browser(this.#jar.cloneSync());
  }

  get cookies(): { name: string; value: string }[] {
    return this.#jar.getCookiesSync(SITE).map(({ key, value }) => ({ name: key, value }));
  }

  /** Redirects are not followed. */
  async send(fetch: Fetch, path = "/", init: RequestInit = {}): Promise<Response> {
    const headers = new Headers(init.headers);
    headers.set("cookie", this.#jar.getCookieStringSync(SITE + path));
    headers.set("origin", SITE);
    const response = await fetch(new Request(SITE + path, { redirect: "manual", ...init, headers }));
    for (const line of response.headers.getSetCookie()) this.#jar.setCookieSync(line, SITE + path);
    return response;
  }
}

function newJar(): CookieJar {
  const { CookieJar } = createRequire(import.meta.url)("tough-cookie") as { CookieJar: new () => CookieJar };
  return new CookieJar();
}
