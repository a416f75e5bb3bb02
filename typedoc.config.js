import { readFileSync } from "node:fs";

// deno.json names the source of every entry, for this as for the build.
const { exports } = JSON.parse(readFileSync(new URL("deno.json", import.meta.url), "utf8"));

/** @type {Partial<import("typedoc").TypeDocOptions>} */
// biome-ignore lint/style/noDefaultExport: where typedoc looks for its options
export default {
  name: "@sojourn/session",
  entryPoints: Object.values(exports),
  tsconfig: "tsconfig.docs.json",
  out: "docs/api",
  excludePrivate: true,
  excludeInternal: true,
  sort: ["source-order"],
  highlightLanguages: ["bash", "http", "javascript", "json", "jsonc", "sql", "toml", "typescript"],
  treatWarningsAsErrors: true,
  // Links to the sources are the same wherever it runs, also where there is no repository.
  disableGit: true,
  gitRevision: "main",
  sourceLinkTemplate: "https://github.com/sojourn-dev/session/blob/{gitRevision}/{path}#L{line}",
};
