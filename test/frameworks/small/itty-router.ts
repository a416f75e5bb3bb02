import type { Session } from "@sojourn/session";
import { AutoRouter, type IRequest, StatusError } from "itty-router";
import { type Data, login, page, read, redirect, stream } from "site";
import { serve } from "srvx";
import { sessions } from "./sessions.ts";

const router = AutoRouter<IRequest, [session: Session<Data>]>();

router.get("/", (_request, session) => page(session));
router.get("/stream", (_request, session) => stream(session));
router.get("/me", (_request, session) => read(session));
router.post("/login", async (request, session) => {
  await login(session, request);
  return redirect("/");
});
router.post("/logout", (_request, session) => {
  session.destroy();
  return redirect("/");
});
router.post("/count", (_request, session) => {
  session.update("count", (count = 0) => count + 1);
  return redirect("/");
});
router.post("/fail", (_request, session) => {
  session.set("flash", "Not there");
  throw new StatusError(404);
});

serve({ fetch: sessions.wrap((request, session) => router.fetch(request, session)) });
