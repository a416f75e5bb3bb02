import { gzipSync } from "node:zlib";
import { build } from "esbuild";
import { describe, expect, test } from "vitest";
import { root } from "./manifests.ts";

const CORE = `import { createSessions, memoryStore } from "@sojourn/session"; console.log(createSessions, memoryStore);`;
const SEALED = `import { createSessions } from "@sojourn/session"; import { sealedCookies } from "@sojourn/session/sealed"; console.log(createSessions, sealedCookies);`;
const ALONE = `import { createSessions } from "@sojourn/session"; console.log(createSessions);`;

// Limits for statements that a user would write, minified and gzipped, all dependencies included: what it takes today.
// They only ever go down. The aim is 8,000 for the core and 3,000 for sealed cookies; ARCHITECTURE.md says where the
// bytes are.
describe("size", () => {
  test("createSessions and memoryStore take at most 12,700 bytes", async () => {
    expect(await bytes(CORE)).toBeLessThanOrEqual(12_700);
  });

  test("sealedCookies adds at most 3,600 bytes to createSessions", async () => {
    expect((await bytes(SEALED)) - (await bytes(ALONE))).toBeLessThanOrEqual(3_600);
  });
});

async function bytes(contents: string): Promise<number> {
  const { outputFiles } = await build({
    stdin: { contents, resolveDir: root, loader: "js" },
    bundle: true,
    minify: true,
    format: "esm",
    target: "es2022",
    write: false,
    external: ["node:*"],
    logLevel: "silent",
  });
  return gzipSync(outputFiles[0]?.contents ?? new Uint8Array(), { level: 9 }).length;
}
