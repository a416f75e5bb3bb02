import { Hono } from "hono";
import { CookieStore, MemoryStore, sessionMiddleware } from "hono-sessions";
import { secret } from "./data.js";

/** With a server store its cookie holds the bare session id (`key: false`), or the id encrypted. */
export function honoSessions({ store, key }) {
  const middleware = sessionMiddleware({
    store: store === "memory" ? new MemoryStore() : new CookieStore(),
    ...(key ? { encryptionKey: secret } : {}),
    expireAfterSeconds: 43_200,
    cookieOptions: { sameSite: "Lax", path: "/", httpOnly: true, secure: true },
  });
  const serve = (handler, ...before) => new Hono().all("*", ...before, handler).fetch;
  return {
    plain: serve((context) => context.body("ok")),
    withSession: (action, { rotates = false }) =>
      serve((context) => {
        if (rotates) context.set("session_key_rotation", true);
        return context.body(action(context.get("session")) ?? "ok");
      }, middleware),
    get: (session, key) => session.get(key),
    assign(session, values) {
      for (const key in values) session.set(key, values[key]);
    },
    rotates: store === "memory",
  };
}
