/**
 * One contestant behind one HTTP server on loopback: `/plain` is the bare handler, `/read`, `/write`, `/new` and
 * `/untouched` the ones with sessions. Prints its port, and serves until its parent is gone.
 */
import process from "node:process";
import { handlersOf } from "./cells.js";
import { contestant } from "./contestants/index.js";

const { kind, load } = contestant(process.argv[2]);
const handlers = await handlersOf(await load());
const routes = {
  "/plain": handlers.plain,
  "/untouched": handlers.untouched,
  "/read": handlers.read,
  "/write": handlers.write,
  "/new": handlers["new-small"],
};

process.stdin.on("end", () => process.exit()).resume();

const hostname = "127.0.0.1";
const announce = (port) => console.log(port);

if (kind === "node") {
  const { createServer } = await import("node:http");
  const server = createServer((request, response) => routes[request.url](request, response));
  server.listen(0, hostname, () => announce(server.address().port));
} else {
  const fetch = (request) => routes[pathOf(request.url)](request);
  if (globalThis.Bun) announce(Bun.serve({ port: 0, hostname, fetch }).port);
  else if (globalThis.Deno) Deno.serve({ port: 0, hostname, onListen: ({ port }) => announce(port) }, fetch);
  else (await import("@hono/node-server")).serve({ port: 0, hostname, fetch }, ({ port }) => announce(port));
}

function pathOf(url) {
  return url.slice(url.indexOf("/", 8));
}
