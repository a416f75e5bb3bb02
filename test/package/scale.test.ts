import { join } from "node:path";
import { expect, test } from "vitest";
import { runProgram } from "../runtimes/harness.ts";
import { root } from "./manifests.ts";
import { blocksOf } from "./markdown.ts";

// A number on a page that nobody computes any more is wrong sooner or later.
test("docs/scale.md quotes what bench/scale.js prints", { timeout: 120_000 }, async () => {
  const printed = await runProgram(process.execPath, [join(root, "bench/scale.js")], { timeout: 100_000 });
  const [quoted] = blocksOf("docs/scale.md").filter(({ language }) => language === "text");
  expect(quoted?.code).toBe(printed);
});
