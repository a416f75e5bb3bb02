/** `deno run --allow-all --unstable-kv deno-runner.ts`: the last line is the results as JSON. */
import { denoStores, moreDenoTests } from "./deno-stores.ts";
import { runStoreTests } from "./store-tests.ts";

console.log(JSON.stringify(await runStoreTests(denoStores, moreDenoTests)));
