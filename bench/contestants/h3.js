import { H3, useSession } from "h3";
import { secret } from "./data.js";

export function h3() {
  const serve = (handler) => {
    const app = new H3().all("/**", handler);
    return (request) => app.fetch(request);
  };
  return {
    plain: serve(() => "ok"),
    withSession: (action, { untouched = false }) =>
      serve(async (event) =>
        untouched ? "ok" : ((await action(await useSession(event, { password: secret }))) ?? "ok"),
      ),
    get: (session, key) => session.data[key],
    assign: async (session, values) => void (await session.update(values)),
  };
}
