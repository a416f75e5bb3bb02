import { createCookie, createCookieSessionStorage, createMemorySessionStorage } from "react-router";
import { secret } from "./data.js";

export function reactRouter({ store }) {
  const cookie = createCookie("session", {
    secrets: [secret],
    httpOnly: true,
    secure: true,
    sameSite: "lax",
    path: "/",
  });
  const storage = store === "memory" ? createMemorySessionStorage({ cookie }) : createCookieSessionStorage({ cookie });
  return {
    plain: () => new Response("ok"),
    withSession:
      (action, { writes = false }) =>
      async (request) => {
        const session = await storage.getSession(request.headers.get("cookie"));
        const body = action(session) ?? "ok";
        if (!writes) return new Response(body);
        return new Response(body, { headers: { "set-cookie": await storage.commitSession(session) } });
      },
    get: (session, key) => session.get(key),
    assign(session, values) {
      for (const key in values) session.set(key, values[key]);
    },
  };
}
