import { contestantServers, hasLoadGenerator, measureHttp, paths } from "./http.js";
import { originServer } from "./origin-go.js";
import { figure, table } from "./table.js";

/** Throughput over loopback, the slowest per cent, and CPU beside the same server without sessions. */
export async function measure({ runtimes, only, quick, gosession, log }) {
  if (!(await hasLoadGenerator())) return { skipped: "wrk, the load generator, is not installed", measured: [] };
  const measured = [];
  const failures = [];
  const origin = quick ? { skipped: "--quick" } : await originServer(gosession);
  for (const runtime of runtimes) {
    const chosen = only ?? (quick ? ["floor", "sojourn", "sojourn-connect", "express-session"] : undefined);
    const servers = contestantServers(runtime, { only: chosen });
    if (runtime === runtimes[0] && origin.server) servers.push(origin.server);
    const notes = [];
    const results = await measureHttp(servers, {
      rounds: quick ? 1 : 3,
      seconds: 1,
      quick,
      log: (text) => (text.startsWith("HTTP:") ? log(`${runtime.title}, ${text}`) : notes.push(text)),
    });
    failures.push(...notes);
    measured.push({ runtime: runtime.title, results });
  }
  return { measured, failures, origin: origin.skipped ?? origin.version };
}

export function print({ skipped, measured, origin }) {
  if (skipped) return `HTTP: skipped, ${skipped}`;
  return [
    ...measured.map(
      ({ runtime, results }) => `${ratioTable(runtime, results)}\n\n${throughputTable(runtime, results)}`,
    ),
    `The origin in Go: ${origin}`,
  ].join("\n\n");
}

const layers = paths.filter((path) => path !== "plain");

/** CPU of the server without sessions as a part of that with them: 1.00 is free. */
export function ratioTable(runtime, results) {
  return table(
    [`${runtime}: CPU ratio`, ...layers],
    results.map(({ title, paths: found }) => [title, ...layers.map((path) => found[path]?.ratio.toFixed(2) ?? "–")]),
  );
}

/** Requests a second and, in brackets, the 99th percentile in milliseconds. */
export function throughputTable(runtime, results) {
  return table(
    [`${runtime}: requests a second (p99 in ms)`, ...paths],
    results.map(({ title, paths: found }) => [
      title,
      ...paths.map((path) => `${figure(found[path]?.requests)} (${figure(found[path]?.p99)})`),
    ]),
  );
}
