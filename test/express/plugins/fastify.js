import assert from "node:assert/strict";
import csrf from "@fastify/csrf-protection";
import flash from "@fastify/flash";
import fastifyPassport from "@fastify/passport";
import websocket from "@fastify/websocket";
import { createSessions, memoryStore } from "@sojourn/session";
import { fastifySession } from "@sojourn/session/fastify";
import { requestOf } from "@sojourn/session/node";
import fastify from "fastify";
import { Strategy as LocalStrategy } from "passport-local";
import { browser } from "../kit.js";

const local = () => createSessions({ cookie: { secure: "auto" } });

/** Listens while the story runs; every error is answered with its code. */
async function listening(app, run) {
  const origin = await app.listen({ port: 0 });
  try {
    await run(browser(origin.replace("127.0.0.1", "localhost")), origin);
  } finally {
    await app.close();
  }
}

export const stories = {
  "registered once, the session is there for all routes of the context, and is saved": async () => {
    const app = fastify();
    app.register(fastifySession, { sessions: local() });
    app.get("/", async (request) => {
      request.session.update("visits", (n = 0) => n + 1);
      return { visits: request.session.get("visits") };
    });
    await listening(app, async (visitor) => {
      await visitor.get("/");
      const page = await visitor.get("/");
      assert.deepEqual(page.json(), { visits: 2 });
      assert.equal(page.headers.get("cache-control"), "no-store");
      assert.equal(page.headers.get("vary"), "Cookie");
    });
  },

  "encapsulation: a context of its own has a session, its neighbour none": async () => {
    const app = fastify();
    app.register(async (child) => {
      child.register(fastifySession, { sessions: local() });
      child.get("/inside", async (request) => String(request.session.isNew));
    });
    app.get("/outside", async (request) => String(request.session));
    assert.equal((await app.inject("/inside")).body, "true");
    assert.equal((await app.inject("/outside")).body, "undefined");
    await app.close();
  },

  "inject: cookies go out and come in": async () => {
    const app = fastify();
    app.register(fastifySession, { sessions: createSessions() });
    app.post("/login", async (request, reply) => {
      request.session.signIn("ada");
      return reply.redirect("/");
    });
    app.get("/", async (request) => request.session.subject ?? "nobody");
    const { cookies, statusCode } = await app.inject({ method: "POST", url: "/login" });
    assert.equal(statusCode, 302);
    const [{ name, value }] = cookies;
    assert.equal((await app.inject({ url: "/", cookies: { [name]: value } })).body, "ada");
    assert.equal((await app.inject("/")).body, "nobody");
    await app.close();
  },

  "a failing store goes to the error handler, before the handler and after it": async () => {
    const store = memoryStore();
    let failing = "none";
    const fragile = Object.fromEntries(
      Object.entries(store).map(([name, method]) => [
        name,
        typeof method !== "function"
          ? method
          : (...args) => (failing === name ? Promise.reject(new Error("down")) : method(...args)),
      ]),
    );
    const app = fastify();
    app.register(fastifySession, { sessions: createSessions({ store: fragile }) });
    app.setErrorHandler((error, request, reply) =>
      reply.code(503).send({ code: error.code, subject: request.session.subject ?? null }),
    );
    app.get("/", async (request) => {
      request.session.set("n", 1);
      return "saved";
    });
    const { cookies } = await app.inject("/");
    failing = "create";
    assert.deepEqual((await app.inject("/")).json(), { code: "store_failed", subject: null });
    failing = "read";
    const cookie = { [cookies[0].name]: cookies[0].value };
    assert.deepEqual((await app.inject({ url: "/", cookies: cookie })).json(), { code: "store_failed", subject: null });
    await app.close();
  },

  "a stream, and a reply that was hijacked, carry the cookie": async () => {
    const app = fastify();
    app.register(fastifySession, { sessions: createSessions() });
    app.get("/stream", async (request, reply) => {
      request.session.set("n", 1);
      const { Readable } = await import("node:stream");
      return reply.send(Readable.from(["a", "b"]));
    });
    app.get("/hijacked", (request, reply) => {
      request.session.set("n", 1);
      reply.hijack();
      reply.raw.end("by hand");
    });
    for (const [url, body] of [
      ["/stream", "ab"],
      ["/hijacked", "by hand"],
    ]) {
      const answer = await app.inject(url);
      assert.deepEqual([answer.body, answer.cookies.length], [body, 1]);
    }
    await app.close();
  },

  "@fastify/websocket: the session is there, and a change is stored by what load returns": async () => {
    const sessions = local();
    const app = fastify();
    await app.register(fastifySession, { sessions });
    await app.register(websocket);
    app.get("/login", async (request) => request.session.signIn("ada"));
    app.get("/", async (request) => request.session.get("seen") ?? 0);
    app.get("/socket", { websocket: true }, (socket, request) => {
      socket.on("message", async () => {
        const session = await sessions.load(requestOf(request.raw));
        session.update("seen", (n = 0) => n + 1);
        await sessions.commit(session, { deliverable: false });
        socket.send(request.session.subject);
      });
    });
    await listening(app, async (ada, origin) => {
      await ada.get("/login");
      const cookie = [...ada.cookies].map((pair) => pair.join("=")).join("; ");
      const { WebSocket } = await import("ws");
      const socket = new WebSocket(`${origin.replace("http", "ws").replace("127.0.0.1", "localhost")}/socket`, {
        headers: { cookie },
      });
      await new Promise((resolve) => socket.once("open", resolve));
      const answer = new Promise((resolve) => socket.once("message", resolve));
      socket.send("hello");
      assert.equal(String(await answer), "ada");
      socket.close();
      assert.equal((await ada.get("/")).text, "1");
    });
  },

  "@fastify/passport and @fastify/csrf-protection on a session with properties": async () => {
    const sessions = local();
    const app = fastify();
    const { Authenticator } = fastifyPassport;
    const auth = new Authenticator();
    auth.use("local", new LocalStrategy((name, password, done) => done(null, password === "right" && { id: name })));
    auth.registerUserSerializer(async (user) => user.id);
    auth.registerUserDeserializer(async (id) => ({ id }));
    await app.register(fastifySession, { sessions, properties: true, subject: (data) => data.passport });
    await app.register(auth.initialize());
    await app.register(auth.secureSession());
    await app.register(csrf, { sessionPlugin: "@fastify/session" });
    app.get("/token", async (_request, reply) => reply.generateCsrf());
    app.post("/login", { preValidation: [app.csrfProtection, auth.authenticate("local")] }, async (request, reply) => {
      request.flash("info", "welcome");
      return reply.redirect("/");
    });
    app.post("/logout", async (request, reply) => {
      await request.logout();
      return reply.redirect("/");
    });
    app.get("/", async (request, reply) => ({ user: request.user?.id, info: reply.flash("info") }));
    app.get("/views", async (request) => {
      request.session.views = (request.session.views ?? 0) + 1;
      return request.session.views;
    });
    await listening(app, async (ada) => {
      const token = (await ada.get("/token")).text;
      const body = JSON.stringify({ username: "ada", password: "right" });
      const headers = { "content-type": "application/json", "csrf-token": token };
      assert.equal((await ada.post("/login", body, { headers: { "content-type": "application/json" } })).status, 403);
      const fresh = (await ada.get("/token")).text;
      assert.equal((await ada.post("/login", body, { headers: { ...headers, "csrf-token": fresh } })).status, 302);
      assert.deepEqual((await ada.get("/")).json(), { user: "ada", info: ["welcome"] });
      assert.equal((await sessions.list("ada")).length, 1);
      await ada.get("/views");
      assert.equal((await ada.get("/views")).text, "2");
      await ada.post("/logout", "{}", { headers });
      assert.deepEqual((await ada.get("/")).json(), { info: [] });
      assert.equal((await sessions.list("ada")).length, 0);
    });
  },

  "@fastify/flash: a message is there once, with properties and without": async () => {
    for (const properties of [false, true]) {
      const app = fastify();
      await app.register(fastifySession, { sessions: local(), properties });
      await app.register(flash);
      app.get("/save", async (request) => request.flash("info", "saved"));
      app.get("/", async (_request, reply) => reply.flash("info"));
      await listening(app, async (visitor) => {
        await visitor.get("/save");
        assert.deepEqual((await visitor.get("/")).json(), ["saved"]);
        assert.deepEqual((await visitor.get("/")).json(), []);
      });
    }
  },
};
