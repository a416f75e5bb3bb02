/** `deno run --allow-all --unstable-kv serve-deno.ts app`: an app of fetch-apps.js, with its sessions in Deno KV. */
import { denoKvStore } from "@sojourn/session/deno";
import { clock } from "./controlled.js";
import { createApp } from "./fetch-apps.js";

const upgrade = (request: Request): Response => Deno.upgradeWebSocket(request).response;
const app = createApp(Deno.args[0] ?? "site", denoKvStore(await Deno.openKv(":memory:"), { clock }), upgrade);
const onListen = ({ port }: { port: number }) => console.log(`http://localhost:${port}`);
Deno.serve({ port: 0, onListen }, (request) => app(request));
