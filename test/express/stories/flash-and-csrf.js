import assert from "node:assert/strict";
import flash from "connect-flash";
import cookieParser from "cookie-parser";
import { doubleCsrf } from "csrf-csrf";
import { csrfSync } from "csrf-sync";
import csurf from "csurf";
import express from "express";
import expressFlash from "express-flash";
import lusca from "lusca";
import { browser, listening } from "../kit.js";

function flashStory(session, middleware) {
  const app = express();
  app.use(session(), middleware);
  app.post("/", (req, res) => {
    req.flash("info", "saved");
    req.flash("info", "sent");
    res.redirect("/");
  });
  app.get("/", (req, res) => res.json(req.flash("info")));
  return listening(app, async (origin) => {
    const visitor = browser(origin);
    assert.deepEqual((await visitor.get("/")).json(), []);
    assert.equal((await visitor.post("/")).status, 302);
    assert.deepEqual((await visitor.get("/")).json(), ["saved", "sent"]);
    assert.deepEqual((await visitor.get("/")).json(), []);
  });
}

/** A form with the right token passes; with none, and with another visitor's, it does not. */
function csrfStory(session, protect, tokenOf, middleware = []) {
  const app = express();
  app.use(session(), cookieParser(), express.urlencoded({ extended: false }), ...middleware);
  app.use((req, _res, next) => {
    req.session.visits = (req.session.visits ?? 0) + 1;
    next();
  });
  app.use(protect);
  app.get("/", (req, res) => res.send(tokenOf(req, res)));
  app.post("/", (_req, res) => res.send("done"));
  app.use((error, _req, res, _next) => res.status(error.status ?? Math.max(res.statusCode, 400)).send(error.message));
  return listening(app, async (origin) => {
    const [ada, eve] = [browser(origin), browser(origin)];
    await ada.get("/");
    const token = (await ada.get("/")).text;
    assert.notEqual(token, "");
    assert.equal((await ada.post("/", {}, { headers: { "x-csrf-token": token } })).text, "done");
    assert.equal((await ada.post("/")).status, 403);
    await eve.get("/");
    assert.equal((await eve.post("/", {}, { headers: { "x-csrf-token": token } })).status, 403);
  });
}

export const stories = {
  "connect-flash: a message is there once": (session) => flashStory(session, flash()),

  "express-flash: a message is there once": (session) => flashStory(session, expressFlash()),

  "csrf-sync: a token in the session": (session) => {
    const { csrfSynchronisedProtection } = csrfSync();
    return csrfStory(session, csrfSynchronisedProtection, (req) => req.csrfToken());
  },

  "csrf-csrf: a token bound to the id of the session": (session) => {
    const { doubleCsrfProtection } = doubleCsrf({
      getSecret: () => "secret",
      getSessionIdentifier: (req) => req.session.id,
      cookieName: "csrf",
      cookieOptions: { secure: false },
    });
    return csrfStory(session, doubleCsrfProtection, (req) => req.csrfToken());
  },

  "csurf: a secret in the session": (session) => csrfStory(session, csurf(), (req) => req.csrfToken()),

  "lusca: a secret in the session": (session) => csrfStory(session, lusca.csrf(), (_req, res) => res.locals._csrf),
};
