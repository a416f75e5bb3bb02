/** `deno run --allow-all --unstable-kv deno-process.ts FILE PORT`: a store on Deno KV, for whoever asks over HTTP. */
import { type DenoKv, denoKvStore } from "@sojourn/session/deno";
import { answer } from "./answer.js";

declare const Deno: {
  args: string[];
  openKv(path?: string): Promise<DenoKv>;
  serve(options: object, handle: (request: Request) => Promise<Response>): unknown;
};

const [file, port] = Deno.args;
const store = denoKvStore(await Deno.openKv(file));
const onListen = (): void => console.log(`http://127.0.0.1:${port}`);
Deno.serve(
  { port: Number(port), hostname: "127.0.0.1", onListen },
  async (request) => new Response(await answer(store, await request.text())),
);
