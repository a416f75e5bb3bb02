import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { defineConfig } from "vitest/config";

const { exports } = JSON.parse(readFileSync(new URL("deno.json", import.meta.url), "utf8")) as {
  exports: Record<string, string>;
};

// What the tests import by the package's name is the built package, as a user has it.
const alias = Object.keys(exports).map((key) => ({
  find: new RegExp(`^@sojourn/session${key.slice(1)}$`),
  replacement: fileURLToPath(new URL(`dist/${key === "." ? "index" : key.slice(2)}.js`, import.meta.url)),
}));

const shared = { testTimeout: 30_000, hookTimeout: 60_000, pool: "forks" as const };

// The two platforms that package.json chooses between. What they are used for is tested on each.
const platform = (name: "node" | "portable") => ({
  alias: { "#platform": fileURLToPath(new URL(`src/platform/${name}.ts`, import.meta.url)) },
});

export default defineConfig({
  test: {
    // Two cores are what a hosted CI machine has; more workers only make the engines wait for each other.
    maxWorkers: 2,
    projects: [
      {
        // Against the sources; needs no build, so that one file runs in a moment.
        resolve: platform("node"),
        test: { ...shared, name: "source", include: ["test/{unit,contract,proof}/**/*.test.ts"] },
      },
      {
        resolve: platform("portable"),
        test: {
          ...shared,
          name: "portable",
          include: [
            "token",
            "sessions",
            "session",
            "server-backend",
            "sealed-backend",
            "sealed-promises",
            "origin",
          ].map((name) => `test/unit/${name}.test.ts`),
        },
      },
      {
        // Against dist/, which is built first if it is older than the sources.
        resolve: { alias },
        test: {
          ...shared,
          name: "built",
          include: ["test/**/*.test.ts"],
          exclude: ["test/{unit,contract,proof}/**", "**/node_modules/**"],
          globalSetup: ["test/build.ts", "test/runtimes/conversation/table.ts"],
        },
      },
    ],
  },
});
