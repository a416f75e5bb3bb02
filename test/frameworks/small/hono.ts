import { serve } from "@hono/node-server";
import { honoSession, type SessionEnv } from "@sojourn/session/hono";
import { Hono } from "hono";
import { HTTPException } from "hono/http-exception";
import { type Data, login, page, read, stream } from "site";
import { sessions } from "./sessions.ts";

const app = new Hono<SessionEnv<Data>>();
app.use(honoSession(sessions));

app.get("/", (c) => page(c.var.session));
app.get("/stream", (c) => stream(c.var.session));
app.get("/me", (c) => c.json(read(c.var.session)));
app.post("/login", async (c) => {
  await login(c.var.session, c.req.raw);
  return c.redirect("/", 303);
});
app.post("/logout", (c) => {
  c.var.session.destroy();
  return c.redirect("/", 303);
});
app.post("/count", (c) => {
  c.var.session.update("count", (count = 0) => count + 1);
  return c.redirect("/", 303);
});
app.post("/fail", (c) => {
  c.var.session.set("flash", "Not there");
  throw new HTTPException(404);
});

serve({ fetch: app.fetch, port: Number(process.env.PORT) });
