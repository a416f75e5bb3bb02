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

/** How the cost grows with the number of cookies, the bytes of data and the number of sessions; ours and the floor in turn, in one process. */
export async function measure({ runtimes, quick }) {
  const node = runtimes.find(({ name }) => name === "node");
  if (node === undefined) return { skipped: "it needs Node", curves: [] };
  const { stdout } = await run(node.command[0], [fileURLToPath(import.meta.url), "--measure", String(quick)], { maxBuffer: 1e7 });
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
  const visit = async (layer, data) =>
    cookieOf(await layer.withSession((session) => layer.assign(session, data), { writes: true })(requestWith("")));
  const readers = (layer) => layer.withSession((session) => layer.get(session, "user"), {});
  let visits = 0;
  const writers = (layer) => layer.withSession((session) => layer.assign(session, { visits: ++visits }), { writes: true });

  const cookies = [];
  for (const at of [1, 2, 4, 8, 16, 32, 64]) {
    const foreign = Array.from({ length: at - 1 }, (_, index) => `cookie_${index}=${"v".repeat(24)}; `).join("");
    cookies.push(
      await point(at, sides, milliseconds, async (layer) => [readers(layer), [foreign + (await visit(layer, { user: "alice" }))]]),
    );
  }
  const bytes = { read: [], write: [] };
  for (const at of [100, 1_000, 4_000, 16_000, 64_000]) {
    const data = { user: "alice", visits: 0, cart: cart(at) };
    bytes.read.push(await point(at, sides, milliseconds, async (layer) => [readers(layer), [await visit(layer, data)]]));
    bytes.write.push(await point(at, sides, milliseconds, async (layer) => [writers(layer), [await visit(layer, data)]]));
  }
  const sessions = [];
  const stored = { ours: [], theirs: [] };
  for (const at of quick ? [100, 1_000] : [1_000, 10_000, 100_000, 1_000_000]) {
    for (const [side, layer] of Object.entries(sides)) {
      while (stored[side].length < at) stored[side].push(await visit(layer, { user: "alice" }));
    }
    sessions.push(await point(at, sides, milliseconds, (layer) => [readers(layer), stored[layer === sides.ours ? "ours" : "theirs"]]));
  }
  return [
    { title: "a read, by cookies in the header", unit: "cookies", points: cookies },
    { title: "a read, by bytes of data", unit: "B", points: bytes.read },
    { title: "a write, by bytes of data", unit: "B", points: bytes.write },
    { title: "a read, by sessions in the store", unit: "sessions", points: sessions },
  ];
}

/** Both sides in turn, a batch of requests each, from all over their jars. */
async function point(at, sides, milliseconds, prepare) {
  const found = { ours: [], theirs: [] };
  const prepared = {};
  for (const [side, layer] of Object.entries(sides)) prepared[side] = await prepare(layer);
  const until = performance.now() + milliseconds;
  while (performance.now() < until || found.ours.length < 8) {
    for (const [side, [handler, jars]] of Object.entries(prepared)) {
      const requests = Array.from({ length: 64 }, () => requestWith(jars[Math.floor(Math.random() * jars.length)]));
      const before = process.cpuUsage();
      for (const request of requests) await handler(request);
      const { user, system } = process.cpuUsage(before);
      found[side].push((user + system) / requests.length);
    }
  }
  // The first quarter is compilation.
  const settled = (values) => median(values.slice(values.length >> 2));
  return { at, ours: settled(found.ours), theirs: settled(found.theirs) };
}

function requestWith(cookie) {
  return new Request("http://localhost/", cookie === "" ? {} : { headers: { cookie } });
}

function cookieOf(response) {
  return response.headers.getSetCookie()[0].split(";", 1)[0];
}
