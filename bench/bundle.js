import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { entryFile } from "./contestants/sojourn.js";

/** The statement that brings an entry of the built package into a bundle: `from("export *", "./redis")`. */
export const from = (statement, entry) => `${statement} from ${JSON.stringify(fileURLToPath(entryFile(entry)))}`;

/** One module with all that it imports, dependencies included and frameworks left out, minified. */
export async function bundled(contents, platform = "browser") {
  const { outputFiles } = await build({
    stdin: { contents, resolveDir: fileURLToPath(new URL(".", import.meta.url)) },
    bundle: true,
    minify: true,
    write: false,
    format: "esm",
    target: "es2022",
    platform,
    mainFields: ["module", "main"],
    conditions: ["workerd", "worker", "browser", "import"],
    external: ["node:*", "bun", "bun:*", "cloudflare:*", "hono", "hono/*", "express", "@hono/node-server"],
    logLevel: "silent",
  });
  return outputFiles[0].text;
}
