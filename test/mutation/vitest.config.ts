import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { defineConfig } from "vitest/config";

/*
 * The tests that a mutant must survive: those that need no engine and no build. What they import by the package's name
 * is the source, since that is what is mutated.
 */

const root = new URL("../../", import.meta.url);
const { exports } = JSON.parse(readFileSync(new URL("deno.json", root), "utf8")) as { exports: Record<string, string> };

const alias = Object.entries(exports).map(([key, path]) => ({
  find: new RegExp(`^@sojourn/session${key.slice(1)}$`),
  replacement: fileURLToPath(new URL(path, root)),
}));

export default defineConfig({
  root: fileURLToPath(root),
  resolve: {
    alias: [...alias, { find: "#platform", replacement: fileURLToPath(new URL("src/platform/node.ts", root)) }],
  },
  test: {
    include: ["test/unit/**/*.test.ts", "test/proof/pairs.test.ts"],
    testTimeout: 30_000,
  },
});
