/** What the applications of the framework tests share, so that each holds nothing but what its framework asks for. */
import { readFileSync } from "node:fs";

/** The time, which a test puts forward by a file: module copies and worker processes all see it. */
export const clock = () => Date.now() + (process.env.CLOCK_FILE ? Number(readFileSync(process.env.CLOCK_FILE)) : 0);

export const options = { clock, cookie: { secure: "auto" }, lifetime: { idle: 3_600, absolute: 86_400 } };

/** Shows a session, and takes its flash out unless the session can only be read. */
export const view = (session) => ({
  user: session.subject ?? "",
  flash: session.take("flash") ?? "",
  count: session.get("count") ?? 0,
});

export const read = (session) => ({ user: session.subject ?? "", count: session.get("count") ?? 0 });

export async function login(session, request) {
  const user = String((await request.formData()).get("user"));
  session.signIn(user);
  session.set("flash", `Welcome, ${user}`);
}

/** The page, for frameworks that have no templates. */
export const html = ({ user, flash = "", count }) =>
  `<!doctype html><title>Site</title><p id="user">${user}</p><p id="flash">${flash}</p><p id="count">${count}</p>`;

export const page = (session) => new Response(html(view(session)), { headers: { "content-type": "text/html" } });

/** A page that looks at the session after its head has left: its second part is asked for once the first was taken. */
export function stream(session) {
  const parts = [() => "<!doctype html><title>Stream</title>", () => html(read(session))];
  const body = new ReadableStream(
    {
      pull(controller) {
        controller.enqueue(new TextEncoder().encode(parts.shift()?.()));
        if (parts.length === 0) controller.close();
      },
    },
    { highWaterMark: 0 },
  );
  return new Response(body, { headers: { "content-type": "text/html" } });
}

export const redirect = (location) => new Response(null, { status: 303, headers: { location } });

/** The whole site as one fetch handler, for frameworks that route nothing. */
export async function site(request, session) {
  const { pathname } = new URL(request.url);
  switch (`${request.method} ${pathname}`) {
    case "GET /":
      return page(session);
    case "GET /stream":
      return stream(session);
    case "GET /me":
      return Response.json(read(session));
    case "POST /login":
      await login(session, request);
      return redirect("/");
    case "POST /logout":
      session.destroy();
      return redirect("/");
    case "POST /count":
      session.update("count", (count = 0) => count + 1);
      return redirect("/");
    default:
      return new Response("Not found", { status: 404 });
  }
}
