import { randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import process from "node:process";
import { pathToFileURL } from "node:url";

/** Where the built package is; `npm run bench -- --package=DIR` compares another build of it. */
function root() {
  return process.env.BENCH_PACKAGE
    ? pathToFileURL(`${process.env.BENCH_PACKAGE}/`)
    : new URL("../../", import.meta.url);
}

/** The file of one entry of the built package, `"."` or `"./redis"`. */
export function entryFile(entry) {
  const { exports } = JSON.parse(readFileSync(new URL("package.json", root()), "utf8"));
  return new URL(exports[entry].default, root());
}

export const library = (entry = ".") => import(entryFile(entry).href);

const access = {
  get: (session, key) => session.get(key),
  assign(session, values) {
    for (const key in values) session.set(key, values[key]);
  },
  signIn: (session) => session.signIn("alice-0001"),
};

/** Ours with the defaults, through `wrap`. */
export async function sojourn() {
  const { createSessions, memoryStore } = await library();
  // Rotation is a policy of a manager, so the two managers share one store.
  const store = memoryStore({ maxEntries: 5_000_000 });
  const sessions = createSessions({ store });
  const rotating = createSessions({ store, rotation: { every: "request" } });
  return {
    plain: () => new Response("ok"),
    withSession: (action, { rotates = false } = {}) =>
      (rotates ? rotating : sessions).wrap((_request, session) => new Response(action(session) ?? "ok")),
    ...access,
    rotates: true,
  };
}

/** Ours on an engine behind a network, through `wrapLazy`: nothing is read until the handler asks. */
export async function sojournLazy(store) {
  const { createSessions } = await library();
  const sessions = createSessions({ store });
  return {
    plain: () => new Response("ok"),
    withSession: (action, { untouched = false } = {}) =>
      sessions.wrapLazy(async (_request, open) => new Response(untouched ? "ok" : (action(await open()) ?? "ok"))),
    ...access,
  };
}

/** Ours through the middleware for Express, Connect and plain `http`. */
export async function sojournConnect(store) {
  const { createSessions, memoryStore } = await library();
  const { sessionMiddleware } = await library("./node");
  const middleware = sessionMiddleware(createSessions({ store: store ?? memoryStore({ maxEntries: 5_000_000 }) }));
  return {
    plain: (_request, response) => void response.end("ok"),
    withSession: (action) => (request, response) =>
      middleware(request, response, () => response.end(action(request.session) ?? "ok")),
    ...access,
  };
}

/** Ours in an encrypted cookie. */
export async function sojournSealed() {
  const { createSessions } = await library();
  const { sealedCookies } = await library("./sealed");
  const key = randomBytes(32).toString("base64url");
  const sessions = createSessions({ store: sealedCookies({ keys: [key] }) });
  return {
    plain: () => new Response("ok"),
    withSession: (action) => sessions.wrap((_request, session) => new Response(action(session) ?? "ok")),
    ...access,
  };
}
