import { gzipSync } from "node:zlib";
import { build, type Platform } from "esbuild";
import { describe, expect, test } from "vitest";
import { root } from "./manifests.ts";

const CORE = `import { createSessions, memoryStore } from "@sojourn/session"; console.log(createSessions, memoryStore);`;
const SEALED = `import { createSessions } from "@sojourn/session"; import { sealedCookies } from "@sojourn/session/sealed"; console.log(createSessions, sealedCookies);`;
const MIGRATING = `${CORE} export { migrationSource } from "@sojourn/session/migrate";`;
const FROM_ALL = `${CORE} export * from "@sojourn/session/migrate";`;
const ALONE = `import { createSessions } from "@sojourn/session"; console.log(createSessions);`;

/**
 * What each source adds to the machinery that all of them share: the difference of two gzipped bundles, which any change
 * of the core moves by some fifteen bytes.
 */
const SOURCES = {
  authJs: 1_300,
  betterAuth: 620,
  cookieSession: 500,
  expressSession: 750,
  fastifySession: 750,
  fromSessions: 370,
  h3Session: 1_030,
  honoSession: 1_150,
  honoSessions: 1_060,
  ironSession: 920,
  koaSession: 640,
  lookupSession: 300,
  lucia: 300,
  reactRouter: 670,
  remixSession: 690,
};

// Limits for statements that a user would write, minified and gzipped, all dependencies included: what it takes today.
// They only ever go down, but for what everybody shall have: the check of cross-origin requests took 1,100 bytes, schemas
// and migrations 2,200, one memory store for all copies of a module 80, finding a write again whose answer was lost 120.
// The portable platform brings its own SHA-256, and with it 1,300 bytes of constants of SHA-512, which bundlers cannot
// tell to be unused; ARCHITECTURE.md says where the other bytes are.
describe.each([
  { platform: "node", core: 23_640, sealed: 4_570 },
  { platform: "browser", core: 27_100, sealed: 5_110 },
] as const)("size for esbuild's platform $platform", ({ platform, core, sealed }) => {
  test(`createSessions and memoryStore take at most ${core} bytes`, async () => {
    expect(await bytes(CORE, platform)).toBeLessThanOrEqual(core);
  });

  test(`sealedCookies adds at most ${sealed} bytes to createSessions`, async () => {
    expect((await bytes(SEALED, platform)) - (await bytes(ALONE, platform))).toBeLessThanOrEqual(sealed);
  });
});

// A logout that ends old cookies, and the limit of a user's sessions, are 400 of them.
describe("size of moving in", () => {
  test("an application that takes over nothing bundles no part of it, and one that does takes 2,550 bytes more", async () => {
    expect((await bytes(MIGRATING, "node")) - (await bytes(CORE, "node"))).toBeLessThanOrEqual(2_550);
  });

  test.each(Object.entries(SOURCES))("%s alone takes at most %i bytes", async (name, most) => {
    const alone = `${CORE} export { ${name} } from "@sojourn/session/migrate";`;
    expect((await bytes(alone, "node")) - (await bytes(MIGRATING, "node"))).toBeLessThanOrEqual(most);
  });

  test("no source is left out", async () => {
    const { migrationSource: _, ...sources } = (await import("@sojourn/session/migrate")) as Record<string, unknown>;
    expect(Object.keys(SOURCES).sort()).toEqual(Object.keys(sources).sort());
  });

  test("all sources together take at most 4,000 bytes", async () => {
    expect((await bytes(FROM_ALL, "node")) - (await bytes(MIGRATING, "node"))).toBeLessThanOrEqual(4_000);
  });
});

async function bytes(contents: string, platform: Platform): Promise<number> {
  const { outputFiles } = await build({
    stdin: { contents, resolveDir: root, loader: "js" },
    platform,
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
