import { Hono } from "hono";
import { describe, expect, test } from "vitest";
import { honoSession, type LazySessionEnv, type SessionEnv } from "../../adapters/hono.ts";
import { addSessionHeaders, createSessions, type SessionsOptions, withSessionHeaders } from "../../src/index.ts";
import { generateKey, sealedCookies } from "../../src/sealed.ts";

/*
 * Handlers answer with objects that outlive a request: a redirect as a constant, a page that is kept. A Set-Cookie of
 * one visitor that is left on such an object is sent to the next.
 */

const kinds: [string, () => SessionsOptions][] = [
  ["in a store", () => ({})],
  ["sealed in the cookie", () => ({ store: sealedCookies({ keys: [generateKey()] }) })],
];

const shared: [string, () => Response][] = [
  ["a redirect", () => new Response(null, { status: 303, headers: { location: "/" } })],
  ["an immutable redirect", () => Response.redirect("https://example.com/", 303)],
  [
    "an empty answer with a Set-Cookie of its own",
    () => new Response(null, { headers: { "set-cookie": "theme=dark" } }),
  ],
  ["one for shared caches", () => new Response(null, { headers: { "cache-control": "public, max-age=60" } })],
];

const signIn = new Request("https://example.com/login", { method: "POST" });
const visit = new Request("https://example.com/");

describe.each(kinds)("a Response that requests share, with sessions %s", (_, options) => {
  describe.each(shared)("%s", (_, make) => {
    const ownLines = make().headers.getSetCookie();

    async function expectNothingLeft(answer: (request: Request) => Response | Promise<Response>, constant: Response) {
      const first = await answer(signIn);
      expect(first.headers.getSetCookie()).toHaveLength(ownLines.length + 1);
      const next = await answer(visit);
      expect(next.headers.getSetCookie()).toEqual(ownLines);
      expect(constant.headers.getSetCookie()).toEqual(ownLines);
      expect([next.status, next.headers.get("location")]).toEqual([constant.status, constant.headers.get("location")]);
    }

    test("wrap", async () => {
      const constant = make();
      const answer = createSessions(options()).wrap((request, session) => {
        if (request.method === "POST") session.signIn("anna");
        return constant;
      });
      await expectNothingLeft(answer, constant);
    });

    test("wrapLazy", async () => {
      const constant = make();
      const answer = createSessions(options()).wrapLazy(async (request, open) => {
        if (request.method === "POST") (await open()).signIn("anna");
        return constant;
      });
      await expectNothingLeft(answer, constant);
    });

    test("load, commit and withSessionHeaders", async () => {
      const constant = make();
      const sessions = createSessions(options());
      await expectNothingLeft(async (request) => {
        const session = await sessions.load(request);
        if (request.method === "POST") session.signIn("anna");
        return withSessionHeaders(constant, await sessions.commit(session));
      }, constant);
    });

    test.each([{ lazy: false }, { lazy: true }])("Hono, %j", async ({ lazy }) => {
      const constant = make();
      const sessions = createSessions(options());
      const app = new Hono();
      if (lazy) {
        const inner = new Hono<LazySessionEnv>().use(honoSession(sessions, { lazy }));
        inner.post("/login", async (c) => {
          (await c.var.session()).signIn("anna");
          return constant;
        });
        app.route("/", inner);
      } else {
        const inner = new Hono<SessionEnv>().use(honoSession(sessions, { lazy }));
        inner.post("/login", (c) => {
          c.var.session.signIn("anna");
          return constant;
        });
        app.route("/", inner);
      }
      app.get("/", () => constant);
      await expectNothingLeft((request) => app.fetch(request), constant);
    });
  });
});

test("addSessionHeaders changes just the headers that it is given", async () => {
  const sessions = createSessions();
  const session = await sessions.load(signIn);
  session.signIn("anna");
  const constant = new Response(null, { status: 303 });
  const own = new Headers(constant.headers);
  addSessionHeaders(own, await sessions.commit(session));
  expect([own.getSetCookie().length, constant.headers.getSetCookie().length]).toEqual([1, 0]);
});
