import express from "express";
import session from "express-session";
import { secret } from "./data.js";

export function expressSession({ store = new session.MemoryStore() } = {}) {
  const middleware = session({ secret, resave: false, saveUninitialized: false, store, name: "session" });
  const serve = (handler, ...before) => {
    const app = express();
    app.disable("x-powered-by");
    app.set("etag", false);
    app.use(...before, handler);
    return app;
  };
  return {
    plain: serve((_request, response) => void response.end("ok")),
    withSession: (action, { rotates = false }) =>
      serve(async (request, response) => {
        const body = action(request.session) ?? "ok";
        if (rotates) await regenerate(request);
        response.end(body);
      }, middleware),
    get: (data, key) => data[key],
    assign: (data, values) => void Object.assign(data, values),
    rotates: true,
  };
}

/** `regenerate` gives a new id to an empty session: the data has to be carried over by hand. */
async function regenerate(request) {
  const { cookie: _, ...data } = request.session;
  await new Promise((resolve, reject) => request.session.regenerate((error) => (error ? reject(error) : resolve())));
  Object.assign(request.session, data);
}
