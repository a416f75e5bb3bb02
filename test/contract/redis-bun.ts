/**
 * Runs the store contract with Bun's own Redis client: `bun redis-bun.ts <url> <prefix>`. Leaves nothing under the
 * prefix.
 */
import type { RedisClient } from "../../src/stores/redis.ts";
import { redisStore } from "../../src/stores/redis.ts";
import { testStore } from "../../src/testing.ts";

declare const Bun: { RedisClient: new (url: string) => Extract<RedisClient, { send: unknown }> & { close(): void } };

const [url = "", prefix = ""] = process.argv.slice(2);
const client = new Bun.RedisClient(url);
const tests: [name: string, run: () => Promise<void>][] = [];
let stores = 0;

testStore(
  "redisStore(Bun)",
  ({ clock }) => {
    const options = { prefix: `${prefix}${stores++}:`, clock };
    const own = new Bun.RedisClient(url);
    const close = (): void => own.close();
    return { store: redisStore(own, options), other: redisStore(client, options), cut: close, dispose: close };
  },
  { test: (name, run) => tests.push([name, run]), capabilities: { sweep: false, other: true, cut: true } },
);
for (const [name, run] of tests) {
  await run().catch((error: unknown) => {
    process.exitCode = 1;
    console.log(name, error);
  });
}
const left = (await client.send("KEYS", [`${prefix}*`])) as string[];
if (left.length > 0) await client.send("UNLINK", left);
client.close();
console.log(`${tests.length} tests passed`);
