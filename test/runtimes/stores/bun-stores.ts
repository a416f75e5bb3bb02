import { bunHandler, bunSqliteStore, redisStore, type SqliteDatabase } from "../../../adapters/bun.ts";
import { createSessions, memoryStore } from "../../../src/index.ts";
import type { MakeStore } from "../../../src/testing.ts";
import { interleavedSessions } from "./interleaved-sessions.ts";
import { parallelSessions } from "./parallel-sessions.ts";
import { equal, type MoreTests, type StoreUnderTest } from "./store-tests.ts";

type Database = SqliteDatabase & { close(): void };

interface Server {
  readonly url: URL;
  upgrade(request: Request, options?: { data?: unknown }): boolean;
  stop(force: boolean): Promise<void>;
}

type Handler = (request: Request & { params: Record<string, string> }, server: Server) => unknown;

declare const Bun: {
  serve(options: {
    port: number;
    fetch: Handler;
    routes: Record<string, Handler | Record<string, Handler>>;
    websocket: { message(socket: { data: unknown; send(text: string): void }, text: string): void };
  }): Server;
  RedisClient: new (url: string) => { send(command: string, args: string[]): Promise<unknown>; close(): void };
};

function openDatabase(path = ":memory:"): Database {
  const { Database } = process.getBuiltinModule("bun:sqlite") as unknown as {
    Database: new (path: string) => Database;
  };
  return new Database(path);
}

const makeSqliteStore: MakeStore = ({ clock }) => {
  const database = openDatabase();
  return { store: bunSqliteStore(database, { clock }), dispose: () => database.close() };
};

export const bunStores: readonly StoreUnderTest[] = [{ name: "bunSqliteStore()", makeStore: makeSqliteStore }];

/** Tests of the Redis client, for machines with a server. */
export const bunRedisTests: MoreTests = parallelSessions("redisStore(Bun.RedisClient)", ({ clock }) => {
  const client = new Bun.RedisClient("redis://127.0.0.1:6379");
  const prefix = `sojourn-test:${crypto.randomUUID()}:`;
  return {
    store: redisStore(client, { prefix, clock }),
    async dispose() {
      const keys = (await client.send("KEYS", [`${prefix}*`])) as string[];
      await client.send("DEL", keys);
      client.close();
    },
  };
});

export const moreBunTests: MoreTests = {
  "bunSqliteStore(): a file is set up for a server, and two processes see each other's versions": async () => {
    const { mkdtempSync, rmSync } = process.getBuiltinModule("node:fs");
    const folder = mkdtempSync("/tmp/sojourn-bun-");
    const [one, two] = [openDatabase(`${folder}/sessions.db`), openDatabase(`${folder}/sessions.db`)];
    const [first, second] = [bunSqliteStore(one), bunSqliteStore(two)];
    const pragmas = ["journal_mode", "synchronous"].map(
      (name) => Object.values(two.prepare(`PRAGMA ${name}`).all()[0] as object)[0],
    );
    equal(pragmas, ["wal", 1], "the database is not set up for a server");
    const meta = { expiresAt: Date.now() + 3_600_000 };
    const version = (await first.create("key", "1", meta)) ?? "";
    equal(
      (await second.update("key", "2", meta, version)) !== undefined,
      true,
      "update() refused the version of another process",
    );
    equal(
      await first.update("key", "3", meta, version),
      undefined,
      "update() accepted a version that another process replaced",
    );
    one.close();
    two.close();
    rmSync(folder, { recursive: true });
  },

  "bunHandler(): fetch and routes of one server share the sessions, and routes keep their params": () =>
    withServer(async (url) => {
      const first = await fetch(`${url}/visit`);
      const cookie = cookieOf(first);
      equal(
        await (await fetch(`${url}/users/anna%20b`, { headers: { cookie } })).json(),
        { id: "anna b", visits: 1 },
        "params",
      );
      await fetch(`${url}/form`, { method: "POST", headers: { cookie } });
      equal(await (await fetch(`${url}/users/1`, { headers: { cookie } })).json(), { id: "1", visits: 11 }, "methods");
      equal((await fetch(`${url}/form`, { headers: { cookie } })).status, 404, "a method without a handler");
    }),

  "bunHandler(): an upgrade to a web socket passes, with what the session says and with a change saved": () =>
    withServer(async (url) => {
      const cookie = cookieOf(await fetch(`${url}/visit`));
      const Client = WebSocket as unknown as new (
        url: string,
        options: { headers: Record<string, string> },
      ) => WebSocket;
      for (const path of ["/socket", "/socket-route"]) {
        const socket = new Client(url.replace("http", "ws") + path, { headers: { cookie } });
        const answer = await new Promise<unknown>((resolve, reject) => {
          socket.onopen = () => socket.send("who?");
          socket.onmessage = (event) => resolve(event.data);
          socket.onerror = () => reject(new Error(`The web socket at ${path} did not open`));
        });
        socket.close();
        equal(answer, path === "/socket" ? "visits: 1" : "visits: 101", "the socket does not know the session");
      }
      equal(
        await (await fetch(`${url}/users/1`, { headers: { cookie } })).json(),
        { id: "1", visits: 201 },
        "changes of the upgrades",
      );
      equal((await fetch(`${url}/socket`, { headers: { cookie } })).status, 426, "a request that cannot be upgraded");
    }),

  ...parallelSessions("bunSqliteStore()", makeSqliteStore),
  ...interleavedSessions("bunSqliteStore()", makeSqliteStore),
};

async function withServer(use: (url: string) => Promise<void>): Promise<void> {
  const sessions = createSessions<{ visits: number }>({ store: memoryStore() });
  const upgrade = bunHandler(sessions, (request: Request, session, server: Server) => {
    const visits = session.get("visits");
    if (!server.upgrade(request, { data: `visits: ${visits}` })) return new Response(null, { status: 426 });
    session.update("visits", (n = 0) => n + 100);
    return undefined;
  });
  const server = Bun.serve({
    port: 0,
    routes: {
      "/users/:id": bunHandler(sessions, (request, session) =>
        Response.json({ id: request.params.id, visits: session.get("visits") }),
      ),
      "/form": {
        POST: bunHandler(sessions, (_request, session) => {
          session.update("visits", (n = 0) => n + 10);
          return new Response();
        }),
      },
      "/socket-route": upgrade,
    },
    fetch(request, server) {
      const { pathname } = new URL(request.url);
      if (pathname === "/socket") return upgrade(request, server);
      if (pathname !== "/visit") return new Response(null, { status: 404 });
      return visit(request, server);
    },
    websocket: { message: (socket) => socket.send(String(socket.data)) },
  });
  const visit = bunHandler(sessions, (_request: Request, session, _server: Server) => {
    session.update("visits", (n = 0) => n + 1);
    return new Response();
  });
  try {
    await use(server.url.origin);
  } finally {
    await server.stop(true);
  }
}

function cookieOf(response: Response): string {
  return response.headers.getSetCookie()[0]?.split(";")[0] ?? "";
}
