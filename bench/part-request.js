import { cells } from "./cells.js";
import { figure, table } from "./table.js";
import { measureRequests } from "./turns.js";

/** What the session layer adds to one request, in process. */
export async function measure({ runtimes, only, quick, log }) {
  const failures = [];
  const measured = [];
  for (const runtime of runtimes) {
    const how = quick
      ? { rounds: 1, batch: 2, onlyCells: ["untouched", "read-small", "write-small"] }
      : { rounds: 9, batch: 20 };
    const results = await measureRequests(runtime, { ...how, only, log });
    for (const { title, cells: found } of results) {
      for (const [cell, { failed }] of Object.entries(found))
        if (failed) failures.push(`${runtime.title}, ${title}, ${cell}: ${failed}`);
    }
    measured.push({ runtime: runtime.title, results });
  }
  return { measured, failures };
}

export function print({ measured }) {
  return measured
    .flatMap(({ runtime, results }) => [
      requestTable(runtime, results, "memory"),
      requestTable(runtime, results, "cookie"),
    ])
    .join("\n\n");
}

/** Ratios to the floor of the same store; the floor itself in microseconds. */
export function requestTable(runtime, results, store) {
  const rows = results.filter((result) => result.store === store);
  const floor = rows.find(({ id }) => id === (store === "memory" ? "floor" : "floor-sealed"));
  const head = [
    `${runtime}, ${store === "memory" ? "data in memory" : "data in the cookie"}: times the floor`,
    ...cells.map(({ title }) => title),
  ];
  const ratios = rows.map((result) => [result.title, ...cells.map(({ id }) => ratio(result, floor, id))]);
  return table(head, ratios);
}

function ratio(result, floor, id) {
  const own = result.cells[id];
  const reference = floor?.cells[id.replace("rotate", "write")];
  if (own?.median === undefined) return own?.failed ? "failed" : "–";
  if (id === "untouched") return own.median < own.plain * 0.03 || own.low < 0 ? "none" : `${figure(own.median)} µs`;
  if (reference?.median === undefined) return `${figure(own.median)} µs`;
  const times = result === floor ? `${figure(own.median)} µs` : `${figure(own.median / reference.median)}×`;
  return own.high - own.low > own.median ? `~${times}` : times;
}

/** The same in microseconds, for the footnote. */
export function absoluteTable(runtime, results) {
  const head = [`${runtime}: µs of CPU`, "bare handler", ...cells.map(({ title }) => title)];
  return table(
    head,
    results.map(({ title, cells: found }) => [
      title,
      figure(found["read-small"]?.plain),
      ...cells.map(({ id }) => figure(found[id]?.median)),
    ]),
  );
}
