import { execFile } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { build } from "esbuild";
import { expect, test } from "vitest";

/*
 * Processes that start from one image of a heap: a V8 snapshot here, a forked virtual machine in the same way. The
 * image is made after sessions have served, so that everything that could be drawn ahead has been.
 */

const run = promisify(execFile);
const path = (name: string): string => new URL(name, import.meta.url).pathname;

test("processes that start from one snapshot share no token, no nonce and no key with each other or with it", async () => {
  const folder = await mkdtemp(join(tmpdir(), "snapshot-"));
  try {
    const [program, image] = [join(folder, "program.cjs"), join(folder, "image.blob")];
    await build({
      entryPoints: [path("snapshot/program.ts")],
      alias: { "#platform": path("../../src/platform/node.ts") },
      bundle: true,
      format: "cjs",
      platform: "node",
      outfile: program,
      logLevel: "silent",
    });
    await run(process.execPath, ["--snapshot-blob", image, "--build-snapshot", program]);
    const runs: [warm: Record<string, string>, served: Record<string, string>][] = [];
    for (let count = 0; count < 3; count++) {
      const { stdout } = await run(process.execPath, ["--snapshot-blob", image, "main"]);
      runs.push(JSON.parse(stdout));
    }
    const [[warm]] = runs as [(typeof runs)[0]];
    for (const [again] of runs) expect(again).toEqual(warm);
    const secrets = [warm, ...runs.map(([, served]) => served)].flatMap((made) => Object.values(made));
    expect(Object.keys(warm)).toEqual(["token", "rotated", "nonce", "second", "key"]);
    expect(secrets.filter((secret) => secret.length < 16)).toEqual([]);
    expect(new Set(secrets).size).toBe(4 * 5);
  } finally {
    await rm(folder, { recursive: true });
  }
});
