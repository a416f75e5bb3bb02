import { countCommands, countStatements, startPostgres, startRedis } from "./engines.js";
import { contestantServers, hasLoadGenerator, measureHttp } from "./http.js";
import { figure, table } from "./table.js";

/** Redis and PostgreSQL: what one request sends to them, and what the server's own CPU pays for it. */
export async function measure({ runtimes, quick, log }) {
  const node = runtimes.find(({ name }) => name === "node");
  const measured = [];
  const failures = [];
  for (const [engine, start] of Object.entries({ redis: startRedis, postgres: startPostgres })) {
    let running;
    try {
      running = await start();
    } catch (error) {
      measured.push({ engine, skipped: error.message });
      continue;
    }
    process.env[engine === "redis" ? "BENCH_REDIS" : "BENCH_POSTGRES"] = running.url;
    const counted = await countCommands(engine, engine === "redis" ? await running.countCommands() : countStatements());
    const servers = node && (await hasLoadGenerator()) ? contestantServers(node, { engine }) : [];
    const results = await measureHttp(servers, {
      rounds: quick ? 1 : 3,
      seconds: 1,
      quick,
      log: (text) => (text.startsWith("HTTP:") ? log(`${engine}, ${text}`) : failures.push(text)),
    });
    measured.push({ engine, runtime: node?.title, counted, results });
    await running.stop();
  }
  return { measured, failures };
}

export function print({ measured }) {
  return measured
    .map(({ engine, skipped, counted, results, runtime }) =>
      skipped
        ? `${engine}: skipped, ${skipped}`
        : `${commandTable(engine, counted)}\n\n${costTable(engine, runtime, results)}`,
    )
    .join("\n\n");
}

export function commandTable(engine, counted) {
  const kinds = Object.keys(counted[0].sent);
  return table(
    [`${engine}: commands for one request`, ...kinds],
    counted.map(({ title, sent }) => [title, ...kinds.map((kind) => sent[kind].join(" + ") || "none")]),
  );
}

export function costTable(engine, runtime, results) {
  return table(
    [
      `${engine}, ${runtime}`,
      "read, requests a second",
      "write, requests a second",
      "CPU ratio read",
      "CPU ratio write",
      "read adds µs",
      "write adds µs",
    ],
    results.map(({ title, paths: { read, write } }) => [
      title,
      figure(read.requests),
      figure(write.requests),
      read.ratio.toFixed(2),
      write.ratio.toFixed(2),
      figure(read.added),
      figure(write.added),
    ]),
  );
}
