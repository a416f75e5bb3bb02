/** Imports all entries by the package's name and holds a first conversation. Gives what it saw. */
import { createSessions } from "@sojourn/session";
import * as bun from "@sojourn/session/bun";
import * as connectStore from "@sojourn/session/connect-store";
import * as deno from "@sojourn/session/deno";
import * as hono from "@sojourn/session/hono";
import * as mysql from "@sojourn/session/mysql";
import * as nats from "@sojourn/session/nats";
import * as postgres from "@sojourn/session/postgres";
import * as redis from "@sojourn/session/redis";
import * as sealed from "@sojourn/session/sealed";
import * as sqlite from "@sojourn/session/sqlite";
import * as testing from "@sojourn/session/testing";
import * as unstorage from "@sojourn/session/unstorage";
import * as workers from "@sojourn/session/workers";

const entries = {
  bun,
  connectStore,
  deno,
  hono,
  mysql,
  nats,
  postgres,
  redis,
  sealed,
  sqlite,
  testing,
  unstorage,
  workers,
};

export async function check() {
  return {
    empty: Object.entries(entries).flatMap(([name, entry]) => (Object.keys(entry).length > 0 ? [] : [name])),
    memory: await converse(createSessions()),
    sealed: await converse(createSessions({ store: sealed.sealedCookies({ keys: [sealed.generateKey()] }) })),
  };
}

/** @param {import("@sojourn/session").Sessions} sessions */
async function converse(sessions) {
  const browser = testing.cookieJar(
    sessions.wrap((_request, session) => {
      session.update("visits", (visits) => (typeof visits === "number" ? visits : 0) + 1);
      return new Response(String(session.get("visits")));
    }),
  );
  const bodies = [];
  for (let visit = 0; visit < 3; visit++) bodies.push(await (await browser.fetch("/")).text());
  return bodies.join(" ");
}
