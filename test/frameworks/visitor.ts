/** Somebody with a browser of their own, in front of the site of the framework tests. */
import { type CookieJar, cookieJar } from "@sojourn/session/testing";

/** What a page or `/me` shows. */
export interface Shown {
  readonly user: string;
  readonly flash: string;
  readonly count: number;
  readonly response: Response;
}

export interface Visitor {
  /** A page, read from its HTML, or JSON. */
  look(path?: string): Promise<Shown>;
  /** Sends a form as a browser does. The redirect is not followed. */
  send(path: string, form?: Record<string, string>, headers?: Record<string, string>): Promise<Response>;
  /** The Cookie header of the next request; empty without a cookie. */
  cookie(): string;
}

/** `forms`: what is sent is the form of the page with that id, hidden fields and all, rather than a bare POST. */
export function visitor(url: string, forms = false): Visitor {
  const jar = cookieJar(undefined, { origin: url });
  const own = { origin: url, "sec-fetch-site": "same-origin", accept: "text/html" };
  return {
    look: async (path = "/") => shown(await jar.fetch(path, { headers: { accept: "text/html" } })),
    async send(path, form = {}, headers = {}) {
      const { action, body } = forms
        ? await formOf(jar, path, form)
        : { action: path, body: new URLSearchParams(form) };
      const init = { method: "POST", headers: { ...own, ...headers }, body };
      const response = await jar.fetch(action, init);
      await response.body?.cancel();
      return response;
    },
    cookie: () => jar.header("/"),
  };
}

/** One look with the given cookie, by somebody who keeps nothing of the answer. */
export async function lookWith(url: string, cookie: string, path = "/"): Promise<Shown> {
  return shown(await fetch(url + path, { headers: { cookie, accept: "text/html" } }));
}

/** The form `<form id="login">` of the page for `/login`, filled in. */
async function formOf(
  jar: CookieJar,
  path: string,
  filled: Record<string, string>,
): Promise<{ action: string; body: URLSearchParams | FormData }> {
  const text = await (await jar.fetch("/", { headers: { accept: "text/html" } })).text();
  const id = path.slice(1);
  const forms = [...text.matchAll(/<form\b([^>]*)>([\s\S]*?)<\/form>/g)];
  const [, head = "", content = ""] = forms.find(([, head = ""]) => attribute(head, "id") === id) ?? [];
  if (head === "") throw new Error(`The page has no form ${id}: ${text.slice(0, 2_000)}`);
  const fields = [...content.matchAll(/<input\b([^>]*)>/g)].map(([, input = ""]) => input);
  const body = attribute(head, "enctype") === "multipart/form-data" ? new FormData() : new URLSearchParams();
  for (const input of fields) {
    const name = attribute(input, "name");
    if (name !== undefined) body.append(name, filled[name] ?? attribute(input, "value") ?? "");
  }
  return { action: attribute(head, "action") || "/", body };
}

function attribute(head: string, name: string): string | undefined {
  return new RegExp(`\\b${name}="([^"]*)"`, "i").exec(head)?.[1]?.replaceAll("&amp;", "&").replaceAll("&quot;", '"');
}

async function shown(response: Response): Promise<Shown> {
  const text = await response.text();
  if (response.status !== 200) throw new Error(`The page answered ${response.status}: ${text.slice(0, 1_000)}`);
  if (/\bjson\b/.test(response.headers.get("content-type") ?? "")) {
    const { user = "", flash = "", count = 0 } = JSON.parse(text) as Partial<Shown>;
    return { user, flash, count, response };
  }
  const [user, flash, count] = ["user", "flash", "count"].map((id) => contentOf(text, id));
  if (user === undefined) throw new Error(`The page does not show a user: ${text.slice(0, 2_000)}`);
  return { user, flash: flash ?? "", count: Number(count ?? 0), response };
}

/** The text of the element with an id, without what frameworks put between the parts of a text. */
function contentOf(html: string, id: string): string | undefined {
  const [, , content] =
    new RegExp(`<(?!form\\b)(\\w+)\\b[^>]*\\bid="?${id}"?(?=[\\s>])[^>]*>([\\s\\S]*?)</\\1>`).exec(html) ?? [];
  return content
    ?.replace(/<!--[\s\S]*?-->/g, "")
    .replace(/<[^>]*>/g, "")
    .trim();
}
