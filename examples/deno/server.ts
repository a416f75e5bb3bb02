// deno run --allow-net --allow-env --allow-read --allow-write --unstable-kv examples/deno/server.ts      the site on
// http://localhost:8080 In the environment, PORT is another port, and DATABASE a file to keep the sessions in, so that
// they outlive the process.
import { createSessions } from "@sojourn/session";
import { denoKvStore } from "@sojourn/session/deno";
import { createSite, describe } from "../site/site.js";

const kv = await Deno.openKv(Deno.env.get("DATABASE") ?? ":memory:");
const site = createSite(createSessions({ store: denoKvStore(kv), cookie: { secure: "auto" }, describe }));

const onListen = ({ port }: { port: number }) => console.log(`http://localhost:${port}`);
const server = Deno.serve({ port: Number(Deno.env.get("PORT") ?? 8080), onListen }, (request) => site(request));

// What is being answered is answered; then the process ends.
for (const signal of ["SIGINT", "SIGTERM"] as const) Deno.addSignalListener(signal, () => server.shutdown());
await server.finished;
Deno.exit();
