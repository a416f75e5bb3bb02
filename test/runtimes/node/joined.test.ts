/** The middleware and a fetch handler of the same sessions, over one request. */
import type { IncomingMessage } from "node:http";
import { createSessions, type Session } from "@sojourn/session";
import { sessionMiddleware, type WithSession } from "@sojourn/session/node";
import { toNodeListener } from "@sojourn/session/node-listener";
import express from "express";
import { expect, test, vi } from "vitest";
import { closedAfterEach } from "./after-each.ts";
import { cookieOf, type Served, send, serve } from "./client.ts";
import type { Data } from "./frameworks.ts";
import { type HeldStore, heldStore } from "./held-store.ts";

const opened = closedAfterEach();

type Wrapped = (request: Request, session: Session<Data>) => Response;

async function start(handler: Wrapped): Promise<Served & { store: HeldStore }> {
  const store = heldStore();
  const sessions = createSessions<Data>({ store });
  const app = express();
  app.use(sessionMiddleware(sessions));
  app.use((request, _response, next) => {
    (request as IncomingMessage as IncomingMessage & WithSession<Data>).session.update("n", (n = 0) => n + 1);
    next();
  });
  app.use("/part", toNodeListener(sessions.wrap(handler)));
  const served = await serve(app);
  opened.push(served.close);
  return Object.assign(served, { store });
}

test("both have one session, with one record and one cookie", async () => {
  const { url, store } = await start((request, session) => {
    session.set("text", request.method + new URL(request.url).pathname);
    return Response.json({ ...session.all() });
  });
  const create = vi.spyOn(store, "create");
  const first = await send(`${url}/part/a`);
  expect(JSON.parse(first.body)).toEqual({ n: 1, text: "GET/a" });
  expect(first.headers.getSetCookie()).toHaveLength(1);
  expect(create).toHaveBeenCalledTimes(1);
  const again = await send(`${url}/part/b`, { headers: { cookie: cookieOf(first) } });
  expect(JSON.parse(again.body)).toEqual({ n: 2, text: "GET/b" });
  expect(create).toHaveBeenCalledTimes(1);
});

test("a fetch handler that throws stores nothing, and what the middleware's session was given goes with it", async () => {
  vi.spyOn(console, "error").mockImplementation(() => {});
  const { url } = await start(() => {
    throw new Error("the handler failed");
  });
  const { status, headers } = await send(`${url}/part/a`);
  expect([status, headers.getSetCookie()]).toEqual([500, []]);
});
