import type { Session } from "@sojourn/session";
import { type Context, Elysia, NotFoundError } from "elysia";
import { type Data, login, page, read, redirect, stream } from "site";
import { sessions } from "./sessions.ts";

const withSession = new Elysia({ name: "session" })
  .derive({ as: "global" }, async ({ request }) => ({ session: await sessions.loadFrom(request) }))
  .onAfterHandle({ as: "global" }, async ({ session, set }) => save(session, set))
  .onError({ as: "global" }, async ({ error, session, set }) => {
    if (session && error instanceof NotFoundError) await save(session, set);
  });

async function save(session: Session<Data>, set: Context["set"]): Promise<void> {
  const headers = await sessions.commit(session);
  for (const [name, value] of headers) if (name !== "set-cookie") set.headers[name] = value;
  if (headers.getSetCookie().length > 0) set.headers["set-cookie"] = headers.getSetCookie();
}

new Elysia()
  .use(withSession)
  .get("/", ({ session }) => page(session))
  .get("/stream", ({ session }) => stream(session))
  .get("/me", ({ session }) => read(session))
  .post(
    "/login",
    async ({ session, request }) => {
      await login(session, request);
      return redirect("/");
    },
    { parse: "none" },
  )
  .post("/logout", ({ session, redirect }) => {
    session.destroy();
    return redirect("/", 303);
  })
  .post("/count", ({ session, redirect }) => {
    session.update("count", (count = 0) => count + 1);
    return redirect("/", 303);
  })
  .post("/fail", ({ session }) => {
    session.set("flash", "Not there");
    throw new NotFoundError();
  })
  .listen(Number(process.env.PORT));
