import { execFile } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, describe, expect, test } from "vitest";
import { entries, type PublishedEntry, root } from "./manifests.ts";
import { installPacked } from "./packed.ts";

const run = promisify(execFile);
// Entries of a host with types of its own, which whoever imports them has.
const HOSTED: readonly string[] = ["./node", "./node-listener", "./express-session", "./fastify", "./koa", "./hono"];
const SETTINGS = {
  target: "es2022",
  lib: ["es2022", "dom", "dom.iterable"],
  strict: true,
  exactOptionalPropertyTypes: true,
  noEmit: true,
  skipLibCheck: false,
};

const installed = installPacked(["hono", "@types/node", "undici-types"]);
afterAll(() => installed.remove());

describe("the packed package", { timeout: 180_000 }, () => {
  // What nobody put there on purpose shows up here. The hash in the name of a shared chunk changes with its content.
  test("holds these files and no others", () => {
    const published = new Set(
      entries.flatMap(({ file, types, required }) => [file, types, ...Object.values(required)]),
    );
    const paths = installed.files.map(({ path }) =>
      published.has(`./${path}`) ? path : path.replace(/-[\w-]{8}\.(c?js|d\.c?ts)$/, "-*.$1"),
    );
    expect([...new Set(paths)].sort()).toMatchSnapshot();
  });

  test("is sound for publint --strict", async () => {
    await tool("publint/src/cli.js", installed.tarball, "--strict");
  });

  test("resolves for every kind of consumer (attw)", async () => {
    await tool("@arethetypeswrong/cli/dist/index.js", installed.tarball, "--profile", "strict");
  });

  describe.each([
    { moduleResolution: "bundler", module: "preserve", file: "mts" },
    { moduleResolution: "nodenext", module: "nodenext", file: "mts" },
    { moduleResolution: "nodenext", module: "nodenext", file: "cts" },
    { moduleResolution: "node16", module: "node16", file: "cts" },
    { moduleResolution: "node10", module: "es2022", file: "mts" },
  ] as const)("its declarations under $moduleResolution, in a .$file, with skipLibCheck off", (consumer) => {
    test("compile with no other types, but for the entries of Node and Hono", async () => {
      await compile(
        entries.filter(({ key }) => !HOSTED.includes(key)),
        { ...consumer, types: [] },
      );
    });

    test("compile with the types of Node and Hono", async () => {
      await compile(
        entries.filter(({ key }) => HOSTED.includes(key)),
        { ...consumer, types: ["node"] },
      );
    });
  });
});

async function compile(
  list: readonly PublishedEntry[],
  { file, ...options }: { types: readonly string[]; module: string; moduleResolution: string; file: "mts" | "cts" },
): Promise<void> {
  const name = `consumer-${options.moduleResolution}-${file}-${list.length}`;
  writeFileSync(
    join(installed.folder, `${name}.${file}`),
    list
      .map(({ specifier }, index) => `import * as entry${index} from "${specifier}";\nvoid entry${index};\n`)
      .join(""),
  );
  const compilerOptions = { ...SETTINGS, ...options };
  writeFileSync(
    join(installed.folder, `${name}.json`),
    JSON.stringify({ compilerOptions, files: [`${name}.${file}`] }),
  );
  await tool("typescript/bin/tsc", "-p", `${name}.json`);
}

/** Runs a tool of node_modules; what it printed is the error if it fails. */
async function tool(path: string, ...args: string[]): Promise<void> {
  const failure = await run(process.execPath, [join(root, "node_modules", path), ...args], {
    cwd: installed.folder,
  }).then(
    () => "",
    (error: { stdout: string; stderr: string }) => `${error.stdout}\n${error.stderr}`,
  );
  expect(failure).toBe("");
}
