/** `node serve-node.js app`: an app of fetch-apps.js or node-apps.js, with its sessions in memory. */
import { createServer } from "node:http";
import { memoryStore } from "@sojourn/session";
import { toNodeListener } from "@sojourn/session/node-listener";
import { clock, putForward } from "./controlled.js";
import { createApp } from "./fetch-apps.js";
import { nodeApps } from "./node-apps.js";

const name = process.argv[2] ?? "site";
const store = memoryStore({ clock });
const listener = (await nodeApps[name]?.(store)) ?? toNodeListener(createApp(name, store));

const server = createServer((request, response) => {
  if (putForward(request.method, request.url ?? "/")) response.end();
  else listener(request, response);
});
server.listen(0, () => {
  console.log(`http://localhost:${/** @type {import("node:net").AddressInfo} */ (server.address()).port}`);
});
