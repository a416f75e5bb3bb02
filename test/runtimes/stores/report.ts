import { test } from "vitest";
import { allTests, type MoreTests, type Results, type StoreUnderTest } from "./store-tests.ts";

/** Makes every test that ran inside a runtime a test of this file. `run` is called once, by the first of them. */
export function reportStoreTests(
  run: () => Promise<Results>,
  stores: readonly StoreUnderTest[],
  more: MoreTests = {},
): void {
  let running: Promise<Results> | undefined;
  for (const [name] of allTests(stores, more)) {
    test(name, async () => {
      running ??= run();
      const result = (await running)[name];
      if (result !== null) throw new Error(result ?? "The runtime did not run this test");
    }, 120_000);
  }
}
