/** Every entry as bundlers see it: it builds, gives what it exports, and has the platform in it that its target has. */
import { execFile } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { build } from "esbuild";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { entries, root } from "../package/manifests.ts";
import { type Installed, installPacked } from "../package/packed.ts";
import { describeWith, service } from "../services.ts";

const run = promisify(execFile);
const bundlers = await service("bundlers");
const bun = await service("bun");

interface Target {
  readonly bundler: "esbuild" | "vite" | "rollup" | "webpack" | "bun";
  readonly target: string;
  /** The file of `#platform` that belongs into the bundle. */
  readonly platform: "node.js" | "node.cjs" | "portable.js";
  readonly options: object;
}

/** What wrangler asks of esbuild, and the Cloudflare plugin of Vite. */
const workerd = ["workerd", "worker", "browser"];
const edge = ["edge-light", "worker", "browser"];
const bunOptions = (...flags: string[]): object => ({ program: bun.path, flags });

const targets: readonly Target[] = [
  { bundler: "esbuild", target: "Node", platform: "node.js", options: { platform: "node" } },
  { bundler: "esbuild", target: "browsers", platform: "portable.js", options: { platform: "browser" } },
  {
    bundler: "esbuild",
    target: "workerd, as wrangler",
    platform: "portable.js",
    options: { platform: "browser", conditions: workerd, target: "es2022", keepNames: true },
  },
  {
    bundler: "vite",
    target: "Node",
    platform: "node.js",
    options: { build: { ssr: true }, ssr: { noExternal: true } },
  },
  { bundler: "vite", target: "browsers", platform: "portable.js", options: {} },
  {
    bundler: "vite",
    target: "workerd",
    platform: "portable.js",
    options: {
      build: { ssr: true },
      ssr: { target: "webworker", noExternal: true, resolve: { conditions: workerd } },
    },
  },
  { bundler: "rollup", target: "Node", platform: "node.js", options: { exportConditions: ["node"] } },
  { bundler: "rollup", target: "browsers", platform: "portable.js", options: { browser: true } },
  { bundler: "webpack", target: "Node", platform: "node.js", options: { target: "node" } },
  { bundler: "webpack", target: "browsers", platform: "portable.js", options: { target: "web" } },
  {
    bundler: "webpack",
    target: "an Edge Runtime",
    platform: "portable.js",
    options: { target: "webworker", resolve: { conditionNames: [...edge, "import"] } },
  },
  { bundler: "bun", target: "Bun", platform: "node.js", options: bunOptions("--target=bun") },
  { bundler: "bun", target: "Node", platform: "node.js", options: bunOptions("--target=node") },
  { bundler: "bun", target: "browsers", platform: "portable.js", options: bunOptions("--target=browser") },
  {
    bundler: "bun",
    target: "workerd",
    platform: "portable.js",
    options: bunOptions("--target=browser", "--conditions=workerd"),
  },
  { bundler: "esbuild", target: "require()", platform: "node.cjs", options: { platform: "node" } },
  { bundler: "webpack", target: "require()", platform: "node.cjs", options: { target: "node" } },
  { bundler: "bun", target: "require()", platform: "node.cjs", options: bunOptions("--target=node") },
];

/** What entries import whatever the platform: those for servers of Node. Bundlers write `node:` or leave it out. */
const ownImports: Readonly<Record<string, readonly string[]>> = {
  "./node": ["util/types"],
  "./node-listener": ["@hono/node-server"],
  "./express-session": ["util/types"],
  "./fastify": ["util/types"],
  "./koa": ["util/types"],
};
const importsOfNode = ["buffer", "crypto"];

const APP = `
const handler = createSessions().wrap((request, session) => {
  session.update("count", (count = 0) => count + 1);
  return Response.json(session.get("count"));
});
(async () => {
  const first = await handler(new Request("https://example.com/"));
  const cookie = first.headers.getSetCookie()[0].split(";")[0];
  console.log(await (await handler(new Request("https://example.com/", { headers: { cookie } }))).text());
})();
`;

describeWith([bundlers, bun], "the packed package", () => {
  let installed: Installed;
  beforeAll(() => {
    installed = installPacked();
  });
  afterAll(() => installed.remove());

  describe.each(targets)("$bundler, for $target", ({ bundler, target, platform, options }) => {
    const required = target === "require()";
    const format = required ? "cjs" : "esm";

    async function bundle(text: string): Promise<{ code: string; platforms: string[] }> {
      const file = join(installed.folder, required ? "app.cjs" : "app.mjs");
      writeFileSync(file, text);
      const { code, inputs } = await (await import("./builders.js"))[bundler](file, format, structuredClone(options));
      const platforms = inputs.flatMap(
        (path: string) => /session\/dist\/platform\/(.*)$/.exec(path.replaceAll("\\", "/"))?.[1] ?? [],
      );
      return { code, platforms };
    }

    test.each(entries)("$specifier", async ({ key, specifier, file }) => {
      const source = await asBuilt(file);
      // What is required is run whole; of modules only what is used is left
      const platformIsUsed = required ? source.imports.includes("#platform") : source.usesPlatform;
      const { code, platforms } = await bundle(
        required
          ? `module.exports = require("${specifier}");`
          : `export { ${source.exports.join(", ")} } from "${specifier}";`,
      );
      // Rollup leaves some of the portable one, which imports modules that may do something when they are loaded
      if (platformIsUsed) expect(platforms).toEqual([platform]);
      else expect([platform]).toEqual(expect.arrayContaining(platforms));

      const result = await analyse({ stdin: { contents: code }, external: ["*"] });
      // Rollup keeps the imports of a module of which nothing else is left
      const ofPlatform = platform === "portable.js" ? [] : importsOfNode;
      expect(result.imports.filter((name) => !ofPlatform.includes(name))).toEqual(ownImports[key] ?? []);
      if (!required) expect(result.exports).toEqual(source.exports);
    });

    test("what was built runs", async () => {
      const { code } = await bundle(
        required
          ? `const { createSessions } = require("@sojourn/session"); ${APP}`
          : `import { createSessions } from "@sojourn/session"; ${APP}`,
      );
      const built = join(installed.folder, required ? "built.cjs" : "built.mjs");
      writeFileSync(built, code);
      const program = target === "Bun" ? (bun.path ?? "") : process.execPath;
      expect((await run(program, [built])).stdout.trim()).toBe("2");
    });
  });
});

interface Built extends Analysis {
  /** Whether anything of the platform is left where only what is used is left. */
  readonly usesPlatform: boolean;
}

const known = new Map<string, Promise<Built>>();

/** An entry as it is in dist, where the platform is yet to be chosen. */
function asBuilt(file: string): Promise<Built> {
  const found = known.get(file) ?? lookAt(join(root, file));
  known.set(file, found);
  return found;
}

async function lookAt(entry: string): Promise<Built> {
  const entryPoints = [entry];
  const [open, whole] = await Promise.all([
    analyse({ entryPoints, external: ["#platform", "node:*", "@hono/*"] }),
    analyse({ entryPoints, external: ["@hono/*"], platform: "node" }),
  ]);
  return { ...open, usesPlatform: whole.files.some((name) => name.endsWith("dist/platform/node.js")) };
}

interface Analysis {
  readonly imports: readonly string[];
  readonly exports: readonly string[];
  /** The files that something is left of. */
  readonly files: readonly string[];
}

/** What code imports and exports once nothing is left in it that is not used. */
async function analyse(input: Parameters<typeof build>[0]): Promise<Analysis> {
  const options = { bundle: true, format: "esm", write: false, metafile: true, logLevel: "silent" } as const;
  const { metafile } = await build({ ...options, outdir: root, ...input });
  const [output] = Object.values(metafile?.outputs ?? {});
  const inputs = Object.entries(output?.inputs ?? {});
  return {
    imports: [...new Set(output?.imports.map(({ path }) => path.replace(/^node:/, "")))],
    exports: output?.exports.toSorted() ?? [],
    files: inputs.flatMap(([name, { bytesInOutput }]) => (bytesInOutput > 0 ? name : [])),
  };
}
