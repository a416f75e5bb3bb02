import { readFileSync } from "node:fs";
import { defineConfig } from "tsup";

// deno.json names the source of every entry; test/package/manifests.test.ts holds package.json to the same list.
const { exports } = JSON.parse(readFileSync(new URL("deno.json", import.meta.url), "utf8")) as {
  exports: Record<string, string>;
};

const entries = Object.entries(exports).map(([key, source]) => [key === "." ? "index" : key.slice(2), source] as const);

export default defineConfig({
  // The platforms are files of their own, and #platform stays as it is: the package's `imports` choose where it is used
  entry: Object.fromEntries([
    ...entries,
    ["platform/node", "./src/platform/node.ts"],
    ["platform/portable", "./src/platform/portable.ts"],
  ]),
  // CommonJS for what cannot load ES modules by require(): Jest as it comes, Node before 20.19.
  format: ["esm", "cjs"],
  target: "es2022",
  platform: "neutral",
  tsconfig: "tsconfig.adapters.json",
  // Chunks are shared, so that an error class is the same class whichever entry it came through.
  splitting: true,
  // Rollup turns the chunks into CommonJS as they are; without it they would lose `?.` and `??` on the way.
  treeshake: true,
  minify: false,
  sourcemap: false,
  removeNodeProtocol: false,
  clean: true,
  external: [/^(node|bun|cloudflare):/, "#platform"],
  dts: { compilerOptions: { incremental: false } },
});
