import assert from "node:assert/strict";
import compression from "compression";
import express from "express";
import rateLimit from "express-rate-limit";
import helmet from "helmet";
import { createProxyMiddleware } from "http-proxy-middleware";
import morgan from "morgan";
import multer from "multer";
import onHeaders from "on-headers";
import responseTime from "response-time";
import supertest from "supertest";
import { browser, listening } from "../kit.js";

/** Every visit counts, and every answer is long enough to be compressed. */
function counter(...middleware) {
  const app = express();
  for (const one of middleware) app.use(one);
  app.get("/", (req, res) => {
    req.session.views = (req.session.views ?? 0) + 1;
    res.set("content-type", "text/plain").send(String(req.session.views).padEnd(5000));
  });
  return app;
}

async function countsTo3(app, check = () => {}) {
  await listening(app, async (origin) => {
    const visitor = browser(origin);
    for (const views of ["1", "2", "3"]) {
      const page = await visitor.get("/");
      assert.equal(page.text.trim(), views);
      check(page);
    }
  });
}

const lines = [];
const observers = () => [
  helmet(),
  compression(),
  morgan("tiny", { stream: { write: (line) => lines.push(line) } }),
  responseTime(),
  (_req, res, next) => {
    onHeaders(res, () => res.setHeader("x-late", "yes"));
    next();
  },
];

function observed(page) {
  assert.equal(page.headers.get("content-encoding"), "gzip");
  assert.equal(page.headers.get("x-late"), "yes");
  assert.match(page.headers.get("x-response-time"), /ms$/);
  assert.ok(page.headers.has("content-security-policy"));
  assert.match(lines.pop(), /^GET \/ 200/);
}

export const stories = {
  "helmet, compression, morgan, on-headers and response-time before the session": (session) =>
    countsTo3(counter(...observers(), session()), observed),

  "helmet, compression, morgan, on-headers and response-time after the session": (session) =>
    countsTo3(counter(session(), ...observers()), observed),

  "express-rate-limit: counts by session": (session) =>
    listening(
      counter(session(), rateLimit({ limit: 2, keyGenerator: (req) => (req.session.views ? req.sessionID : "new") })),
      async (origin) => {
        const visitor = browser(origin);
        assert.equal((await visitor.get("/")).status, 200);
        for (const status of [200, 200, 429]) assert.equal((await visitor.get("/")).status, status);
        assert.equal((await browser(origin).get("/")).status, 200);
      },
    ),

  "http-proxy-middleware: a session before the proxy, and what is behind it unharmed": (session) =>
    listening(
      (request, response) =>
        response.writeHead(201, { "set-cookie": "theirs=1" }).end(`behind ${request.headers["x-user"]}`),
      (target) => {
        const app = express();
        app.use(session());
        app.get("/login", (req, res) => {
          req.session.user = "ada";
          res.end();
        });
        const proxyReq = (proxied, req) => {
          proxied.setHeader("x-user", req.session.user);
          req.session.proxied = true;
        };
        app.use("/api", createProxyMiddleware({ target, on: { proxyReq } }));
        app.get("/", (req, res) => res.json({ proxied: req.session.proxied }));
        return listening(app, async (origin) => {
          const ada = browser(origin);
          await ada.get("/login");
          const answer = await ada.get("/api");
          assert.deepEqual([answer.status, answer.text, ada.cookies.get("theirs")], [201, "behind ada", "1"]);
          assert.deepEqual((await ada.get("/")).json(), { proxied: true });
        });
      },
    ),

  "multer: a session in an upload": (session) => {
    const app = express();
    app.use(session());
    app.post("/", multer().single("file"), (req, res) => {
      req.session.files ??= [];
      req.session.files.push(req.file.originalname);
      res.json(req.session.files);
    });
    return listening(app, async (origin) => {
      const visitor = browser(origin);
      const upload = async (name) => {
        const form = new FormData();
        form.append("file", new Blob(["text"]), name);
        return (await visitor.post("/", form)).json();
      };
      await upload("a.txt");
      assert.deepEqual(await upload("b.txt"), ["a.txt", "b.txt"]);
    });
  },

  "supertest: its agent keeps the session": async (session) => {
    const agent = supertest.agent(counter(session()));
    await agent.get("/").expect(200, /^1 /);
    await agent.get("/").expect(200, /^2 /);
  },
};
