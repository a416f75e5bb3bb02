import { addSessionHeaders, type Session } from "@sojourn/session";
import { H3, type H3Event, HTTPError, redirect, serve, toResponse } from "h3";
import { type Data, login, page, read, stream } from "site";
import { sessions } from "./sessions.ts";

declare module "h3" {
  interface H3EventContext {
    session: Session<Data>;
  }
}

const withSession = sessions.wrap(
  async (_request, session, event: H3Event, next: () => unknown) => {
    event.context.session = session;
    return toResponse(await next(), event);
  },
  {
    keepOn: (thrown) => HTTPError.isError(thrown),
    deliver: (headers, _thrown, _request, event) => addSessionHeaders(event.res.errHeaders, headers),
  },
);

const app = new H3();
app.use((event, next) => withSession(event.req, event, next));
app.get("/", (event) => page(event.context.session));
app.get("/stream", (event) => stream(event.context.session));
app.get("/me", (event) => read(event.context.session));
app.post("/login", async (event) => {
  await login(event.context.session, event.req);
  return redirect("/", 303);
});
app.post("/logout", (event) => {
  event.context.session.destroy();
  return redirect("/", 303);
});
app.post("/count", (event) => {
  event.context.session.update("count", (count = 0) => count + 1);
  return redirect("/", 303);
});
app.post("/fail", (event) => {
  event.context.session.set("flash", "Not there");
  throw new HTTPError({ status: 404 });
});

serve(app);
