import { execFileSync } from "node:child_process";
import { existsSync, readdirSync, statSync } from "node:fs";
import { join } from "node:path";

/**
 * Builds dist/ when it is missing or older than what it is made of. Vitest runs this once, before the first test that
 * needs it.
 */
export default function build(): void {
  const built = existsSync("dist/index.js") ? statSync("dist/index.js").mtimeMs : 0;
  const sources = [...filesUnder("src"), ...filesUnder("adapters"), "tsup.config.ts", "deno.json"];
  if (sources.every((file) => statSync(file).mtimeMs < built)) return;
  execFileSync(process.execPath, ["node_modules/tsup/dist/cli-default.js", "--silent"], { stdio: "inherit" });
}

function filesUnder(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));
}
