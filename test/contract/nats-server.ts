/** Servers of NATS of a test's own. */
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { type AddressInfo, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Service } from "../services.ts";

/** A nats-server with JetStream. */
export interface NatsServer {
  readonly port: number;
  /** Kills it; what it has on disk stays. */
  kill(): Promise<void>;
  /** Starts it again, on the same port and disk. */
  start(): Promise<void>;
  /** Has it read another configuration. */
  configure(...lines: string[]): Promise<void>;
  /** Ends it, and removes what it has on disk. */
  stop(): Promise<void>;
}

/** Whether this machine can start one. */
export function natsServerProgram(): Service {
  const available = spawnSync("nats-server", ["--version"]).status === 0;
  return { name: "nats", available, reason: available ? "" : "nats-server is not installed" };
}

export interface NatsServerOptions {
  readonly port?: number;
  /** Where it keeps its streams. Default a folder of its own. */
  readonly disk?: string | undefined;
  /** Of the block `jetstream`. */
  readonly jetstream?: string;
  /** More lines of its configuration. */
  readonly lines?: readonly string[];
}

/** Starts a server on a free port. */
export async function startNats(options: NatsServerOptions = {}): Promise<NatsServer> {
  const folder = await mkdtemp(join(tmpdir(), "nats-"));
  const [port, config] = [options.port ?? (await freePort()), join(folder, "nats.conf")];
  let child: ChildProcess | undefined;
  const atExit = (): void => void child?.kill("SIGKILL");
  process.once("exit", atExit);

  function write(lines: readonly string[]): Promise<void> {
    const jetstream = `jetstream { store_dir: "${options.disk ?? folder}", ${options.jetstream ?? ""} }`;
    return writeFile(config, [`listen: "127.0.0.1:${port}"`, jetstream, ...lines].join("\n"));
  }

  async function start(): Promise<void> {
    child = spawn("nats-server", ["-c", config], { stdio: ["ignore", "ignore", "pipe"] });
    await said(child, "Server is ready");
  }

  async function kill(): Promise<void> {
    const killed = child;
    child = undefined;
    const ended = new Promise((resolve) => killed?.once("exit", resolve));
    if (killed?.kill("SIGKILL")) await ended;
  }

  await write(options.lines ?? []);
  await start();
  return {
    port,
    start,
    kill,
    async configure(...lines) {
      await write(lines);
      const reloaded = said(child as ChildProcess, "Reloaded server configuration");
      child?.kill("SIGHUP");
      await reloaded;
    },
    async stop() {
      process.off("exit", atExit);
      await kill();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** Three servers that keep three copies of what they are asked to. */
export async function startNatsCluster(): Promise<readonly NatsServer[]> {
  const ports = await Promise.all([0, 1, 2, 3, 4, 5].map(() => freePort()));
  const routes = ports.slice(3).map((port) => `"nats://127.0.0.1:${port}"`);
  return Promise.all(
    ports.slice(0, 3).map((port, n) =>
      startNats({
        port,
        lines: [
          `server_name: n${n}`,
          `cluster { name: sojourn, listen: "127.0.0.1:${ports[n + 3]}", routes: [${routes.join(", ")}] }`,
        ],
      }),
    ),
  );
}

function said(server: ChildProcess, line: string): Promise<void> {
  return new Promise((resolve, reject) => {
    let log = "";
    const ended = (): void => reject(new Error(`nats-server ended: ${log}`));
    const look = (chunk: Buffer): void => {
      log += chunk.toString();
      if (!log.includes(line)) return;
      server.stderr?.off("data", look);
      // Read on, or the server waits for its log.
      server.stderr?.resume();
      server.off("exit", ended);
      resolve();
    };
    server.stderr?.on("data", look);
    server.once("error", reject);
    server.once("exit", ended);
  });
}

function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const probe = createServer().listen(0, "127.0.0.1", () => {
      const { port } = probe.address() as AddressInfo;
      probe.close(() => resolve(port));
    });
  });
}
