import { accountPage } from "./account-page.js";
import { createChanges } from "./changes.js";
import { favicon, returnedKey } from "./drawings.js";
import { readForm } from "./form.js";
import { goodbyePage, message } from "./page.js";
import { shopPage } from "./shop-page.js";
import { style } from "./style.js";
import { view } from "./view.js";

export { describe } from "./device.js";

/** Pages, by path. `title` is also the name that the visit history gives them. */
const pages = new Map([
  ["/", { title: "Shop", show: shopPage }],
  ["/account", { title: "Your stay", show: accountPage }],
  ["/signed-out", { title: "Goodbye", show: goodbyePage }],
]);

/**
 * What is the same for everybody and asks for no session. @type {Map<string, { type: string, text: string, headers?:
 * Record<string, string> }>}
 */
const files = new Map([
  ["/style.css", { type: "text/css; charset=utf-8", text: style }],
  ["/favicon.svg", { type: "image/svg+xml", text: favicon.text }],
  // A picture on the page after the sign-out. Chromium may bring back a page of before from its back/forward cache in
  // spite of no-store, if the sign-in led straight to it; Clear-Site-Data empties that cache, but only an answer that
  // comes after the page was left is in time.
  [
    "/returned-key.svg",
    {
      type: "image/svg+xml",
      text: returnedKey.text,
      headers: { "clear-site-data": '"cache"', "cache-control": "no-store" },
    },
  ],
]);

const maxVisits = 12;

/**
 * A shop that knows its visitors, as one fetch handler for any runtime. Whoever serves it chooses where the sessions
 * live.
 *
 * @param {import("@sojourn/session").Sessions<import("./view.js").SiteData>} sessions
 * @param {() => number} [clock] Epoch milliseconds; default `Date.now`.
 * @returns {(request: Request) => Promise<Response>}
 */
export function createSite(sessions, clock = Date.now) {
  const changes = createChanges(sessions);

  const look = sessions.wrap(
    async (request, session, /** @type {{ title: string, show: typeof shopPage }} */ { title, show }) => {
      const now = clock();
      // Neither HEAD nor a browser that fetches ahead is a visit, and a visitor without a session leaves nothing
      // behind.
      const visiting = request.method === "GET" && !request.headers.has("sec-purpose");
      if (visiting && !session.isNew) {
        session.update("visits", (visits = []) => [{ page: title, at: now }, ...visits].slice(0, maxVisits));
      }
      const seen = await view(sessions, session, visiting);
      const wantsJson = request.headers.get("accept")?.includes("application/json");
      return wantsJson ? answer(200, JSON.stringify(seen), "application/json") : answer(200, show(seen, now).text);
    },
  );

  const change = sessions.wrap(
    async (_, session, /** @type {import("./changes.js").Change} */ apply, /** @type {URLSearchParams} */ form) => {
      // 303, so that the browser asks for the next page with GET and a reload repeats nothing.
      return answer(303, null, undefined, { location: await apply(session, form) });
    },
  );

  /** @param {Request} request */
  async function route(request) {
    const { pathname } = new URL(request.url);
    const page = pages.get(pathname);
    const file = files.get(pathname);
    const apply = changes.get(pathname);
    if (apply !== undefined) {
      if (request.method !== "POST") return refuse(405, pathname, { allow: "POST" });
      const form = await readForm(request);
      return typeof form === "number" ? refuse(form, pathname) : change(request, apply, form);
    }
    if (page === undefined && file === undefined) return refuse(404, pathname);
    if (request.method !== "GET" && request.method !== "HEAD") return refuse(405, pathname, { allow: "GET, HEAD" });
    return page !== undefined
      ? look(request, page)
      : answer(200, file?.text ?? "", file?.type, { "cache-control": "no-cache", ...file?.headers });
  }

  return async (request) => {
    try {
      const response = await route(request);
      return request.method === "HEAD" ? new Response(null, response) : response;
    } catch (error) {
      if (!(error instanceof Error && error.name === "SessionError" && "code" in error)) throw error;
      const { pathname } = new URL(request.url);
      // The form was on another site, and the session took nothing from it
      if (error.code === "foreign_request") return refuse(403, pathname);
      console.error(error);
      return refuse(503, pathname, { "retry-after": "5" });
    }
  };
}

const refusals = {
  403: ["Not from there", "Another site asked for this in your name. Nothing was changed."],
  404: ["No such page", "The road ends here. The shop is still open."],
  405: ["Not like this", "This address exists, but not for that kind of request."],
  413: ["Too much", "That was more than any form here asks for. Nothing was changed."],
  415: ["Not a form", "Send it as application/x-www-form-urlencoded. Nothing was changed."],
  503: [
    "The desk does not answer",
    "The place where sessions are kept cannot be reached. You are not signed out; please try again in a moment.",
  ],
};

/**
 * @param {keyof typeof refusals} status
 * @param {string} path
 * @param {Record<string, string>} [headers]
 */
function refuse(status, path, headers) {
  const [title = "", text = ""] = refusals[status];
  return answer(status, message(path, title, text).text, undefined, headers);
}

/**
 * @param {number} status
 * @param {string | null} body
 * @param {string} [type]
 * @param {Record<string, string>} [headers]
 */
function answer(status, body, type = "text/html; charset=utf-8", headers = {}) {
  return new Response(body, {
    status,
    headers: {
      ...(body !== null && { "content-type": type }),
      "content-security-policy":
        "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
      // Not "no-referrer": with it a browser says "Origin: null" on the site's own forms.
      "referrer-policy": "same-origin",
      "x-content-type-options": "nosniff",
      vary: "Accept",
      ...headers,
    },
  });
}
