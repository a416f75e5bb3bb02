import { table } from "./table.js";

/** The figures that Sojourn set itself, beside what the parts measured: each line is made of the tables below it. */
export function goalsTable(measured) {
  const lines = [...request(measured), ...http(measured), ...redis(measured), ...memory(measured), ...weight(measured)];
  return table(["figure", "aim", "measured"], lines);
}

const times = (ratio) => `${ratio.toFixed(1)}×`;
const short = (runtime) => runtime.split(".")[0];
const each = (measured, figure) =>
  measured.map(({ runtime, results }) => `${short(runtime)} ${figure(byId(results))}`).join(", ");
const byId = (results) => (id) => results.find((result) => result.id === id);

/** The cheapest of the others that keep the session in a store of their own and serve fetch handlers. */
function peer(of, cell) {
  const peers = ["hono-sessions", "react-router", "remix"].map((id) => of(id)?.cells[cell]?.median);
  return Math.min(...peers.filter((median) => median > 0));
}

function request({ request: part }) {
  if (!part) return [];
  const cost = (of, id, cell) => of(id).cells[cell].median;
  const over = (cell) => (of) => {
    const [ours, floor, both] = ["sojourn", "floor", "floor-headers"].map((id) => cost(of, id, cell));
    return `${times(ours / floor)} (${times(ours / both)})`;
  };
  return [
    ["a read, over the floor (over the floor with both headers)", "1.5×", each(part.measured, over("read-small"))],
    ["a read of 2 kB", "1.5×", each(part.measured, over("read-medium"))],
    ["a write", "2×", each(part.measured, over("write-small"))],
    ["a write of 2 kB", "2×", each(part.measured, over("write-medium"))],
    ...["read-small", "read-medium", "write-small"].map((cell) => [
      `${cell.replace("-small", "").replace("-medium", " of 2 kB")}: the fastest peer's cost over ours`,
      "10×",
      each(part.measured, (of) => times(peer(of, cell) / cost(of, "sojourn", cell))),
    ]),
    [
      "nothing touched, no cookie, over the bare handler in process",
      "3 %",
      each(part.measured, (of) => `${Math.max(0, cost(of, "sojourn", "untouched")).toFixed(2)} µs`),
    ],
  ];
}

function http({ http: part }) {
  if (!part || part.skipped) return [];
  const ratio = (path, ...ids) =>
    each(part.measured, (of) => ids.map((id) => of(id)?.paths[path].ratio.toFixed(2)).join(" of "));
  const [node] = part.measured.filter(({ runtime }) => runtime.startsWith("Node"));
  const onNode = (path) =>
    node ? ["sojourn-connect", "floor-connect"].map((id) => byId(node.results)(id)?.paths[path].ratio.toFixed(2)) : [];
  return [
    [
      "a read over HTTP: our ratio, of the floor's, of the floor's with both headers",
      "the floor's",
      ratio("read", "sojourn", "floor", "floor-headers"),
    ],
    ["a write over HTTP", "the floor's", ratio("write", "sojourn", "floor", "floor-headers")],
    ["nothing touched over HTTP", "0.97", ratio("untouched", "sojourn")],
    ["connect middleware, read: our ratio, of the floor's on Node's objects", "0.90", onNode("read").join(" of ")],
    ["connect middleware, write", "0.85", onNode("write").join(" of ")],
  ];
}

function redis({ engines: part }) {
  const found = part?.measured.find(({ engine, skipped }) => engine === "redis" && !skipped);
  if (!found?.results.length) return [];
  const added = (id) => byId(found.results)(id).paths.read.added;
  return [
    [
      "a read from Redis: CPU over that of a bare GET by the same client",
      "2×",
      times(added("sojourn-redis") / added("floor-redis")),
    ],
  ];
}

function memory({ memory: part }) {
  const row = part?.text
    ?.match(/^\| memoryStore\(\) \| 1000000 \|.*$/m)?.[0]
    .split("|")
    .map((cell) => cell.trim());
  if (!row) return [];
  return [
    ["a million sessions: heap for each", "300 B", `${row[3]} B`],
    ["the longest operation while all of them expire (without garbage collection)", "10 ms", row[5]],
  ];
}

function weight({ size, start }) {
  const lines = [];
  if (size)
    lines.push(["createSessions with its store, min+gzip", "8 kB", `${(size.sizes[0].gzip / 1000).toFixed(1)} kB`]);
  const visitor = start?.rows?.find(({ title }) => title.startsWith("a first visitor"));
  if (visitor)
    lines.push(["a cold start in workerd up to the first answer", "1 ms", `${visitor.added[0].toFixed(1)} ms`]);
  return lines;
}
