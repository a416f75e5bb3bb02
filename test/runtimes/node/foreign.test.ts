/** Requests of other origins, through Node's frameworks and Hono. */
import { createSessions, type Sessions, type SessionsOptions } from "@sojourn/session";
import { honoSession, type LazySessionEnv, type SessionEnv } from "@sojourn/session/hono";
import { sessionMiddleware } from "@sojourn/session/node";
import { Hono } from "hono";
import { describe, expect, test } from "vitest";
import { closedAfterEach } from "./after-each.ts";
import { serve } from "./client.ts";
import { type Data, frameworks } from "./frameworks.ts";

const opened = closedAfterEach();

const EVIL = { origin: "https://evil.example", "sec-fetch-site": "cross-site" };

/** Sessions in which a user is signed in, and the user's cookie. */
async function start(
  crossOrigin?: SessionsOptions["crossOrigin"],
): Promise<{ sessions: Sessions<Data>; cookie: string }> {
  const sessions = createSessions<Data>(crossOrigin ? { crossOrigin } : {});
  const session = await sessions.load(new Request("http://localhost/"));
  session.signIn("ada");
  const [line = ""] = (await sessions.commit(session)).getSetCookie();
  return { sessions, cookie: line.slice(0, line.indexOf(";")) };
}

describe.each(Object.entries(frameworks))("on %s", (_, mount) => {
  async function post(crossOrigin: SessionsOptions["crossOrigin"], headers: Record<string, string>, method = "POST") {
    const { sessions, cookie } = await start(crossOrigin);
    const failures: unknown[] = [];
    const served = await serve(
      await mount(
        sessionMiddleware(sessions),
        (_request, response, session) => response.writeHead(200).end(`hello ${session.subject}`),
        (error) => failures.push((error as { code?: unknown }).code),
      ),
    );
    opened.push(served.close);
    const response = await fetch(`${served.url}/`, { method, headers: { cookie, ...headers } });
    return {
      status: response.status,
      text: await response.text(),
      failures,
      setCookie: response.headers.getSetCookie(),
    };
  }

  test("a foreign request has an empty session, and any other one its own", async () => {
    expect(await post(undefined, EVIL)).toMatchObject({ status: 200, text: "hello undefined", setCookie: [] });
    expect(await post(undefined, EVIL, "GET")).toMatchObject({ text: "hello ada" });
    expect(await post(undefined, {})).toMatchObject({ text: "hello ada" });
    expect(await post({ trusted: [EVIL.origin] }, EVIL)).toMatchObject({ text: "hello ada" });
  });

  test('under "refuse" it goes to the error handler, before the handler', async () => {
    const { failures, text, setCookie } = await post({ answer: "refuse" }, EVIL);
    expect(failures).toEqual(["foreign_request"]);
    expect(text).not.toContain("hello");
    expect(setCookie).toEqual([]);
  });
});

function eagerApp(sessions: Sessions<Data>) {
  const app = new Hono<SessionEnv<Data>>();
  app.use(honoSession(sessions));
  return app.all("/", (c) => c.text(`hello ${c.var.session.subject}`));
}

function lazyApp(sessions: Sessions<Data>) {
  const app = new Hono<LazySessionEnv<Data>>();
  app.use(honoSession(sessions, { lazy: true }));
  return app.all("/", async (c) => c.text(`hello ${(await c.var.session()).subject}`));
}

describe("on Hono", () => {
  test("a foreign request has an empty session, or a 403 before the handler", async () => {
    for (const lazy of [false, true]) {
      for (const answer of ["anonymous", "refuse"] as const) {
        const { sessions, cookie } = await start({ answer });
        const app = lazy ? lazyApp(sessions) : eagerApp(sessions);
        const send = (headers: Record<string, string>, method = "POST") =>
          app.request("http://localhost/", { method, headers: { cookie, ...headers } });
        const response = await send(EVIL);
        expect([response.status, await response.text()]).toEqual(
          answer === "refuse" ? [403, expect.stringMatching(/^Forbidden/)] : [200, "hello undefined"],
        );
        expect(response.headers.getSetCookie()).toEqual([]);
        expect(await (await send({})).text()).toBe("hello ada");
        expect(await (await send(EVIL, "GET")).text()).toBe("hello ada");
      }
    }
  });
});
