import { createCookie } from "@remix-run/cookie";
import { createCookieSessionStorage } from "@remix-run/session/cookie-storage";
import { createMemorySessionStorage } from "@remix-run/session/memory-storage";
import { secret } from "./data.js";

/**
 * The steps of its session middleware (parse, read, run, save, serialize) without its router, which would cost more
 * than the session.
 */
export function remix({ store }) {
  const cookie = createCookie("session", {
    secrets: [secret],
    httpOnly: true,
    secure: true,
    sameSite: "Lax",
    path: "/",
  });
  const storage = store === "memory" ? createMemorySessionStorage() : createCookieSessionStorage();
  return {
    plain: () => new Response("ok"),
    withSession:
      (action, { rotates = false }) =>
      async (request) => {
        const session = await storage.read(await cookie.parse(request.headers.get("cookie")));
        const response = new Response(action(session) ?? "ok");
        if (rotates) session.regenerateId(true);
        const value = await storage.save(session);
        if (value !== null) response.headers.append("set-cookie", await cookie.serialize(value));
        return response;
      },
    get: (session, key) => session.get(key),
    assign(session, values) {
      for (const key in values) session.set(key, values[key]);
    },
    rotates: store === "memory",
  };
}
