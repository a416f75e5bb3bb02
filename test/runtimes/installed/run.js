/** The check as a program of Node, Bun and Deno: prints what it saw as JSON. */
import { check } from "./check.js";

console.log(JSON.stringify(await check()));
