// cspell:ignore capnp schedstat
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";

/** The command and its version, or why there is none to measure. */
export function findWorkerd() {
  if (process.platform !== "linux")
    return { missing: "only Linux tells the CPU time of another process to the nanosecond" };
  try {
    const { default: command, version } = createRequire(import.meta.url)("workerd");
    return { command, version };
  } catch {
    return { missing: "workerd is not installed; it comes with npm ci in the root of the repository" };
  }
}

/**
 * Starts one process with `count` workers of the same code, asks each of them once, and ends it. Gives the milliseconds
 * of CPU of all its threads from its start to the last answer, and what was answered.
 */
export async function startWorkers(command, { code, count, flags }) {
  const running = await serve(command, (folder) => writeConfiguration(folder, code, count, flags));
  try {
    return { answers: await (await running.ask("/")).json(), milliseconds: running.cpu() };
  } finally {
    await running.stop();
  }
}

/** Starts one worker. `ask` sends a request, `cpu` gives the milliseconds of CPU of all threads since the start. */
export function startOneWorker(command, code) {
  return serve(command, (folder) => {
    writeFileSync(join(folder, "worker.js"), code);
    writeServices(folder, [worker("worker", compatibility([]))], "worker");
  });
}

/** A process of workerd with what `configure` writes into the folder that it is given. */
async function serve(command, configure) {
  const folder = mkdtempSync(join(tmpdir(), "sojourn-bench-"));
  configure(folder);
  const child = spawn(command, ["serve", join(folder, "config.capnp"), "--control-fd=3"], {
    stdio: ["ignore", "ignore", "pipe", "pipe"],
  });
  const ended = once(child, "close");
  let complaints = "";
  child.stderr.on("data", (chunk) => {
    complaints = (complaints + chunk).slice(-600);
  });
  const stop = async () => {
    child.kill("SIGKILL");
    await ended;
    rmSync(folder, { recursive: true });
  };
  const port = await portOf(child);
  if (port === undefined) {
    await stop();
    throw new Error(`workerd ended: ${complaints}`);
  }
  return {
    ask: (path) => fetch(`http://127.0.0.1:${port}${path}`, { signal: AbortSignal.timeout(60_000) }),
    cpu: () => cpuOf(child.pid),
    stop,
  };
}

/**
 * Every worker is a service with a file of its own, and one more asks all of them: only that one is behind a socket.
 */
function writeConfiguration(folder, code, count, flags) {
  const names = Array.from({ length: count }, (_, index) => `worker${index}`);
  // Texts that differ, so that nothing compiled for one can serve another
  for (const name of names) writeFileSync(join(folder, `${name}.js`), `${code}\n//${name}`);
  writeFileSync(join(folder, "asker.js"), asker);
  const bindings = names.map((name) => `(name = "${name}", service = "${name}")`);
  const workers = names.map((name) => worker(name, compatibility(flags)));
  writeServices(folder, [...workers, worker("asker", `${compatibility([])}, bindings = [${bindings}]`)], "asker");
}

function worker(name, rest) {
  return `(name = "${name}", worker = (modules = [(name = "${name}", esModule = embed "${name}.js")], ${rest}))`;
}

function compatibility(flags) {
  return `compatibilityDate = "2026-04-01", compatibilityFlags = ${JSON.stringify(flags)}`;
}

/** The service that is behind the socket is named. */
function writeServices(folder, services, asked) {
  writeFileSync(
    join(folder, "config.capnp"),
    `using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [${services.join(",\n")}],
  sockets = [(name = "http", address = "127.0.0.1:0", http = (), service = "${asked}")]
);`,
  );
}

const asker = `export default {
  async fetch(request, workers) {
    const answers = [];
    for (const worker of Object.values(workers)) {
      const response = await worker.fetch(request.url);
      answers.push({ text: await response.text(), cookie: response.headers.has("set-cookie") });
    }
    return Response.json(answers);
  },
};`;

async function portOf(child) {
  for await (const line of createInterface({ input: child.stdio[3] })) {
    const { event, port } = JSON.parse(line);
    if (event === "listen") return port;
  }
}

/**
 * Nanoseconds are in `schedstat` alone, of each thread; `stat`, which sums them up, counts in hundredths of a second.
 */
function cpuOf(pid) {
  let nanoseconds = 0;
  for (const thread of readdirSync(`/proc/${pid}/task`)) {
    nanoseconds += Number(readFileSync(`/proc/${pid}/task/${thread}/schedstat`, "utf8").split(" ", 1)[0]);
  }
  return nanoseconds / 1e6;
}
