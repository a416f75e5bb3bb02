/** `bun bun-runner.ts [redis]`: the last line is the results as JSON. */
import { bunRedisTests, bunStores, moreBunTests } from "./bun-stores.ts";
import { runStoreTests } from "./store-tests.ts";

const results =
  process.argv[2] === "redis" ? await runStoreTests([], bunRedisTests) : await runStoreTests(bunStores, moreBunTests);
console.log(JSON.stringify(results));
