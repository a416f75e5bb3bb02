// Run by Node, with the path of a new file and a number of updates: four threads do what at-once.ts does.
import { Worker } from "node:worker_threads";

const threads = Array.from({ length: 4 }, () => {
  const thread = new Worker(new URL("at-once.ts", import.meta.url), { argv: process.argv.slice(2) });
  return { thread, ready: new Promise((resolve) => thread.once("message", resolve)) };
});
await Promise.all(threads.map(({ ready }) => ready));
const ended = threads.map(({ thread }) => new Promise((resolve) => thread.once("exit", resolve)));
for (const { thread } of threads) thread.postMessage("go");
console.log(JSON.stringify(await Promise.all(ended)));
