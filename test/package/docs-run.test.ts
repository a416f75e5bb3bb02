import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { type AddressInfo, createServer } from "node:net";
import { join } from "node:path";
import { cookieJar } from "@sojourn/session/testing";
import { transform } from "esbuild";
import { afterAll, describe, expect, test } from "vitest";
import { runProgram, startWorker } from "../runtimes/harness.ts";
import { type Service, service, testWith } from "../services.ts";
import { packageJson } from "./manifests.ts";
import { type Block, blocksOf, givenTo, pages } from "./markdown.ts";
import { installPacked } from "./packed.ts";

// The programs of the pages, as they stand there, in an empty folder with the packed package: each must count the
// visits of a browser.

const blocks = pages.flatMap(blocksOf);
const programs = blocks.filter(({ mark }) => mark.startsWith("run=") && mark !== "run=test");
const installed = installPacked(["hono", "@hono/node-server", "express", "fastify", "koa"]);
// As npm install leaves it; Deno asks there what it may import
writeFileSync(
  join(installed.folder, "package.json"),
  JSON.stringify({ type: "module", dependencies: { [packageJson.name]: packageJson.version } }),
);
afterAll(() => installed.remove());

const bun = await service("bun");
const deno = await service("deno");
interface Runtime {
  readonly needs: Service[];
  readonly path?: string | undefined;
}

const runtimes: Record<string, Runtime> = {
  node: { needs: [], path: process.execPath },
  workers: { needs: [] },
  bun: { needs: [bun], path: bun.path },
  deno: { needs: [deno], path: deno.path },
};

describe("the programs of the pages", () => {
  for (const block of programs) {
    const name = block.mark.slice("run=".length);
    const runtime = runtimes[name];
    if (runtime === undefined) throw new Error(`${block.at}: nothing here runs ${name}`);
    testWith(
      runtime.needs,
      `${block.at} runs on ${name}`,
      () => answersOf(block, name, runtime.path ?? "", ["Visit 1", "Visit 2"]),
      120_000,
    );
  }
});

describe("the tests of the pages", () => {
  test.each(blocks.filter(({ mark }) => mark === "run=test").map((block) => [block.at, block] as const))(
    "%s passes",
    async (_at, block) => {
      const output = await runProgram(process.execPath, [await asJavaScript(block)], { cwd: installed.folder });
      expect(output).toMatch(/pass 1\n[\s\S]*fail 0\n/);
    },
  );
});

describe("the first example of the README", () => {
  const [example] = blocksOf("README.md");
  if (example === undefined) throw new Error("README.md has no example");
  const program = { ...example, code: `// server.ts\n${example.code}` };
  const answers = [{ cart: ["book"] }, { cart: ["book", "book"] }].map((answer) => JSON.stringify(answer));
  for (const name of ["bun", "deno", "workers"]) {
    const { needs = [], path = "" } = runtimes[name] ?? {};
    testWith(needs, `is a whole program for ${name}`, () => answersOf(program, name, path, answers), 120_000);
  }
});

/** The file of a block without its types, which Node 20 does not read. */
async function asJavaScript(block: Block): Promise<string> {
  const file = join(installed.folder, `${block.at.replace(/\W/g, "-")}.mjs`);
  const { code } = await transform([...givenTo(block), block.code].join("\n"), { loader: "ts", target: "es2022" });
  writeFileSync(file, code);
  return file;
}

/** Runs a program as the page says and asks it twice as one browser and once as another one. */
async function answersOf(
  block: Block,
  runtime: string,
  path: string,
  [first, second]: readonly string[],
): Promise<void> {
  const folder = mkdtempSync(join(installed.folder, "program-"));
  const name = /^\/\/ (\S+)\n/.exec(block.code)?.[1] ?? "";
  expect(name, "the first line says the name of the file").toMatch(/^\w+\.(mjs|ts)$/);
  writeFileSync(join(folder, name), block.code);
  const running = await (runtime === "workers" ? serveWorker(join(folder, name)) : serve(runtime, path, folder, name));
  try {
    const browser = cookieJar(undefined, { origin: running.url });
    expect(await (await browser.fetch("/")).text()).toBe(first);
    expect(await (await browser.fetch("/")).text()).toBe(second);
    expect(await (await cookieJar(undefined, { origin: running.url }).fetch("/")).text()).toBe(first);
  } finally {
    await running.stop();
    rmSync(folder, { recursive: true, force: true });
  }
}

type Running = { url: string; stop(): Promise<void> };

async function serveWorker(entry: string): Promise<Running> {
  const worker = await startWorker({
    entry,
    durableObjects: { SESSIONS: { className: "SessionObject", useSQLite: true } },
  });
  return { url: worker.url.replace("127.0.0.1", "localhost"), stop: worker.stop };
}

/** Node programs read PORT; Bun.serve and Deno.serve each have a variable of their own for it. */
async function serve(runtime: string, path: string, folder: string, name: string): Promise<Running> {
  const port = await freePort();
  // A module that exports a handler is served, one that serves by itself is run
  const isHandler = /^export default/m.test(readFileSync(join(folder, name), "utf8"));
  const deno = [
    isHandler ? "serve" : "run",
    "--quiet",
    "--no-prompt",
    "--allow-all",
    "--unstable-kv",
    "--node-modules-dir=manual",
  ];
  const args = runtime === "deno" ? [...deno, ...(isHandler ? [`--port=${port}`] : []), name] : [name];
  const env = {
    ...process.env,
    DENO_DIR: join(installed.folder, "deno"),
    PORT: String(port),
    BUN_PORT: String(port),
    DENO_SERVE_ADDRESS: `tcp:127.0.0.1:${port}`,
    NO_COLOR: "1",
  };
  const child = spawn(path, args, { cwd: folder, env, stdio: ["ignore", "pipe", "pipe"] });
  let output = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.on("data", (chunk) => {
      output += chunk;
    });
  }
  const url = `http://localhost:${port}`;
  await answering(url, child, () => output);
  const stop = async (): Promise<void> => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    child.kill("SIGKILL");
    await once(child, "exit");
  };
  return { url, stop };
}

async function answering(url: string, child: ChildProcess, output: () => string): Promise<void> {
  for (const giveUpAt = Date.now() + 60_000; Date.now() < giveUpAt; ) {
    if (child.exitCode !== null) throw new Error(`The program ended with ${child.exitCode}:\n${output()}`);
    const response = await fetch(url).catch(() => undefined);
    if (response !== undefined) {
      await response.text();
      return;
    }
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  child.kill("SIGKILL");
  throw new Error(`Nobody answers on ${url}:\n${output()}`);
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, "close");
  return port;
}
