import fastifyCookie from "@fastify/cookie";
import fastifySession from "@fastify/session";
import fastify from "fastify";
import { secret } from "./data.js";

/**
 * With `lean`, as a careful user sets it: nothing is stored for a visitor without a session, nor saved when nothing
 * changed.
 */
export async function fastifySessions({ lean = false } = {}) {
  const store = new fastifySession.MemoryStore();
  const serve = async (handler, plugins) => {
    const app = fastify();
    if (plugins) {
      await app.register(fastifyCookie);
      const options = { secret, store, cookieName: "session", cookie: { secure: false } };
      await app.register(fastifySession, lean ? { ...options, saveUninitialized: false, rolling: false } : options);
    }
    app.get("/*", handler);
    await app.ready();
    return app.routing;
  };
  return {
    plain: await serve(async () => "ok", false),
    withSession: (action, { rotates = false }) =>
      serve(async (request) => {
        const body = action(request.session) ?? "ok";
        if (rotates) await request.session.regenerate(["user", "visits", "theme", "cart"]);
        return body;
      }, true),
    get: (session, key) => session.get(key),
    assign(session, values) {
      for (const key in values) session.set(key, values[key]);
    },
    rotates: true,
  };
}
