// npm run build && bun examples/bun/server.ts          the site on http://localhost:8080 In the environment, PORT is
// another port, and DATABASE a file to keep the sessions in, so that they outlive the process.
import { Database } from "bun:sqlite";
import { createSessions } from "@sojourn/session";
import { bunSqliteStore } from "@sojourn/session/bun";
import { createSite, describe } from "../site/site.js";

const store = bunSqliteStore(new Database(process.env.DATABASE ?? ":memory:"));
const site = createSite(createSessions({ store, cookie: { secure: "auto" }, describe }));

const server = Bun.serve({ port: Number(process.env.PORT ?? 8080), fetch: (request) => site(request) });
console.log(`http://localhost:${server.port}`);

// What is being answered is answered; then the process ends.
for (const signal of ["SIGINT", "SIGTERM"]) process.once(signal, () => server.stop().then(() => process.exit()));
