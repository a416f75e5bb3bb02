import Koa from "koa";
import session from "koa-session";
import { secret } from "./data.js";

/** Signed data in the cookie, or a Map of JSON behind its store interface (it brings no memory store of its own). */
export function koaSession({ store }) {
  const entries = new Map();
  const memory = {
    get: async (key) => (entries.has(key) ? JSON.parse(entries.get(key)) : undefined),
    set: async (key, data) => void entries.set(key, JSON.stringify(data)),
    destroy: async (key) => void entries.delete(key),
  };
  const serve = (handler, withPlugin) => {
    const app = new Koa();
    app.keys = [secret];
    if (withPlugin) app.use(session({ key: "session", ...(store === "memory" ? { store: memory } : {}) }, app));
    app.use(handler);
    return app.callback();
  };
  return {
    plain: serve((context) => {
      context.body = "ok";
    }, false),
    withSession: (action, { rotates = false }) =>
      serve((context) => {
        context.body = action(context.session) ?? "ok";
        if (rotates) context.session.regenerate();
      }, true),
    get: (data, key) => data[key],
    assign: (data, values) => void Object.assign(data, values),
    rotates: store === "memory",
  };
}
