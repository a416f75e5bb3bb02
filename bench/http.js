import { execFile, spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { contestants } from "./contestants/index.js";
import { median } from "./statistics.js";

const run = promisify(execFile);
const here = fileURLToPath(new URL(".", import.meta.url));
const connections = 32;
const sessions = 256;

/**
 * The kinds of request over HTTP; `plain` is the same server without sessions, and what the others are compared with.
 */
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
    .filter(
      ({ id, on, http = true, ...each }) =>
        each.engine === engine && on.includes(runtime.name) && (only?.includes(id) ?? http),
    )
    .map(({ id, title, store, kind }) => ({ id, title, store, kind, file, args: [...args, "server.js", id] }));
}

/**
 * Throughput, the slowest per cent and CPU per request over loopback, all servers at once and in turn. The CPU is that
 * of the server's process alone, all threads.
 */
export async function measureHttp(servers, { rounds, seconds, quick, log }) {
  const running = [];
  const scripts = mkdtempSync(join(tmpdir(), "session-bench-"));
  const chosen = quick ? ["plain", "read", "write"] : paths;
  try {
    for (const server of servers) {
      try {
        running.push(await start(server, join(scripts, `${server.id}.lua`)));
      } catch (error) {
        log(`${server.title} over HTTP: ${error.message}`);
      }
    }
    for (let round = quick ? 1 : 0; round <= rounds; round += 1) {
      for (const server of alive(running)) {
        // All paths of a server one after the other, so that the same minute of the machine is on both sides of its
        // ratios
        const found = {};
        for (const path of chosen) found[path] = await attempt(server, path, seconds, log);
        if (round > 0) server.rounds.push(found); // the first is compilation
      }
      log(`HTTP: round ${round} of ${rounds}`);
    }
    return alive(running).map(({ id, title, store, kind, rounds: all }) => ({
      id,
      title,
      store,
      kind,
      paths: Object.fromEntries(chosen.map((path) => [path, summary(all, path)])),
    }));
  } finally {
    for (const { child } of running) child.kill("SIGKILL");
    rmSync(scripts, { recursive: true });
  }
}

const alive = (servers) => servers.filter(({ child }) => child.exitCode === null && child.signalCode === null);

/** A server that dies under the load is out, and is reported. */
async function attempt(server, path, seconds, log) {
  try {
    return await load(server, path, seconds);
  } catch (error) {
    server.child.kill("SIGKILL");
    log(`${server.title} does not stand the load of /${path}: ${error.message}`);
  }
}

function summary(rounds, path) {
  const of = (field) => median(rounds.map((round) => round[path][field]));
  return {
    requests: of("requests"),
    p99: of("p99"),
    cpu: of("cpu"),
    ratio: median(rounds.map((round) => round.plain.cpu / round[path].cpu)),
    added: median(rounds.map((round) => round[path].cpu - round.plain.cpu)),
    failed: rounds.reduce((sum, round) => sum + round[path].failed, 0),
  };
}

async function start(server, script) {
  const child = spawn(server.file, server.args, {
    cwd: here,
    env: { ...process.env, NODE_ENV: "production", ...server.env },
    stdio: ["pipe", "pipe", "pipe"],
  });
  let complaints = "";
  child.stderr.on("data", (chunk) => {
    complaints = (complaints + chunk).slice(-600);
  });
  const { value, done } = await createInterface({ input: child.stdout })[Symbol.asyncIterator]().next();
  if (done) throw new Error(`the server ended: ${complaints}`);
  const origin = `http://127.0.0.1:${value}`;
  try {
    const cookies = await visit(origin);
    writeFileSync(script, visitors(cookies));
    return { ...server, child, origin, script, rounds: [] };
  } catch (error) {
    child.kill("SIGKILL");
    throw error;
  }
}

/** Gives each visitor a session, and makes sure that it is read. */
async function visit(origin) {
  const cookies = [];
  for (let visitor = 0; visitor < sessions; visitor += 1) {
    const response = await fetch(`${origin}/new`);
    await response.text();
    cookies.push(
      response.headers
        .getSetCookie()
        .map((line) => line.split(";", 1)[0])
        .join("; "),
    );
  }
  const read = await fetch(`${origin}/read`, { headers: { cookie: cookies[0] } });
  const body = await read.text();
  if (body !== "alice-0001") throw new Error(`it does not read its session: ${read.status} ${body.slice(0, 200)}`);
  return cookies;
}

/** A script of wrk that lets the visitors take turns: nobody is told apart by waiting for himself. */
function visitors(cookies) {
  return `local cookies = { ${cookies.map((cookie) => JSON.stringify(cookie)).join(", ")} }
local turn = 0
request = function()
  turn = turn % #cookies + 1
  return wrk.format("GET", nil, { ["Cookie"] = cookies[turn] })
end
`;
}

async function load({ origin, script, child }, path, seconds) {
  const args = ["-t1", `-c${connections}`, `-d${seconds}s`, "--latency", `${origin}/${path}`];
  if (path === "read" || path === "write") args.push("-s", script);
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
