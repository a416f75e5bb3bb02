/** Fetch handlers, each of which runs on every runtime. */
import { createSessions, memoryStore } from "@sojourn/session";
import { honoSession } from "@sojourn/session/hono";
import { sealedCookies } from "@sojourn/session/sealed";
import { Hono } from "hono";
import { createChanges } from "../../../../examples/site/changes.js";
import { createSite } from "../../../../examples/site/site.js";
import { view } from "../../../../examples/site/view.js";
import { clock, options, putForward } from "./controlled.js";
import { createOdd } from "./odd-responses.js";

/**
 * @typedef {import("@sojourn/session").Sessions<import("../../../../examples/site/view.js").SiteData>} Sessions
 * @typedef {(request: Request) => Response | Promise<Response>} Fetch
 */

/** @type {Record<string, (store: import("@sojourn/session").SessionStore) => { sessions: Sessions, fetch: Fetch }>} */
const apps = {
  site(store) {
    const sessions = createSessions({ ...options, store });
    return { sessions, fetch: createSite(sessions, clock) };
  },

  hono(store) {
    /** @type {Sessions} */
    const sessions = createSessions({ ...options, store });
    const changes = createChanges(sessions);
    const app = new Hono();
    app.use(honoSession(sessions));
    app.post("*", async (c) => {
      const change = changes.get(c.req.path);
      return change
        ? c.redirect(await change(c.var.session, new URLSearchParams(await c.req.text())), 303)
        : c.notFound();
    });
    app.get("*", async (c) => c.json(await view(sessions, c.var.session, true)));
    return { sessions, fetch: app.fetch };
  },

  sealed() {
    const { rotation, ...others } = options;
    const store = sealedCookies({
      keys: ["k3xjXY3Xh0Hq1m7wz8v2nB4cD6fG9aL5pQrStUvWxYc"],
      revocations: memoryStore({ clock }),
    });
    // The site lists the sessions of whoever is signed in, and there is no list
    const sessions = { ...createSessions({ ...others, store }), list: async () => [] };
    return { sessions, fetch: createSite(sessions, clock) };
  },
};

/**
 * @param {string} name
 * @param {import("@sojourn/session").SessionStore} store
 * @param {(request: Request) => Response | undefined} upgrade Makes the request a web socket, as the runtime does that.
 * @returns {Fetch}
 */
export function createApp(name, store, upgrade = () => new Response(null, { status: 426 })) {
  const app = apps[name]?.(store);
  if (app === undefined) throw new Error(`There is no app "${name}"`);
  const odd = createOdd(app.sessions, upgrade);
  return (request) => (putForward(request.method, request.url) ? new Response() : (odd(request) ?? app.fetch(request)));
}
