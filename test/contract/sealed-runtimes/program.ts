/** For Node, Bun and Deno: prints the report. */
import { report } from "./open.ts";

console.log(JSON.stringify(await report()));
