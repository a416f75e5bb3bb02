/**
 * Starts what a test needs to run for real: a program that serves, a program that ends by itself, a worker in workerd.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Readable } from "node:stream";
import { fileURLToPath } from "node:url";
import { build, type Plugin } from "esbuild";
import { Miniflare, type WorkerOptions } from "miniflare";

/** The root of the repository, where programs run unless told otherwise. */
export const root: string = fileURLToPath(new URL("../..", import.meta.url));

/** Something that answers under a URL until it is stopped. */
export interface Running {
  /** Without a slash at the end. */
  readonly url: string;
  /** What it has written so far, for the message of a failed test. */
  output(): string;
  stop(): Promise<void>;
}

/** How a program is started. */
export interface ProgramOptions {
  readonly cwd?: string;
  /** Added to the environment of the tests. */
  readonly env?: Readonly<Record<string, string>>;
  /** Milliseconds until it must have said its URL, or have ended. Default 30,000. */
  readonly timeout?: number;
}

/** In a whole line, so that no port is read before its last digit has come. */
const url = /^.*?(https?:\/\/[\w.\-[\]:]+).*\n/m;

/** Starts a program that serves, and waits until it has written a line with its URL. */
export async function startProgram(
  command: string,
  args: readonly string[],
  options: ProgramOptions = {},
): Promise<Running> {
  const { child, output, ended } = launch(command, args, options);
  const ready = new Promise<string>((resolve, reject) => {
    const timer = setTimeout(
      () => reject(failure(command, args, "did not say its URL in time", output())),
      options.timeout ?? 30_000,
    );
    const look = (): void => {
      const found = url.exec(output())?.[1];
      if (found === undefined) return;
      clearTimeout(timer);
      resolve(found.replace("0.0.0.0", "127.0.0.1"));
    };
    child.stdout?.on("data", look);
    child.stderr?.on("data", look);
    ended.then((code) => {
      clearTimeout(timer);
      reject(failure(command, args, `ended with ${code} before it said its URL`, output()));
    }, reject);
  });
  const stop = async (): Promise<void> => {
    child.kill("SIGTERM");
    const patience = setTimeout(() => child.kill("SIGKILL"), 3_000);
    await ended.finally(() => clearTimeout(patience));
  };
  try {
    return { url: await ready, output, stop };
  } catch (error) {
    await stop().catch(() => {});
    throw error;
  }
}

/** Runs a program to its end and returns what it wrote to its standard output. Rejects when it fails. */
export async function runProgram(
  command: string,
  args: readonly string[],
  options: ProgramOptions = {},
): Promise<string> {
  const { child, output, ended } = launch(command, args, options);
  let stdout = "";
  child.stdout?.on("data", (chunk) => {
    stdout += chunk;
  });
  const timer = setTimeout(() => child.kill("SIGKILL"), options.timeout ?? 30_000);
  const code = await ended.finally(() => clearTimeout(timer));
  if (code !== 0) throw failure(command, args, `ended with ${code}`, output());
  return stdout;
}

/**
 * A worker: its script, and the settings of Miniflare that matter to it (`kvNamespaces`, `d1Databases`,
 * `durableObjects`, `bindings`).
 */
export interface WorkerSetup extends Omit<WorkerOptions, "script" | "scriptPath" | "modules" | "compatibilityFlags"> {
  /** The TypeScript file with the worker's exports, relative to the root. */
  readonly entry: string;
  /** Whether the worker may use the modules of Node. Default false. */
  readonly nodejsCompat?: boolean;
  /** Other compatibility flags. */
  readonly flags?: readonly string[];
  /** Names by which the script imports other files, such as a package that is not built. */
  readonly alias?: Record<string, string>;
}

/** A worker that runs in workerd. */
export interface RunningWorker extends Running {
  /** For the bindings of the worker from outside: `getKVNamespace`, `getD1Database`, and so on. */
  readonly miniflare: Miniflare;
}

/** Package.json says which file of the built package is `#platform`; for the sources it is the source of that file. */
const platformOfSources: Plugin = {
  name: "the platform of the sources",
  setup(build) {
    const path = join(root, "src/platform/portable.ts");
    build.onResolve({ filter: /^#platform$/ }, ({ importer }) =>
      importer.startsWith(join(root, "src/")) ? { path } : undefined,
    );
  },
};

/**
 * Bundles a worker as a deployment would, and runs it in workerd with local KV, D1 and Durable Objects that last as
 * long as it runs.
 */
export async function startWorker({
  entry,
  nodejsCompat = false,
  flags = [],
  alias,
  ...settings
}: WorkerSetup): Promise<RunningWorker> {
  const bundle = await build({
    entryPoints: [entry],
    absWorkingDir: root,
    bundle: true,
    write: false,
    format: "esm",
    target: "es2022",
    conditions: ["workerd", "worker", "browser"],
    external: ["cloudflare:*", "node:*"],
    ...(alias && { alias }),
    plugins: [platformOfSources],
    logLevel: "silent",
  });
  // Each Durable Object is a database file, and a disk makes every one of them wait: ten times as long for a suite that
  // makes a thousand
  const storage = mkdtempSync(join(existsSync("/dev/shm") ? "/dev/shm" : tmpdir(), "sojourn-worker-"));
  let output = "";
  const miniflare = new Miniflare({
    modules: [{ type: "ESModule", path: "worker.js", contents: bundle.outputFiles[0]?.text ?? "" }],
    compatibilityDate: "2026-04-01",
    compatibilityFlags: [...flags, ...(nodejsCompat ? ["nodejs_compat"] : [])],
    defaultPersistRoot: storage,
    host: "127.0.0.1",
    port: 0,
    handleRuntimeStdio(stdout: Readable, stderr: Readable) {
      for (const stream of [stdout, stderr]) {
        stream.on("data", (chunk: Buffer) => {
          output += chunk;
        });
      }
    },
    ...settings,
  } as ConstructorParameters<typeof Miniflare>[0]);
  const stop = async (): Promise<void> => {
    await miniflare.dispose();
    rmSync(storage, { recursive: true, force: true });
  };
  try {
    const ready = await miniflare.ready;
    return { url: ready.origin, output: () => output, stop, miniflare };
  } catch (error) {
    await stop().catch(() => {});
    throw new Error(`The worker ${entry} did not start:\n${output}`, { cause: error });
  }
}

function launch(
  command: string,
  args: readonly string[],
  { cwd = root, env }: ProgramOptions,
): { child: ChildProcess; output: () => string; ended: Promise<number | NodeJS.Signals | null> } {
  const child = spawn(command, args, {
    cwd,
    env: { ...process.env, NO_COLOR: "1", ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let output = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding("utf8").on("data", (chunk) => {
      output += chunk;
    });
  }
  const ended = new Promise<number | NodeJS.Signals | null>((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (code, signal) => resolve(code ?? signal));
  });
  ended.catch(() => {}); // whoever waits for it gets the error as well
  return { child, output: () => output, ended };
}

function failure(command: string, args: readonly string[], what: string, output: string): Error {
  return new Error(`${[command, ...args].join(" ")} ${what}:\n${output || "(it wrote nothing)"}`);
}
