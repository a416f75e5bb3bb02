/**
 * The package as `npm install` puts it into a project of somebody else's, on every runtime; and the sources as JSR
 * serves them, on Deno.
 */
import { execFileSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type ServiceName, service, testWith } from "../../services.ts";
import { root, runProgram, startWorker } from "../harness.ts";

const fine = { empty: [], memory: "1 2 3", sealed: "1 2 3" };
const check = "test/runtimes/installed";

const deno = await service("deno");
const runtimes = [...(await Promise.all((["node-22", "node-24", "node-26", "bun"] as const).map(service))), deno];
const options: Partial<Record<ServiceName, readonly string[]>> = {
  bun: ["--no-install"],
  deno: ["run", "--cached-only", "--no-prompt", "--node-modules-dir=manual"],
};

let project: string;

beforeAll(() => {
  project = mkdtempSync(join(tmpdir(), "sojourn-installed-"));
  install(project);
  mkdirSync(join(project, check), { recursive: true });
  for (const file of readdirSync(join(root, check))) {
    if (/\.c?js$/.test(file)) cpSync(join(root, check, file), join(project, check, file));
  }
}, 180_000);
afterAll(() => rmSync(project, { recursive: true, force: true }));

/** `npm install` of the packed package. Its two dependencies come from the registry, unless npm has them in its cache. */
function install(folder: string): void {
  const npm = (cwd: string, ...args: string[]): string =>
    execFileSync("npm", [...args, "--ignore-scripts", "--silent"], { cwd, encoding: "utf8" }).trim();
  const packed = npm(root, "pack", "--pack-destination", folder).split("\n").at(-1);
  writeFileSync(
    join(folder, "package.json"),
    JSON.stringify({ private: true, type: "module", dependencies: { "@sojourn/session": `file:${packed}` } }),
  );
  npm(folder, "install", "--prefer-offline", "--no-audit", "--no-fund");
}

describe("the installed package", () => {
  test(`on Node ${process.versions.node.split(".")[0]}`, async () => {
    expect(JSON.parse(await runProgram(process.execPath, [`${check}/run.js`], { cwd: project }))).toEqual(fine);
  });

  for (const runtime of runtimes) {
    testWith(runtime, `on ${runtime.name}`, async () => {
      const args = [...(options[runtime.name] ?? []), `${check}/run.js`];
      expect(JSON.parse(await runProgram(runtime.path ?? "", args, { cwd: project }))).toEqual(fine);
    });
  }

  test(`on Node ${process.versions.node.split(".")[0]}, by require()`, async () => {
    const printed = await runProgram(process.execPath, [`${check}/required.cjs`], { cwd: project });
    expect(JSON.parse(printed)).toEqual({ empty: [], visits: "2" });
  });

  for (const runtime of runtimes.filter(({ name }) => name !== "deno")) {
    testWith(runtime, `on ${runtime.name}, by require()`, async () => {
      const args = [...(options[runtime.name] ?? []), `${check}/required.cjs`];
      const printed = await runProgram(runtime.path ?? "", args, { cwd: project });
      expect(JSON.parse(printed)).toEqual({ empty: [], visits: "2" });
    });
  }

  test.each([false, true])("on workerd, with nodejs_compat: %s", async (nodejsCompat) => {
    const worker = await startWorker({ entry: join(project, check, "worker.js"), nodejsCompat });
    try {
      expect(await (await fetch(worker.url)).json()).toEqual(fine);
    } finally {
      await worker.stop();
    }
  });
});

describe("the sources", () => {
  // deno.json leads the package's name to them, and JSR serves the same files. No permission is asked for: the core
  // needs none.
  testWith(deno, "on Deno, type-checked", async () => {
    const args = ["run", "--cached-only", "--no-prompt", "--check", `${check}/run.js`];
    expect(JSON.parse(await runProgram(deno.path ?? "", args, { cwd: root, timeout: 60_000 }))).toEqual(fine);
  });
});
