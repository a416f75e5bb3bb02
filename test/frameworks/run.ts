/** Starts and ends the programs of the framework tests: build tools, servers and what these start themselves. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { delimiter, dirname, join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { root } from "../runtimes/harness.ts";
import { service } from "../services.ts";
import type { Framework, Runtime } from "./apps.ts";

/** A program and its arguments; `{port}` stands for the port, and the name of a runtime for its path. */
export type Command = readonly [program: string, ...parameters: string[]];

/** An application that answers. */
export interface RunningApp {
  /** Without a slash at the end. */
  readonly url: string;
  /** Puts its clock forward. */
  advance(seconds: number): Promise<void>;
  /** What it has written so far. */
  output(): string;
  stop(): Promise<void>;
}

/** The folder of an application. */
export function folderOf({ folder }: Framework): string {
  return join(root, "test/frameworks", folder);
}

/** Runs a program to its end; rejects with what it wrote when it fails. */
export async function runIn(framework: Framework, command: Command, env: NodeJS.ProcessEnv = {}): Promise<void> {
  const { child, output } = await launch(framework, command, env);
  const [code, signal] = (await once(child, "close")) as [number | null, string | null];
  if (code !== 0) throw new Error(`${command.join(" ")} ended with ${code ?? signal}:\n${output()}`);
}

/** Starts a server on a free port and waits until it answers. */
export async function startApp(
  framework: Framework,
  command: Command,
  mode: "production" | "dev",
): Promise<RunningApp> {
  const port = await freePort();
  const folder = mkdtempSync(join(tmpdir(), "sojourn-clock-"));
  const clock = join(folder, "ahead");
  let ahead = 0;
  writeFileSync(clock, "0");
  const { child, output } = await launch(
    framework,
    command.map((part) => part.replace("{port}", String(port))) as unknown as Command,
    { PORT: String(port), CLOCK_FILE: clock, ...(mode === "production" && { NODE_ENV: "production" }) },
  );
  const ended = once(child, "close");
  const stop = async (): Promise<void> => {
    end(child, "SIGTERM");
    const patience = setTimeout(() => end(child, "SIGKILL"), 3_000);
    await ended.finally(() => clearTimeout(patience));
    rmSync(folder, { recursive: true, force: true });
  };
  const url = `http://localhost:${port}`;
  try {
    await answers(`${url}/me`, child);
  } catch (error) {
    await stop();
    throw new Error(`${command.join(" ")} did not answer:\n${output()}`, { cause: error });
  }
  return {
    url,
    output,
    stop,
    async advance(seconds) {
      ahead += seconds * 1_000;
      writeFileSync(clock, String(ahead));
    },
  };
}

async function launch(
  framework: Framework,
  [program, ...parameters]: Command,
  env: NodeJS.ProcessEnv,
): Promise<{ child: ChildProcess; output: () => string }> {
  const cwd = folderOf(framework);
  const node = await pathOf(framework.runtime);
  // So that a script that begins with `#!/usr/bin/env node` runs on the version that is asked for
  const folders = [join(cwd, "node_modules/.bin"), join(root, "node_modules/.bin"), dirname(node), process.env.PATH];
  const child = spawn(await programOf(program, node), parameters, {
    cwd,
    env: { ...plain(), NO_COLOR: "1", PATH: folders.join(delimiter), ...env },
    stdio: ["ignore", "pipe", "pipe"],
    // A group of its own: build tools and development servers start further processes
    detached: true,
  });
  let output = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream?.setEncoding("utf8").on("data", (chunk) => {
      output += chunk;
    });
  }
  child.on("error", (error) => {
    output += String(error);
  });
  return { child, output: () => output };
}

async function programOf(program: string, node: string): Promise<string> {
  if (program === "node") return node;
  if (program === "bun" || program === "deno") return (await service(program)).path ?? program;
  return program;
}

async function pathOf(runtime: Runtime | undefined): Promise<string> {
  if (runtime === undefined) return process.execPath;
  return (await service(runtime)).path ?? process.execPath;
}

/** The environment without what Vitest puts there: frameworks look at the same names. */
function plain(): NodeJS.ProcessEnv {
  const vitests = /^(?:NODE_ENV|NODE_OPTIONS|TEST|DEV|PROD|SSR|MODE|BASE_URL|VITEST.*|VITE_.*)$/;
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !vitests.test(name)));
}

/** Asks until there is an answer; the first one of a development server may take its time. */
async function answers(url: string, child: ChildProcess): Promise<void> {
  for (const start = performance.now(); performance.now() - start < 90_000; await pause(50)) {
    if (child.exitCode !== null || child.signalCode !== null) throw new Error("It ended");
    const response = await fetch(url, { signal: AbortSignal.timeout(60_000) }).catch(() => undefined);
    await response?.body?.cancel();
    if (response?.status === 200) return;
  }
  throw new Error("It took too long");
}

function end(child: ChildProcess, signal: NodeJS.Signals): void {
  try {
    if (child.pid !== undefined) process.kill(-child.pid, signal);
  } catch {
    // The group has ended
  }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0);
  await once(server, "listening");
  const address = server.address();
  server.close();
  await once(server, "close");
  if (address === null || typeof address === "string") throw new Error("No port");
  return address.port;
}

/** Whether the packages of an application are there. */
export function isInstalled(framework: Framework): boolean {
  return existsSync(join(folderOf(framework), "node_modules/.package-lock.json"));
}
