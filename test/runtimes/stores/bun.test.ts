import { describeWith, service } from "../../services.ts";
import { sourcePaths } from "../../support/sources.ts";
import { runProgram } from "../harness.ts";
import { bunRedisTests, bunStores, moreBunTests } from "./bun-stores.ts";
import { reportStoreTests } from "./report.ts";
import type { Results } from "./store-tests.ts";

const bun = await service("bun");

async function run(...args: string[]): Promise<Results> {
  const output = await runProgram(bun.path ?? "bun", [sourcePaths, "test/runtimes/stores/bun-runner.ts", ...args], {
    timeout: 100_000,
  });
  return JSON.parse(output.trim().split("\n").at(-1) ?? "") as Results;
}

describeWith(bun, "stores and handlers inside Bun", () => {
  reportStoreTests(() => run(), bunStores, moreBunTests);
});

describeWith([bun, await service("redis")], "Redis inside Bun", () => {
  reportStoreTests(() => run("redis"), [], bunRedisTests);
});
