import { execFile, spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { contestants } from "./contestants/index.js";
import { median } from "./statistics.js";

const run = promisify(execFile);
const here = fileURLToPath(new URL(".", import.meta.url));
const connections = 32;

/** The kinds of request over HTTP; `plain` is the same server without sessions, and what the others are compared with. */
export const paths = ["plain", "untouched", "read", "write", "new"];

export function hasLoadGenerator() {
  return run("wrk", ["--version"]).then(
    () => true,
    (error) => error.code !== "ENOENT", // wrk ends with 1 after it printed its version
  );
}

/** Servers that run the contestants on one runtime. */
export function contestantServers(runtime, { only, engine } = {}) {
  const [file, ...args] = runtime.command;
  return contestants
    .filter((each) => each.engine === engine && each.on.includes(runtime.name) && (only === undefined || only.includes(each.id)))
    .map(({ id, title, store, kind }) => ({ id, title, store, kind, file, args: [...args, "server.js", id] }));
}

/**
 * Throughput, the slowest per cent and CPU per request over loopback, every server and every path in turn. The CPU is that of the server's
 * process alone, all threads.
 */
export async function measureHttp(servers, { rounds, seconds, quick, log }) {
  const running = [];
  const chosen = quick ? ["plain", "read", "write"] : paths;
  try {
    for (const server of servers) {
      try {
        running.push(await start(server));
      } catch (error) {
        log(`${server.title} over HTTP: ${error.message}`);
      }
    }
    for (const path of chosen) {
      if (!quick) for (const server of running) await load(server, path, 1); // compiled before it counts
      for (let round = 0; round < rounds; round += 1) {
        for (const server of running) {
          server.found[path].push(await load(server, path, seconds));
        }
      }
      log(`HTTP: ${path}`);
    }
  } finally {
    for (const { child } of running) child.kill("SIGKILL");
  }
  return running.map(({ id, title, store, kind, found }) => ({
    id,
    title,
    store,
    kind,
    paths: Object.fromEntries(chosen.map((path) => [path, summed(found[path])])),
  }));
}

function summed(rounds) {
  const of = (field) => median(rounds.map((round) => round[field]));
  return { requests: of("requests"), p99: of("p99"), cpu: of("cpu"), failed: rounds.reduce((sum, { failed }) => sum + failed, 0) };
}

async function start(server) {
  const child = spawn(server.file, server.args, {
    cwd: here,
    env: { ...process.env, NODE_ENV: "production", ...server.env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let complaints = "";
  child.stderr.on("data", (chunk) => {
    complaints = (complaints + chunk).slice(-600);
  });
  const { value, done } = await createInterface({ input: child.stdout })[Symbol.asyncIterator]().next();
  if (done) throw new Error(`the server ended: ${complaints}`);
  const origin = `http://127.0.0.1:${value}`;
  const first = await fetch(`${origin}/new`);
  await first.text();
  const cookie = first.headers
    .getSetCookie()
    .map((line) => line.split(";", 1)[0])
    .join("; ");
  const read = await fetch(`${origin}/read`, { headers: { cookie } });
  const body = await read.text();
  if (body !== "alice-0001") {
    child.kill("SIGKILL");
    throw new Error(`it does not read its session: ${read.status} ${body.slice(0, 200)}`);
  }
  return { ...server, child, origin, cookie, found: Object.fromEntries(paths.map((path) => [path, []])) };
}

async function load({ origin, cookie, child }, path, seconds) {
  const args = ["-t1", `-c${connections}`, `-d${seconds}s`, "--latency", `${origin}/${path}`];
  if (path === "read" || path === "write") args.push("-H", `Cookie: ${cookie}`);
  const before = cpuMicroseconds(child.pid);
  const { stdout } = await run("wrk", args);
  const used = cpuMicroseconds(child.pid) - before;
  const total = Number(stdout.match(/(\d+) requests in/)[1]);
  const [, p99, unit] = stdout.match(/99%\s+([\d.]+)(us|ms|s)/);
  const failed = Number(stdout.match(/Non-2xx or 3xx responses: (\d+)/)?.[1] ?? 0);
  return {
    requests: Number(stdout.match(/Requests\/sec:\s+([\d.]+)/)[1]),
    p99: p99 * { us: 0.001, ms: 1, s: 1_000 }[unit],
    cpu: used / total,
    failed,
  };
}

/** CPU time of a process, all threads, from Linux: user and system time in hundredths of a second. */
function cpuMicroseconds(pid) {
  const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return (Number(fields[11]) + Number(fields[12])) * 10_000;
}
