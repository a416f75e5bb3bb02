import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { cpus, totalmem } from "node:os";
import { barChart, lineChart } from "./chart.js";
import { curveTable } from "./curves.js";
import { goalsTable } from "./goals.js";
import { commandTable, costTable } from "./part-engines.js";
import { ratioTable, throughputTable } from "./part-http.js";
import { absoluteTable, requestTable } from "./part-request.js";
import { sizeTable } from "./size.js";
import { startTable } from "./start.js";
import { figure } from "./table.js";

const require = createRequire(import.meta.url);
const docs = new URL("../docs/", import.meta.url);

/** Writes docs/speed.md and docs/speed/*.svg from what the parts measured last. */
export function writeReport(results) {
  const of = (part) => {
    const file = new URL(`${part}.json`, results);
    return existsSync(file) ? JSON.parse(readFileSync(file, "utf8")) : undefined;
  };
  mkdirSync(new URL("speed/", docs), { recursive: true });
  const picture = (name, chart, draw = barChart) => {
    writeFileSync(new URL(`speed/${name}.svg`, docs), draw(chart));
    return `![${chart.title}](speed/${name}.svg)`;
  };
  const measured = ["request", "http", "engines", "memory", "curves", "size", "start"].map(of);
  const [request, http, engines, memory, curves, size, start] = measured;
  const sections = [
    introduction(measured),
    section("Where it stands", notes.goals, goalsTable({ request, http, engines, memory, size, start })),
    request && requestSection(request, picture),
    http && !http.skipped && httpSection(http, picture),
    engines && enginesSection(engines),
    memory?.text && section("Memory", notes.memory, memory.text),
    curves && !curves.skipped && curvesSection(curves, picture),
    size && sizeSection(size, picture),
    start && !start.skipped && section("What a cold start costs", notes.start, startTable(start)),
    section("What limits it", notes.limits),
    request &&
      section(
        "Footnote: the same in microseconds",
        notes.absolute,
        ...request.measured.map(({ runtime, results: found }) => absoluteTable(runtime, found)),
      ),
    versions(),
  ];
  writeFileSync(new URL("speed.md", docs), `${sections.filter(Boolean).join("\n\n")}\n`);
}

/** What to know before reading a table. */
const notes = {
  request: `What the session layer adds to one request, in one process, without a network: CPU of all threads with sessions minus CPU of the bare handler, both measured back to back,
medians of many turns. Every library has a process of its own and all of them take turns, so that a slow minute of the machine hits everybody. "Floor by hand" is the cheapest correct code for the same request with nothing of ours: read the Cookie header,
one SHA-256, one Map lookup, one JSON.parse, one Response; a write adds one JSON.stringify, one Map.set and one Set-Cookie. It makes none of our promises. The second floor adds the two headers that every answer made from a session owes to caches. Each cell was
made to prove that it reads or writes before it was measured. A tilde marks a figure that varied by more than itself; "none" is a cost within the noise; "rotate" is compared with the floor's write. The visitors of a cell come again and again, as a page and what it loads do, so that Sojourn finds what it decoded for them lately; the curve by number of sessions shows visitors for whom it does not. Express, Fastify and Koa run on a simulated Node request here, so that their own dispatch is in both sides.`,
  http: `Over loopback with wrk, 32 connections, all servers at once and in turn, all paths of a server right after one another, medians of the rounds' ratios. The ratio is the server's own CPU per request without sessions over that with them: 1.00 would be free. Fetch handlers run behind the same bridge on Node (\`@hono/node-server\`), which builds a Headers object as soon as somebody asks
for the cookie; the connect middleware reads Node's own headers instead.`,
  engines:
    "Commands as the engine sees them, and what they cost the application server over the same server without sessions.",
  memory:
    "Heap after garbage collection, one 20-character value for each session, and the longest that one operation held the thread; in brackets without V8's garbage collector.",
  curves: `The cost should grow in a straight line with cookies and data, and not at all with the number of sessions. CPU of a whole request, the bare handler included; ours and the floor in one process, medians of batches in
which all points of a curve take turns, after both were compiled.`,
  size: "Minified and gzipped by esbuild with all dependencies, frameworks left out.",
  start: `What Sojourn adds to the start of a Cloudflare Worker, measured in workerd: a process starts a hundred workers with copies of the bundle and asks each of them once; from the CPU of all its threads up to the last answer that of a
hundred bare handlers is taken, and the rest divided by a hundred. Each line holds the lines above it, but for the two kinds of first visitor. Nothing is kept of what was compiled before, as it may be on Cloudflare.`,
  goals:
    "The figures that this library set itself, and what was measured; the tables below say how. Which of them are out of reach, and why, is said under [What limits it](#what-limits-it).",
  limits: `**A read.** The floor sends none of the two headers that an answer made from a session owes to caches. They are 0.3 to 0.7 µs on Node, where all the rest of the floor is 0.6 to 0.9: the same floor with them was at 1.3 to 1.8 times itself, from run to run, and little is left below 1.5.
Over that floor a read is 1.3 to 1.4 times on Node, 1.7 to 1.8 on Bun and 1.2 on Deno. By profile in a loop on Node 26, in µs: the headers 0.65, SHA-256 0.2, the cookie and the shape of its token 0.15, the memory store 0.15, three
readings of the clock 0.13, and 0.3 for what a session is: its limits, the view of it, the decision what to store. On Bun and Deno the headers are cheaper and the floor with them; what is left there is of the same size.

A read of 2 kB costs less than the floor, which parses it each time: what was decoded lately is remembered with the text it was decoded from. So the curve by bytes is flat for one session that comes again and again. Visitors for whom nothing is remembered pay 0.4 µs more for a
small session, and for a large one what JSON.parse takes.

**The peers** were 3 times slower in the run that the aim of 10 times comes from, and so was the floor: it was a busy machine. hono-sessions, the fastest of them, puts a bare UUID into the cookie, neither signed nor hashed. With a key it costs 80 to 200 times what ours does.

**Over HTTP** the bridge on Node, the floor's hash, its JSON and its headers are in the floor as well. Beside the floor with both headers ours is at or above its ratio on Node, a little below on Bun and Deno. Behind a real server all code is colder, and each step costs
two or three times what it costs in a loop.

**The connect middleware** cannot be free, and neither can the floor on Node's own request and response: the bare server of this benchmark reads no header and sets none. To parse the request's headers, hash, look up, parse JSON and set two
headers leaves the floor itself below 0.90 for a read and 0.85 for a write. What made the difference, each measured alone on Node 26, as a part of a whole request:

- the request as one object of a class instead of two object literals, one of them with a getter: 26 % of a read;
- a commit that merges into Node's headers without a Headers object, and holds nothing where the store answers at once: 5 % of a read;
- a load without a promise: 4 %.

The last two give a store that answers with promises 8 % of a read and 4 of a write.

**The origin in Go** is closer to its bare server for a read and a write, and about where we are for a new session: it keeps one live map in memory instead of text, hashes nothing, sends no header for caches, and its requests are native code.

**The longest pauses of the memory store**, while a million sessions come and while they expire, are garbage collections: what is left of an operation without them is at most one step of 4 ms in which the system counts a thread's time.
Collections take as long for arrays of the same strings alone. With \`Map\` there was another pause, of 9, 17, 37 and 79 ms at doubling numbers of keys on Node 26: V8 enters every string that is a key of a large Map into its table of internalized strings, and all of that table
moves when it grows. So the store has a hash table of its own, which grows by one bucket with each entry. One pause is left where a single subject has hundreds of thousands of sessions: they share a bucket, and dividing it took 29 ms at 350,000 and 42 at 770,000 (a Set took 13 to grow at 520,000 and 29 at a million).

**The size** is the protocol: nothing of others is left in it, and no text is in it twice. Of the 12.7 kB that it had before schemas, the check of other origins and handles (ARCHITECTURE.md says what these took) the options with their messages are 1.6, the memory store 1.4, tokens and hashes 0.5; finding, judging, committing, rotating, ending and listing sessions are the rest. Mangled names gave 0.3, shorter messages 0.1.

**A cold start** of a worker: 0.7 ms of it is V8 reading the text once, which it does for code that is never called too; 0.7 the functions that createSessions calls, compiled as they are called for the first time; 0.3 the first request. So 1 ms is what half the code would take.
Looking at \`process\` under nodejs_compat took 4 ms more, and is not done any more.

**SHA-256 in workerd** is Oslo's, in JavaScript, since the platform's own is asynchronous there: a session's handle could not be read before the commit, and every read waited for a promise. What the change brought and cost, in one run
(\`npm run bench -- --against=REF --runtimes=workerd\`; a bare handler's CPU is taken off the two requests):

| workerd 1.20260426.1 | WebCrypto | Oslo | ratio |
| --- | ---: | ---: | ---: |
| a request that reads a session, µs | 13.3 | 9.6 | 0.73 |
| a request that begins one, µs | 18.9 | 14.2 | 0.75 |
| a cold start up to a session, ms, with workerd's own part | 6.3 | 7.9 | 1.26 |
| the bundle, kB min+gzip | 13.0 | 15.9 | 1.23 |

Tried and left out:

- Reading the record's times digit by digit instead of with JSON.parse: 7 to 20 % of a read on Node, before what was decoded was remembered, for twenty lines of character codes.
- The token's shape by a loop over a table instead of a regular expression: 6 to 16 % of a read on Node, and a loss of as much on Bun.
- \`wrap\` as a chain of continuations instead of branches: as fast on Node, and 0.2 µs slower on Bun and Deno.
- For a visitor without a cookie, shortcuts past most of load and commit: nothing that could be measured over HTTP. What is left, a quarter of a microsecond, is the view of a session that the handler gets.
- The front of a record without JSON.stringify where there is nothing but times in it: 4 % of a write on Node, nothing on Bun and Deno.
- In the connect middleware, each less than could be measured: one flat object of state instead of three, plain parameters instead of rest parameters, no listener for pipes, no copy of the headers that were there before, no property \`headersSent\` on a response that is held.

The time of a read grows with the number of sessions only as the processor's caches miss, the floor's as much as ours, and as less of them is remembered.`,
  absolute: "Absolute times depend on the machine and on what else it did; compare them within one table only.",
};

const section = (title, ...body) => [`## ${title}`, ...body].join("\n\n");

function introduction(all) {
  const dates = all
    .filter(Boolean)
    .map(({ date }) => date)
    .sort();
  return `# Speed

Measured by \`npm run bench -- --write\` on ${[...new Set([dates[0], dates.at(-1)])].join(" to ")}, on ${cpus().length} cores of ${cpus()[0]?.model.trim()}, ${Math.round(totalmem() / 2 ** 30)} GB, shared with others. Everything below is generated; \`bench/\` says how. Ratios come first, since they hold on other machines too.`;
}

function requestSection({ measured }, picture) {
  const pictures = measured.flatMap(({ runtime, results }) =>
    ["read-small", "write-small"].flatMap((cell) => {
      const bars = barsOf(
        results.filter(({ store }) => store === "memory"),
        cell,
      );
      const [verb] = cell.split("-");
      const name = `${verb}-${runtime.split(" ")[0].toLowerCase()}`;
      return bars.length > 0
        ? [
            picture(name, {
              title: `A ${verb} on ${runtime}`,
              subtitle: "µs of CPU over the bare handler, 3 keys, memory store, logarithmic scale",
              bars,
              log: true,
            }),
          ]
        : [];
    }),
  );
  const sealed = measured.slice(0, 1).map(({ runtime, results }) =>
    picture("sealed", {
      title: `A read from the cookie on ${runtime}`,
      subtitle: "µs of CPU over the bare handler, 3 keys in the cookie, logarithmic scale",
      bars: barsOf(
        results.filter(({ store }) => store === "cookie"),
        "read-small",
      ),
      log: true,
    }),
  );
  const tables = measured.flatMap(({ runtime, results }) => [
    requestTable(runtime, results, "memory"),
    requestTable(runtime, results, "cookie"),
  ]);
  return section("One request", notes.request, ...pictures, ...sealed, ...tables);
}

function barsOf(results, cell) {
  return results
    .filter(({ cells }) => cells[cell]?.median > 0)
    .sort((a, b) => a.cells[cell].median - b.cells[cell].median)
    .map(({ id, title, cells }) => ({
      label: title,
      value: cells[cell].median,
      text: figure(cells[cell].median),
      ours: id.startsWith("sojourn"),
      floor: id.startsWith("floor"),
    }));
}

function httpSection({ measured, origin }, picture) {
  const pictures = measured.flatMap(({ runtime, results }) => {
    const bars = results
      .map(({ id, title, paths }) => ({
        label: title,
        value: paths.read.ratio,
        ours: id.startsWith("sojourn"),
        floor: id.startsWith("floor"),
      }))
      .sort((a, b) => b.value - a.value)
      .map((bar) => ({ ...bar, text: bar.value.toFixed(2) }));
    return [
      picture(`http-${runtime.split(" ")[0].toLowerCase()}`, {
        title: `A read over HTTP on ${runtime}`,
        subtitle: "CPU of the bare server over CPU with sessions; 1.00 is free",
        bars,
      }),
    ];
  });
  const tables = measured.flatMap(({ runtime, results }) => [
    ratioTable(runtime, results),
    throughputTable(runtime, results),
  ]);
  return section("Over HTTP", notes.http, ...pictures, ...tables, `The origin's Go server: ${origin}.`);
}

function enginesSection({ measured }) {
  const tables = measured.flatMap(({ engine, skipped, counted, results, runtime }) =>
    skipped
      ? [`${engine}: skipped, ${skipped}.`]
      : [commandTable(engine, counted), costTable(engine, runtime, results)],
  );
  return section("Redis and PostgreSQL", notes.engines, ...tables);
}

function curvesSection({ runtime, curves }, picture) {
  const shown = curves.flatMap((curve) => {
    const title = `${curve.title[0].toUpperCase()}${curve.title.slice(1)}, on ${runtime}`;
    return [
      picture(`grows-${curve.id}`, { ...curve, title, subtitle: "µs of CPU" }, lineChart),
      curveTable(runtime, curve),
    ];
  });
  return section("How the cost grows", notes.curves, ...shown);
}

function sizeSection({ sizes }, picture) {
  const bars = sizes
    .filter(({ title }) => !title.startsWith("*"))
    .sort((a, b) => a.gzip - b.gzip)
    .map(({ title, gzip, ours }) => ({ label: title, value: gzip, text: `${(gzip / 1000).toFixed(1)} kB`, ours }));
  return section(
    "What an import weighs",
    notes.size,
    picture("size", { title: "Import size", subtitle: "min+gzip, dependencies included", bars }),
    sizeTable(sizes),
  );
}

function versions() {
  const { dependencies } = require("./package.json");
  const { version } = require("../package.json");
  return section(
    "Versions",
    `@sojourn/session ${version}; ${Object.entries(dependencies)
      .map(([name, of]) => `${name} ${of}`)
      .join(", ")}.`,
  );
}
