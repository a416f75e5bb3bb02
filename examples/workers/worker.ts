// npm run build && npx wrangler dev --config examples/workers/wrangler.jsonc          the site on http://localhost:8080
import { env } from "cloudflare:workers";
import { createSessions } from "@sojourn/session";
import { binding, durableObjectStore } from "@sojourn/session/workers";
import { createSite, describe } from "../site/site.js";

export { SessionObject } from "@sojourn/session/workers";

const store = durableObjectStore(binding(env, "SESSIONS"));
const site = createSite(createSessions({ store, cookie: { secure: "auto" }, describe }));

export default { fetch: (request: Request): Promise<Response> => site(request) };
