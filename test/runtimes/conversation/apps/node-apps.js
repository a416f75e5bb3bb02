/** The servers that people on Node have, each in its own manner. */
import { text } from "node:stream/consumers";
import { createSessions } from "@sojourn/session";
import { sessionMiddleware } from "@sojourn/session/node";
import connect from "connect";
import express from "express";
import express4 from "express-4";
import fastify from "fastify";
import Koa from "koa";
import { createChanges } from "../../../../examples/site/changes.js";
import { view } from "../../../../examples/site/view.js";
import { options } from "./controlled.js";

/**
 * @typedef {import("node:http").RequestListener} Listener
 * @typedef {import("node:http").IncomingMessage & { session: import("../../../../examples/site/changes.js").Session }} Request
 */

/** @param {import("@sojourn/session").SessionStore} store */
function prepare(store) {
  const sessions = createSessions({ ...options, store });
  const changes = createChanges(sessions);
  return {
    middleware: sessionMiddleware(sessions),
    /** @param {Request} request */
    show: (request) => view(sessions, request.session, true),
    /** Where to go on, or undefined for a path that nothing can be sent to. @param {Request} request @param {string} form */
    async change({ url = "/", session }, form) {
      return changes.get(new URL(url, "http://localhost").pathname)?.(session, new URLSearchParams(form));
    },
  };
}

/** @type {Record<string, (store: import("@sojourn/session").SessionStore) => Listener | Promise<Listener>>} */
export const nodeApps = {
  http(store) {
    const site = prepare(store);
    return (request, response) =>
      site.middleware(request, response, (error) => {
        if (error !== undefined) response.writeHead(500).end();
        else answer(site, /** @type {Request} */ (request), response);
      });
  },

  connect(store) {
    const site = prepare(store);
    const app = connect();
    app.use(site.middleware);
    app.use(
      (request, response) => void answer(site, /** @type {Request} */ (/** @type {unknown} */ (request)), response),
    );
    return app;
  },

  "express-5": (store) => expressApp(express, store),
  "express-4": (store) => expressApp(express4, store),

  async fastify(store) {
    const site = prepare(store);
    const app = fastify();
    app.addHook("onRequest", (request, reply, done) =>
      site.middleware(request.raw, reply.raw, /** @type {() => void} */ (done)),
    );
    app.addContentTypeParser("application/x-www-form-urlencoded", { parseAs: "string" }, (_request, body, done) =>
      done(null, body),
    );
    app.get("/*", (request) => site.show(/** @type {Request} */ (request.raw)));
    app.post("/*", async (request, reply) =>
      reply.redirect((await site.change(/** @type {Request} */ (request.raw), String(request.body ?? ""))) ?? "/", 303),
    );
    await app.ready();
    return (request, response) => app.routing(request, response);
  },

  koa(store) {
    const site = prepare(store);
    const app = new Koa();
    app.use(
      (context, next) =>
        new Promise((resolve, reject) => {
          site.middleware(context.req, context.res, (error) => {
            if (error === undefined) next().then(resolve, reject);
            else context.onerror(/** @type {Error} */ (error));
          });
        }),
    );
    app.use(async (context) => {
      const request = /** @type {Request} */ (context.req);
      if (request.method === "POST") {
        context.redirect((await site.change(request, await text(request))) ?? "/");
        context.status = 303;
      } else {
        context.body = await site.show(request);
      }
    });
    return app.callback();
  },
};

/** @param {ReturnType<typeof prepare>} site @param {Request} request @param {import("node:http").ServerResponse} response */
async function answer(site, request, response) {
  if (request.method === "POST") {
    response.writeHead(303, { location: (await site.change(request, await text(request))) ?? "/" }).end();
  } else {
    response.setHeader("content-type", "application/json");
    response.end(JSON.stringify(await site.show(request)));
  }
}

/** @param {typeof express} create @param {import("@sojourn/session").SessionStore} store */
function expressApp(create, store) {
  const site = prepare(store);
  const app = create();
  app.use(site.middleware);
  app.use(create.text({ type: "application/x-www-form-urlencoded" }));
  app.post(/.*/, async (request, response) => {
    const from = /** @type {Request} */ (/** @type {unknown} */ (request));
    response.redirect(303, (await site.change(from, typeof request.body === "string" ? request.body : "")) ?? "/");
  });
  app.get(/.*/, async (request, response) => {
    response.json(await site.show(/** @type {Request} */ (/** @type {unknown} */ (request))));
  });
  return app;
}
