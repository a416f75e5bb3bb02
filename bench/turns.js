import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { cells } from "./cells.js";
import { contestants } from "./contestants/index.js";
import { summary } from "./statistics.js";

/**
 * What the session layer adds to one request, in microseconds of CPU of all threads: every contestant has a process of
 * its own, all of them live at the same time and take turns, and in every turn the bare handler and the one with
 * sessions are measured back to back.
 */
export async function measureRequests(runtime, { only, rounds, batch, onlyCells, log }) {
  const chosen = contestants.filter(
    ({ id, on, engine }) => !engine && on.includes(runtime.name) && (only === undefined || only.includes(id)),
  );
  const workers = chosen.map(({ id, kind }) => startWorker(runtime, id, kind, batch));
  const results = chosen.map(({ id, title, store, kind }) => ({ id, title, store, kind, cells: {} }));
  try {
    for (const cell of cells.filter(({ id }) => onlyCells === undefined || onlyCells.includes(id))) {
      const ready = [];
      for (const [index, worker] of workers.entries()) {
        const answer = await worker.ask({ cell: cell.id });
        if (answer.cookie) results[index].cookieForEverybody = true;
        if (answer.failed) log(`${runtime.title}, ${results[index].title}, ${cell.title}: ${answer.failed}`);
        if (answer.failed || answer.skipped) results[index].cells[cell.id] = answer;
        else ready.push({ worker, result: results[index], added: [], plain: [] });
      }
      for (let round = 0; round < rounds; round += 1) {
        for (const turn of ready) {
          const { session, plain } = await turn.worker.ask({ cell: cell.id, measure: true });
          turn.added.push(session - plain);
          turn.plain.push(plain);
        }
      }
      for (const { result, added, plain } of ready)
        result.cells[cell.id] = { ...summary(added), plain: summary(plain).median };
      log(`${runtime.title}: ${cell.title}`);
    }
  } finally {
    for (const worker of workers) worker.stop();
  }
  return results;
}

/** A process that measures one contestant. */
export function startWorker({ command: [file, ...args] }, id, kind, batch, environment = {}) {
  const flags = kind === "node" ? ["--expose-gc"] : [];
  const child = spawn(file, [...args, ...flags, fileURLToPath(new URL("worker.js", import.meta.url)), id], {
    cwd: fileURLToPath(new URL(".", import.meta.url)),
    env: { ...process.env, BENCH_BATCH: String(batch), NODE_ENV: "production", ...environment },
    stdio: ["pipe", "pipe", "pipe"],
  });
  let complaints = "";
  child.stderr.on("data", (chunk) => {
    complaints = (complaints + chunk).slice(-600);
  });
  child.stdin.on("error", () => {}); // the end of the process is reported by `ask`
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  return {
    async ask(command) {
      child.stdin.write(`${JSON.stringify(command)}\n`);
      const { value, done } = await lines.next();
      return done ? { failed: `the process ended: ${complaints}` } : JSON.parse(value);
    },
    stop: () => child.kill(),
  };
}
