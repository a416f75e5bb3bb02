// cspell:ignore appendonly
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Service } from "../services.ts";

/** A redis-server process of the test's own. */
export interface RedisServer {
  readonly port: number;
  /** Stops it at once; what it held is gone. */
  stop(): Promise<void>;
  /** Starts it again on the same port. */
  start(): Promise<void>;
}

/** Whether this machine can start one. */
export function redisServerProgram(): Service {
  const found =
    spawnSync("redis-server", ["--version"]).status === 0 && spawnSync("redis-cli", ["--version"]).status === 0;
  return { name: "redis", available: found, reason: found ? "" : "redis-server and redis-cli are not installed" };
}

/** Starts a server on a free port that keeps nothing on disk. The options are lines of its configuration file. */
export async function startRedis(...options: string[]): Promise<RedisServer> {
  return startServer([], ['save ""', "appendonly no", ...options]);
}

/** Starts a sentinel that watches a server by the name `main`. */
export async function startSentinel(server: RedisServer): Promise<RedisServer> {
  return startServer(["--sentinel"], [`sentinel monitor main 127.0.0.1 ${server.port} 1`]);
}

async function startServer(args: readonly string[], options: readonly string[]): Promise<RedisServer> {
  const port = await freePort();
  let child: ChildProcess | undefined;
  let folder = "";

  async function start(): Promise<void> {
    folder = await mkdtemp(join(tmpdir(), "redis-"));
    const config = join(folder, "redis.conf");
    await writeFile(config, [`port ${port}`, "bind 127.0.0.1", `dir ${folder}`, ...options].join("\n"));
    const started = spawn("redis-server", [config, ...args], { stdio: ["ignore", "pipe", "inherit"] });
    child = started;
    const atExit = (): void => void started.kill("SIGKILL");
    process.once("exit", atExit);
    started.once("exit", () => process.off("exit", atExit));
    await new Promise<void>((resolve, reject) => {
      let log = "";
      started.stdout.on("data", (chunk: Buffer) => {
        log += chunk.toString();
        if (/Ready to accept connections|\+monitor/.test(log)) resolve();
      });
      started.once("error", reject);
      started.once("exit", (code) => reject(new Error(`redis-server ended with ${code}: ${log}`)));
    });
  }

  async function stop(): Promise<void> {
    const running = child;
    child = undefined;
    if (!running) return;
    const ended = new Promise((resolve) => running.once("exit", resolve));
    if (running.exitCode === null && running.kill("SIGKILL")) await ended;
    await rm(folder, { recursive: true, force: true });
  }

  await start();
  return { port, start, stop };
}

/** Three primaries that share the slots. */
export async function startRedisCluster(): Promise<{ readonly ports: readonly number[]; stop(): Promise<void> }> {
  const servers = await Promise.all(
    [0, 1, 2].map(async () => startRedis("cluster-enabled yes", "cluster-node-timeout 5000")),
  );
  const stop = async (): Promise<void> => void (await Promise.all(servers.map((server) => server.stop())));
  const nodes = servers.map(({ port }) => `127.0.0.1:${port}`);
  const made = spawnSync("redis-cli", ["--cluster", "create", ...nodes, "--cluster-yes"], {
    encoding: "utf8",
    timeout: 30_000,
  });
  if (made.status !== 0 || !made.stdout.includes("All 16384 slots covered")) {
    await stop();
    throw new Error(`redis-cli --cluster create: ${made.stdout} ${made.stderr}`);
  }
  // The three agree a moment later.
  while (servers.some(({ port }) => !redisCli(port, "cluster", "info").includes("cluster_state:ok")))
    await new Promise(setImmediate);
  return { ports: servers.map(({ port }) => port), stop };
}

function redisCli(port: number, ...command: string[]): string {
  return spawnSync("redis-cli", ["-p", String(port), ...command], { encoding: "utf8", timeout: 30_000 }).stdout;
}

/** Below 55536, because a cluster node listens on the port 10000 above as well. */
async function freePort(): Promise<number> {
  for (;;) {
    const port = 20_000 + Math.floor(Math.random() * 30_000);
    if ((await isFree(port)) && (await isFree(port + 10_000))) return port;
  }
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = createServer()
      .once("error", () => resolve(false))
      .listen(port, "127.0.0.1", () => void probe.close(() => resolve(true)));
  });
}
