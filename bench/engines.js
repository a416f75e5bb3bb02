// cspell:ignore appendonly
import { execFile, spawn } from "node:child_process";
import { promisify } from "node:util";
import pg from "pg";
import { createClient } from "redis";
import { handlersOf } from "./cells.js";
import { client } from "./client.js";
import { contestants } from "./contestants/index.js";

const run = promisify(execFile);

/** A Redis of the benchmark's own, on a port of its own, that keeps nothing and is gone afterwards. */
export async function startRedis() {
  const port = 20_000 + (process.pid % 20_000);
  const child = spawn(
    "redis-server",
    ["--port", String(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"],
    {
      stdio: "ignore",
    },
  );
  const failed = new Promise((_, reject) =>
    child.on("error", () => reject(new Error("redis-server is not installed"))),
  );
  const url = `redis://127.0.0.1:${port}`;
  const probe = createClient({ url, socket: { reconnectStrategy: (tries) => tries < 50 && 100 } });
  probe.on("error", () => {}); // until it listens
  await Promise.race([probe.connect(), failed]);
  return {
    url,
    /** Counts the commands that clients send, not those that a script of theirs runs inside. */
    async countCommands() {
      const sent = {};
      await probe.monitor((line) => {
        const [, from, command] = line.match(/\[\d+ (\S+)\] "(\w+)"/) ?? [];
        if (from !== undefined && from !== "lua") sent[command.toLowerCase()] = (sent[command.toLowerCase()] ?? 0) + 1;
      });
      return async () => {
        await new Promise((resolve) => setTimeout(resolve, 20)); // the monitor is another connection, and tells a little later
        return { ...sent };
      };
    },
    stop() {
      probe.destroy();
      child.kill();
    },
  };
}

/** A database of the benchmark's own in the PostgreSQL of this machine. */
export async function startPostgres() {
  const server = process.env.POSTGRES_URL ?? "postgres://postgres@127.0.0.1:5432/postgres";
  const name = `session_bench_${process.pid}`;
  const admin = new pg.Client({ connectionString: server });
  await admin.connect();
  await admin.query(`create database ${name}`);
  const url = new URL(server);
  url.pathname = `/${name}`;
  return {
    url: url.href,
    async stop() {
      await admin.query(`drop database ${name} with (force)`);
      await admin.end();
    },
  };
}

/** What one request of each kind sends to the engine, by name of the command. */
export async function countCommands(engine, count) {
  const counted = [];
  for (const { id, title, kind, load } of contestants.filter((each) => each.engine === engine)) {
    const { call, request, cookiesOf, bodyOf } = await client(kind);
    const handlers = await handlersOf(await load());
    const sent = {};
    const measured = async (name, handler, cookie) => {
      const before = await count();
      const response = await call(handler, request(cookie));
      const body = await bodyOf(response);
      const after = await count();
      sent[name] = Object.entries(after).flatMap(([command, calls]) =>
        Array(calls - (before[command] ?? 0)).fill(command),
      );
      return body;
    };
    const first = await call(handlers["new-small"], request("")); // scripts and statements are known to the engine from here on
    const cookie = cookiesOf(first)[0].split(";", 1)[0];
    await measured("no cookie", handlers.untouched, "");
    await measured("cookie, untouched", handlers.untouched, cookie);
    if ((await measured("read", handlers.read, cookie)) !== "alice-0001") throw new Error(`${title} does not read`);
    await measured("write", handlers.write, cookie);
    await measured("new", handlers["new-small"], "");
    counted.push({ id, title, sent });
  }
  return counted;
}

/** Counts the statements that go through any client of `pg` in this process. */
export function countStatements() {
  const sent = {};
  const query = pg.Client.prototype.query;
  pg.Client.prototype.query = function counting(config, ...rest) {
    const text = typeof config === "string" ? config : config?.text;
    const verb = text?.trim().split(/\s/, 1)[0].toLowerCase() ?? "cursor";
    sent[verb] = (sent[verb] ?? 0) + 1;
    return query.call(this, config, ...rest);
  };
  return async () => ({ ...sent });
}

export const hasProgram = (name) =>
  run(name, ["--version"]).then(
    () => true,
    () => false,
  );
