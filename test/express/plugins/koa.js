import assert from "node:assert/strict";
import { createSessions, memoryStore } from "@sojourn/session";
import { koaSession } from "@sojourn/session/koa";
import Koa from "koa";
import koaPassport from "koa-passport";
import { Strategy as LocalStrategy } from "passport-local";
import { browser, listening } from "../kit.js";

const local = (options) => createSessions({ cookie: { secure: "auto" }, ...options });

export const stories = {
  "the session is on the context, and is saved whoever answers": () => {
    const app = new Koa();
    app.silent = true;
    app.use(koaSession(local()));
    app.use((ctx) => {
      ctx.session.update("visits", (n = 0) => n + 1);
      if (ctx.path === "/error") ctx.throw(418, "teapot");
      ctx.body = { visits: ctx.session.get("visits") };
    });
    return listening(app.callback(), async (origin) => {
      const visitor = browser(origin);
      assert.equal((await visitor.get("/error")).status, 418);
      assert.deepEqual((await visitor.get("/")).json(), { visits: 2 });
    });
  },

  "a failing store is an error of the middleware before, or of the application": () => {
    const store = memoryStore();
    const app = new Koa();
    app.silent = true;
    const create = () => Promise.reject(new Error("down"));
    app.use(koaSession(createSessions({ store: { ...store, create } })));
    app.use((ctx) => {
      ctx.session.set("n", 1);
      ctx.body = "saved";
    });
    return listening(app.callback(), async (origin) => {
      const answer = await browser(origin).get("/");
      assert.notEqual(answer.status, 200);
      assert.equal(answer.headers.get("set-cookie"), null);
    });
  },

  "koa-passport on a session with properties": () => {
    const sessions = local();
    const auth = new koaPassport.KoaPassport();
    auth.use(new LocalStrategy((name, password, done) => done(null, password === "right" && { id: name })));
    auth.serializeUser((user, done) => done(null, user.id));
    auth.deserializeUser((id, done) => done(null, { id }));
    const app = new Koa();
    app.use(koaSession(sessions, { properties: true, subject: (data) => data.passport?.user }));
    app.use(auth.initialize());
    app.use(auth.session());
    app.use(async (ctx, next) => {
      if (ctx.path === "/login") {
        ctx.request.body = Object.fromEntries(ctx.URL.searchParams);
        return auth.authenticate("local", { successRedirect: "/", failureRedirect: "/failed" })(ctx, next);
      }
      if (ctx.path === "/logout") await ctx.logout();
      ctx.session.views = (ctx.session.views ?? 0) + 1;
      ctx.body = { user: ctx.state.user?.id, views: ctx.session.views };
    });
    return listening(app.callback(), async (origin) => {
      const ada = browser(origin);
      assert.equal((await ada.get("/login?username=ada&password=wrong")).location, "/failed");
      assert.equal((await ada.get("/login?username=ada&password=right")).location, "/");
      await ada.get("/");
      assert.deepEqual((await ada.get("/")).json(), { user: "ada", views: 2 });
      assert.equal((await sessions.list("ada")).length, 1);
      await ada.get("/logout");
      assert.equal((await ada.get("/")).json().user, undefined);
      assert.equal((await sessions.list("ada")).length, 0);
    });
  },
};
