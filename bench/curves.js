import { execFile } from "node:child_process";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { cart } from "./contestants/data.js";
import { floor } from "./contestants/floor.js";
import { sojourn } from "./contestants/sojourn.js";
import { median } from "./statistics.js";
import { figure, table } from "./table.js";

const run = promisify(execFile);

/**
 * How the cost grows with the number of cookies, the bytes of data and the number of sessions; ours and the floor in
 * turn, in one process.
 */
export async function measure({ runtimes, quick }) {
  const node = runtimes.find(({ name }) => name === "node");
  if (node === undefined) return { skipped: "it needs Node", curves: [] };
  const { stdout } = await run(node.command[0], [fileURLToPath(import.meta.url), "--measure", String(quick)], {
    maxBuffer: 1e7,
  });
  return { runtime: node.title, ...JSON.parse(stdout) };
}

export function print({ skipped, curves, runtime }) {
  if (skipped) return `Curves: skipped, ${skipped}`;
  return curves.map((curve) => curveTable(runtime, curve)).join("\n\n");
}

export function curveTable(runtime, { title, unit, points }) {
  const head = [`${runtime}: ${title}, µs`, ...points.map(({ at }) => `${at.toLocaleString("en")} ${unit}`)];
  return table(head, [
    ["Sojourn", ...points.map(({ ours }) => figure(ours))],
    ["floor by hand", ...points.map(({ theirs }) => figure(theirs))],
  ]);
}

if (process.argv[2] === "--measure") console.log(JSON.stringify({ curves: await curves(process.argv[3] === "true") }));

async function curves(quick) {
  const milliseconds = quick ? 30 : 1_000;
  const sides = { ours: await sojourn(), theirs: floor() };
  const everywhere = (prepare) =>
    Object.fromEntries(Object.entries(sides).map(([side, layer]) => [side, prepare(layer)]));
  const readers = everywhere(reader);
  const writers = everywhere(writer);
  /** One visitor on each side. */
  const visitors = async (data, foreign = "") => {
    const jars = {};
    for (const [side, layer] of Object.entries(sides)) jars[side] = [foreign + (await visit(layer, data))];
    return jars;
  };

  const cookies = [];
  for (const at of [1, 2, 4, 8, 16, 32, 64]) {
    const foreign = Array.from({ length: at - 1 }, (_, index) => `cookie_${index}=${"v".repeat(24)}; `).join("");
    cookies.push({ at, handlers: readers, jars: await visitors({ user: "alice" }, foreign) });
  }
  const bytes = { read: [], write: [] };
  for (const at of [100, 1_000, 4_000, 16_000, 64_000]) {
    const data = { user: "alice", visits: 0, cart: cart(at) };
    bytes.read.push({ at, handlers: readers, jars: await visitors(data) });
    bytes.write.push({ at, handlers: writers, jars: await visitors(data) });
  }
  const measured = [
    {
      id: "cookies",
      title: "a read, by cookies in the header",
      unit: "cookies",
      points: await curve(cookies, milliseconds),
    },
    { id: "read-bytes", title: "a read, by bytes of data", unit: "B", points: await curve(bytes.read, milliseconds) },
    {
      id: "write-bytes",
      title: "a write, by bytes of data",
      unit: "B",
      points: await curve(bytes.write, milliseconds),
    },
  ];
  // Last, since a heap of millions of strings is slower to collect for everybody
  const sessions = [];
  for (const at of quick ? [100, 1_000] : [1_000, 10_000, 100_000, 1_000_000]) sessions.push(await crowd(at));
  const bySessions = { id: "sessions", title: "a read, by sessions in the store", unit: "sessions", log: true };
  return [...measured, { ...bySessions, points: await curve(sessions, milliseconds) }];
}

/** Both sides with a store of their own that holds so many sessions, and read from all over it. */
async function crowd(at) {
  const handlers = {};
  const jars = {};
  for (const [side, layer] of Object.entries({ ours: await sojourn(), theirs: floor() })) {
    handlers[side] = reader(layer);
    jars[side] = [];
    while (jars[side].length < at) jars[side].push(await visit(layer, { user: "alice" }));
  }
  return { at, handlers, jars };
}

function reader(layer) {
  return layer.withSession((session) => layer.get(session, "user"), {});
}

function writer(layer) {
  let visits = 0;
  return layer.withSession((session) => layer.assign(session, { visits: ++visits }), { writes: true });
}

/** The cookie of a new session. */
async function visit(layer, data) {
  const response = await layer.withSession((session) => layer.assign(session, data), { writes: true })(requestWith(""));
  return response.headers.getSetCookie()[0].split(";", 1)[0];
}

/**
 * Medians of batches. Every round has one of each point and side, so that a slow moment of the machine, the compiler or
 * the garbage collector hits all of them; the rounds before all is compiled do not count.
 */
async function curve(points, milliseconds) {
  const found = points.map(() => ({ ours: [], theirs: [] }));
  const warm = performance.now() + (points.length * milliseconds) / 2;
  const until = warm + points.length * milliseconds;
  for (let round = 0; performance.now() < until || round < 8; round += 1) {
    const counts = performance.now() >= warm;
    for (const [index, { handlers, jars }] of points.entries()) {
      for (const side of round % 2 ? ["ours", "theirs"] : ["theirs", "ours"]) {
        const microseconds = await batch(handlers[side], jars[side]);
        if (counts) found[index][side].push(microseconds);
      }
    }
  }
  return points.map(({ at }, index) => ({ at, ours: median(found[index].ours), theirs: median(found[index].theirs) }));
}

/** CPU of one request out of 64, in microseconds. */
async function batch(handler, jars) {
  const requests = Array.from({ length: 64 }, () => requestWith(jars[Math.floor(Math.random() * jars.length)]));
  const before = process.cpuUsage();
  for (const request of requests) await handler(request);
  const { user, system } = process.cpuUsage(before);
  return (user + system) / requests.length;
}

function requestWith(cookie) {
  return new Request("http://localhost/", cookie === "" ? {} : { headers: { cookie } });
}
