/** As a program of Node, Bun and Deno: takes the cookies as JSON, and prints what came of them as JSON. */
import { adoptAll } from "./adopt.ts";

console.log(JSON.stringify(await adoptAll(JSON.parse(process.argv[2] ?? ""))));
