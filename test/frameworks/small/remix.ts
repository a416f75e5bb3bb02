import { createContextKey, createRouter, type Middleware } from "@remix-run/fetch-router";
import type { Session } from "@sojourn/session";
import { type Data, login, page, read, redirect, stream } from "site";
import { serve } from "srvx";
import { sessions } from "./sessions.ts";

const Visit = createContextKey<Session<Data>>();

const withSession: Middleware<{ key: typeof Visit; value: Session<Data> }> = (context, next) =>
  sessions.wrap((_request, session) => {
    context.set(Visit, session);
    return next();
  })(context.request);

const router = createRouter({ middleware: [withSession] });

router.get("/", (context) => page(context.get(Visit)));
router.get("/stream", (context) => stream(context.get(Visit)));
router.get("/me", (context) => Response.json(read(context.get(Visit))));
router.post("/login", async (context) => {
  await login(context.get(Visit), context.request);
  return redirect("/");
});
router.post("/logout", (context) => {
  context.get(Visit).destroy();
  return redirect("/");
});
router.post("/count", (context) => {
  context.get(Visit).update("count", (count = 0) => count + 1);
  return redirect("/");
});

serve({ fetch: (request) => router.fetch(request) });
