import { cookieJar } from "@sojourn/session/testing";

/** What the site shows of a visitor, as JSON. */
export interface View {
  readonly name?: string;
  readonly notice?: string;
  readonly cart: { readonly count: number };
  readonly session?: { readonly handle: string };
  readonly sessions: readonly { readonly handle: string; readonly device: string; readonly current: boolean }[];
}

export interface Page extends View {
  readonly response: Response;
}

/** Somebody with a browser of their own. */
export interface Visitor {
  look(path?: string): Promise<Page>;
  /** Sends a form. The redirect is not followed. */
  send(path: string, form?: Record<string, string>): Promise<Response>;
  /** The Cookie header of the next request; empty without a cookie. */
  cookie(): string;
}

export function visitor(url: string, agent = "Mozilla/5.0 (X11; Linux x86_64) Firefox/150.0"): Visitor {
  const jar = cookieJar(undefined, { origin: url });
  return {
    look: async (path = "/") =>
      read(await jar.fetch(path, { headers: { accept: "application/json", "user-agent": agent } })),
    async send(path, form = {}) {
      const response = await jar.fetch(path, {
        method: "POST",
        headers: { "user-agent": agent },
        body: new URLSearchParams(form),
      });
      await response.body?.cancel();
      return response;
    },
    cookie: () => jar.header("/"),
  };
}

/** One request with the given cookie, from somebody who keeps nothing of the answer. */
export async function lookWith(url: string, cookie: string): Promise<Page> {
  return read(await fetch(url, { headers: { accept: "application/json", cookie } }));
}

/** As {@link lookWith}, for a form. */
export async function sendWith(
  url: string,
  cookie: string,
  path: string,
  form: Record<string, string> = {},
): Promise<Response> {
  const response = await fetch(new URL(path, url), {
    method: "POST",
    headers: { cookie },
    body: new URLSearchParams(form),
    redirect: "manual",
  });
  await response.body?.cancel();
  return response;
}

/** The values of our cookie that a response sets; "" for its removal. */
export function cookiesOf(response: Response): string[] {
  return response.headers
    .getSetCookie()
    .filter((line) => /^(?:__Host-Http-)?session[^=]*=/.test(line))
    .map((line) => line.split(";", 1)[0]?.replace(/^[^=]*=/, "") ?? "");
}

async function read(response: Response): Promise<Page> {
  const text = await response.text();
  if (response.status !== 200) throw new Error(`The page answered ${response.status}: ${text.slice(0, 500)}`);
  return { ...(JSON.parse(text) as View), response };
}
