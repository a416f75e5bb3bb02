/**
 * cspell:ignore Kwynto
 *
 * Measures Sojourn and its peers side by side and prints tables; with `--write` it renews docs/speed.md and its pictures.
 *
 *     npm run bench -- [--quick] [--write] [--parts=request,http,...] [--runtimes=node,bun,deno] [--node=PATH ...] [--only=ID,...]
 *
 * `--against=REF` compares this library with itself at an older commit, which is built in the system's temporary
 * directory: `npm run bench -- --against=v0.1.0 --runtimes=node [--only=sojourn] [--cells=read-small,...]`. Build first. The
 * runtime `workerd` is for this comparison only.
 *
 * `--quick` takes under two minutes and proves only that everything runs. `--package=DIR` measures another build of the package, and
 * `--gosession=DIR` is a checkout of github.com/Kwynto/gosession, where Go cannot fetch it.
 */
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { measureAgainst } from "./against.js";
import { parts } from "./parts.js";
import { writeReport } from "./report.js";
import { findRuntimes } from "./runtimes.js";

const list = (text) => text?.split(",");
const { values } = parseArgs({
  options: {
    quick: { type: "boolean", default: false },
    write: { type: "boolean", default: false },
    parts: { type: "string" },
    runtimes: { type: "string", default: "node,bun,deno" },
    node: { type: "string", multiple: true, default: [process.execPath] },
    only: { type: "string" },
    package: { type: "string" },
    gosession: { type: "string" },
    against: { type: "string" },
    cells: { type: "string" },
  },
});

if (values.package) process.env.BENCH_PACKAGE = values.package;
if (!existsSync(fileURLToPath(new URL("node_modules", import.meta.url)))) {
  console.error("The peers are not installed: run npm ci in bench/ first");
  process.exit(1);
}

const runtimes = findRuntimes(
  list(values.runtimes).filter((name) => name !== "workerd"),
  values.node,
);
for (const { title, missing } of runtimes) if (missing) console.log(`skipped: ${title}, ${missing}`);
const options = {
  ...values,
  only: list(values.only),
  runtimes: runtimes.filter(({ missing }) => !missing),
  log: (text) => console.error(`  ${text}`),
};

if (values.against) {
  const size = values.quick ? { rounds: 3, batch: 2 } : { rounds: 40, batch: 5 };
  const workerd = list(values.runtimes).includes("workerd");
  await measureAgainst(values.against, { ...options, ...size, workerd, onlyCells: list(values.cells) });
  process.exit();
}

const results = new URL("results/", import.meta.url);
if (!values.quick) mkdirSync(results, { recursive: true });
const failures = [];
for (const name of list(values.parts) ?? Object.keys(parts)) {
  console.error(`${name}:`);
  try {
    const measured = { date: new Date().toISOString().slice(0, 10), ...(await parts[name].measure(options)) };
    if (!values.quick) writeFileSync(new URL(`${name}.json`, results), JSON.stringify(measured, undefined, 1));
    console.log(`\n${parts[name].print(measured)}\n`);
    failures.push(...(measured.failures ?? []));
  } catch (error) {
    failures.push(`${name}: ${error.stack}`);
  }
}
if (values.write) writeReport(results);

for (const failure of failures) console.error(`FAILED ${failure}`);
process.exit(failures.length > 0 ? 1 : 0);
