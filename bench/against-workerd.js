import { gzipSync } from "node:zlib";
import { bundled, from } from "./bundle.js";
import { median, quantile } from "./statistics.js";
import { table } from "./table.js";
import { findWorkerd, startOneWorker, startWorkers } from "./workerd.js";

/** Requests of one turn. They are made and answered inside the worker, so that HTTP is no part of what is measured. */
const TURN = 5_000;
/** Workers of one cold start. */
const COLD = 100;

/**
 * What this library costs in workerd now and at an older commit, in turns: the size of a bundle, the CPU of a cold
 * start up to a session, and of a request in steady state, less that of a bare handler's.
 */
export async function againstInWorkerd(reference, builds, { rounds, log }) {
  const { command, version, missing } = findWorkerd();
  if (missing) return `workerd: skipped, ${missing}`;
  const codes = [];
  for (const build of builds) codes.push(await bundleOf(build));
  const rows = [
    ["size of the bundle, kB min+gzip", ...codes.map((code) => gzipSync(code, { level: 9 }).length / 1_000)],
  ];

  const workers = await Promise.all(codes.map((code) => startOneWorker(command, code)));
  for (const cell of ["read", "new"]) {
    const found = await takeTurns(
      rounds,
      async (side) => (await turn(workers[side], cell)) - (await turn(workers[side], "bare")),
    );
    rows.push([`a request, ${cell}, µs`, ...found.map((turns) => (1_000 * quantile(turns, 0.2)) / TURN)]);
    log(`workerd: ${cell}`);
  }
  await Promise.all(workers.map(({ stop }) => stop()));

  const cold = await takeTurns(Math.min(rounds, 5), async (side) => {
    const { milliseconds } = await startWorkers(command, { code: codes[side], count: COLD, flags: [] });
    return milliseconds / COLD;
  });
  rows.push(["a cold start up to the first answer, ms, with what workerd itself takes", ...cold.map(median)]);
  return table(
    [`workerd ${version}`, reference, "now", "ratio"],
    rows.map(([title, before, now]) => [title, before.toPrecision(3), now.toPrecision(3), (now / before).toFixed(2)]),
  );
}

/** Measures both sides in turn, the first one first every second time. */
async function takeTurns(rounds, measure) {
  const found = [[], []];
  for (let round = 0; round < rounds; round += 1) {
    for (const side of round % 2 ? [1, 0] : [0, 1]) found[side].push(await measure(side));
  }
  return found;
}

async function turn(worker, cell) {
  const before = worker.cpu();
  const response = await worker.ask(`/${cell}`);
  const answer = await response.text();
  if (answer !== "ok") throw new Error(`workerd: ${cell} answered ${response.status} ${answer}`);
  return worker.cpu() - before;
}

function bundleOf(build) {
  process.env.BENCH_PACKAGE = build;
  return bundled(`${from("import { createSessions, memoryStore }", ".")};
    let sessions, cookie;
    const handlers = {
      bare: () => new Response("ok"),
      read: (request, session) => new Response(session.get("user") ?? "none"),
      new: (request, session) => { session.set("user", "alice"); return new Response("ok"); },
    };
    const url = "https://example.com/";
    export default {
      async fetch(request) {
        sessions ??= createSessions({ store: memoryStore({ maxEntries: 1_000 }) });
        const cell = new URL(request.url).pathname.slice(1) || "new";
        const handler = cell === "bare" ? handlers.bare : sessions.wrap(handlers[cell]);
        if (cell === "read") {
          const first = await sessions.wrap(handlers.new)(new Request(url));
          cookie = first.headers.get("set-cookie").split(";", 1)[0];
        }
        const wanted = cell === "read" ? "alice" : "ok";
        for (let n = request.url.endsWith("/") ? 1 : ${TURN}; n > 0; n -= 1) {
          const response = await handler(new Request(url, cell === "read" ? { headers: { cookie } } : undefined));
          if (n === 1 && (await response.text()) !== wanted) return new Response("wrong", { status: 500 });
        }
        return new Response("ok");
      },
    };`);
}
