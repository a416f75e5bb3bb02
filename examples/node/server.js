// npm start                  the site on http://localhost:8080 (PORT=3000 npm start: on another port)
import { createServer } from "node:http";
import { createSessions, memoryStore } from "@sojourn/session";
import { toNodeListener } from "@sojourn/session/node-listener";
import { createSite, describe } from "../site/site.js";

// With "auto" the cookie is a plain one on http://localhost, so that Safari takes it there too.
const site = createSite(createSessions({ store: memoryStore(), cookie: { secure: "auto" }, describe }));

const server = createServer(toNodeListener(site)).listen(Number(process.env.PORT ?? 8080), () => {
  const { port } = /** @type {import("node:net").AddressInfo} */ (server.address());
  console.log(`The shop is open: http://localhost:${port}`);
});

// What is being answered is answered; then the process ends.
for (const signal of ["SIGINT", "SIGTERM"]) process.once(signal, () => server.close());
