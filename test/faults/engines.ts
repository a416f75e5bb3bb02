// cspell:ignore appendfsync appendonly datname
import { type ChildProcess, spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { type AddressInfo, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import pg from "pg";

/** An engine of the test's own, and what can happen to it besides the network. */
export interface FaultyEngine {
  readonly name: "redis" | "postgres";
  readonly port: number;
  /** The database, where there are several. */
  readonly place: string;
  /** Names of {@link strike}'s faults. */
  readonly faults: readonly string[];
  /** Does one of them; fulfilled when it is over. */
  strike(fault: string): Promise<void>;
  close(): Promise<void>;
}

/** A server that has on disk whatever it acknowledged, so that it may be killed. */
export async function startRedis(): Promise<FaultyEngine> {
  const port = await freePort();
  const folder = await mkdtemp(join(tmpdir(), "sojourn-faults-redis-"));
  const options = {
    "--port": port,
    "--bind": "127.0.0.1",
    "--dir": folder,
    "--save": "",
    "--appendonly": "yes",
    "--appendfsync": "always",
  };
  let server: ChildProcess;

  async function start(): Promise<void> {
    const started = spawn("redis-server", Object.entries(options).flat().map(String), {
      stdio: ["ignore", "pipe", "inherit"],
    });
    server = started;
    await new Promise<void>((resolve, reject) => {
      let log = "";
      started.stdout.on("data", (chunk: Buffer) => {
        log += chunk.toString();
        if (log.includes("Ready to accept connections")) resolve();
      });
      started.once("error", reject);
      started.once("exit", (code) => reject(new Error(`redis-server ended with ${code}: ${log}`)));
    });
  }

  async function stop(): Promise<void> {
    const ended = new Promise((resolve) => server.once("exit", resolve));
    if (server.exitCode === null && server.signalCode === null && server.kill("SIGKILL")) await ended;
  }

  await start();
  process.once("exit", () => server.kill("SIGKILL"));
  return {
    name: "redis",
    port,
    place: "",
    faults: ["Redis is killed and started again", "Redis stands still"],
    async strike(fault) {
      if (fault === "Redis stands still") {
        server.kill("SIGSTOP");
        await pause(300);
        server.kill("SIGCONT");
        return;
      }
      await stop();
      await pause(200);
      await start();
    },
    async close() {
      await stop();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** A database of its own on the server that is here, which serves others too and so is left running. */
export async function openPostgres(): Promise<FaultyEngine> {
  const place = `sojourn_faults_${randomBytes(6).toString("hex")}`;
  await administrate(`CREATE DATABASE ${place}`);
  // Quicker, and no less correct while the server lives.
  await administrate(`ALTER DATABASE ${place} SET synchronous_commit = off`);
  return {
    name: "postgres",
    port: 5432,
    place,
    faults: ["PostgreSQL ends all connections"],
    strike: () => administrate(`SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '${place}'`),
    close: () => administrate(`DROP DATABASE ${place} WITH (FORCE)`),
  };
}

async function administrate(sql: string): Promise<void> {
  const client = new pg.Client({ host: "127.0.0.1", user: "postgres", database: "postgres" });
  await client.connect();
  await client.query(sql);
  await client.end();
}

export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

export function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const probe = createServer().listen(0, "127.0.0.1", () => {
      const { port } = probe.address() as AddressInfo;
      probe.close(() => resolve(port));
    });
  });
}
