/** `bun serve-bun.ts app`: an app of fetch-apps.js, with its sessions in a database of bun:sqlite. */
import { Database } from "bun:sqlite";
import { bunSqliteStore } from "@sojourn/session/bun";
import { clock } from "./controlled.js";
import { createApp } from "./fetch-apps.js";

const app = createApp(process.argv[2] ?? "site", bunSqliteStore(new Database(":memory:"), { clock }));
const server = Bun.serve({ port: 0, fetch: (request: Request) => app(request) });
console.log(`http://localhost:${server.port}`);
