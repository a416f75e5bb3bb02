/** An app of fetch-apps.js, named by the binding APP, with its sessions in Durable Objects. */
import { env } from "cloudflare:workers";
import { binding, durableObjectStore, type SessionObjectNamespace } from "@sojourn/session/workers";
import { clock } from "./controlled.js";
import { createApp } from "./fetch-apps.js";

export { SessionObject } from "@sojourn/session/workers";

const { APP, ...bindings } = env as unknown as { APP: string; SESSIONS: SessionObjectNamespace };
const app = createApp(APP, durableObjectStore(binding(bindings, "SESSIONS"), { clock }), upgrade);

function upgrade(): Response {
  const [client, server] = Object.values(new WebSocketPair());
  server?.accept();
  return new Response(null, { status: 101, webSocket: client } as ResponseInit);
}

export default { fetch: (request: Request): Response | Promise<Response> => app(request) };
