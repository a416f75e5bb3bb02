/** Fetch handlers, each of which runs on every runtime. */
import { createSessions, memoryStore } from "@sojourn/session";
import { honoSession } from "@sojourn/session/hono";
import { sealedCookies } from "@sojourn/session/sealed";
import { Hono } from "hono";
import { createChanges } from "../../../../examples/site/changes.js";
import { createSite } from "../../../../examples/site/site.js";
import { view } from "../../../../examples/site/view.js";
import { clock, options, putForward } from "./controlled.js";

/** @type {Record<string, (store: import("@sojourn/session").SessionStore) => (request: Request) => Response | Promise<Response>>} */
const apps = {
  site: (store) => createSite(createSessions({ ...options, store }), clock),

  hono(store) {
    const sessions = createSessions({ ...options, store });
    const changes = createChanges(sessions);
    const app = new Hono();
    app.use(honoSession(sessions));
    app.post("*", async (c) => {
      const change = changes.get(c.req.path);
      return change ? c.redirect(await change(c.var.session, new URLSearchParams(await c.req.text())), 303) : c.notFound();
    });
    app.get("*", async (c) => c.json(await view(sessions, c.var.session, true)));
    return app.fetch;
  },

  sealed() {
    const { rotation, ...others } = options;
    const store = sealedCookies({ keys: ["k3xjXY3Xh0Hq1m7wz8v2nB4cD6fG9aL5pQrStUvWxYc"], revocations: memoryStore({ clock }) });
    const sessions = createSessions({ ...others, store });
    // The site lists the sessions of whoever is signed in, and there is no list
    return createSite({ ...sessions, list: async () => [] }, clock);
  },
};

/**
 * @param {string} name
 * @param {import("@sojourn/session").SessionStore} store
 * @returns {(request: Request) => Response | Promise<Response>}
 */
export function createApp(name, store) {
  const app = apps[name]?.(store);
  if (app === undefined) throw new Error(`There is no app "${name}"`);
  return (request) => (putForward(request.method, request.url) ? new Response() : app(request));
}
