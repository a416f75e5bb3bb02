import { getIronSession, webCookies } from "iron-session";
import { secret } from "./data.js";

export function ironSession() {
  const options = { password: secret, cookieName: "session" };
  return {
    plain: () => new Response("ok"),
    withSession:
      (action, { writes = false }) =>
      async (request) => {
        const headers = new Headers();
        const session = await getIronSession(webCookies(request, headers), options);
        const body = action(session) ?? "ok";
        if (writes) await session.save();
        return new Response(body, { headers });
      },
    get: (session, key) => session[key],
    assign: (session, values) => void Object.assign(session, values),
  };
}
