/** `bun serve-bun.ts app`: an app of fetch-apps.js, with its sessions in a database of bun:sqlite. */
import { Database } from "bun:sqlite";
import { bunSqliteStore } from "@sojourn/session/bun";
import { clock } from "./controlled.js";
import { createApp } from "./fetch-apps.js";

const upgrade = (request: Request): Response | undefined =>
  server.upgrade(request) ? undefined : new Response(null, { status: 426 });
const app = createApp(process.argv[2] ?? "site", bunSqliteStore(new Database(":memory:"), { clock }), upgrade);
const server = Bun.serve({ port: 0, fetch: (request: Request) => app(request), websocket: { message() {} } });
console.log(`http://localhost:${server.port}`);
