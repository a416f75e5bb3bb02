import { useSession } from "@hono/session";
import { Hono } from "hono";

export function honoSession() {
  const serve = (handler, ...middleware) => new Hono().all("*", ...middleware, handler).fetch;
  return {
    plain: serve((context) => context.body("ok")),
    withSession: (action) =>
      serve(
        async (context) => context.body((await action(context.var.session)) ?? "ok"),
        useSession({ secret: "5".repeat(64), duration: { absolute: 43_200 } }),
      ),
    get: async (session, key) => (await session.get())?.[key],
    assign: async (session, values) => void (await session.update((data) => ({ ...data, ...values }))),
  };
}
