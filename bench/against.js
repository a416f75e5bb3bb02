import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { againstInWorkerd } from "./against-workerd.js";
import { allCells } from "./cells.js";
import { contestant } from "./contestants/index.js";
import { median, quantile } from "./statistics.js";
import { table } from "./table.js";
import { startWorker } from "./turns.js";

const root = fileURLToPath(new URL("..", import.meta.url));
const ours = ["sojourn", "sojourn-connect", "sojourn-sealed"];

/**
 * What a request costs now (or in the build that `package` names), as a multiple of what it cost at an older commit:
 * CPU of all threads, whole requests. Both builds have a process of their own and take short turns, so that a slow
 * minute of the machine hits both.
 */
export async function measureAgainst(
  reference,
  { runtimes, workerd, package: now = root, only = ours, onlyCells, rounds, batch, log },
) {
  const builds = [buildOf(reference, log), now];
  if (workerd) console.log(`\n${await againstInWorkerd(reference, builds, { rounds, log })}\n`);
  for (const { name, title, command } of runtimes) {
    const chosen = only.map(contestant).filter(({ on }) => on.includes(name));
    const columns = allCells.filter(({ id }) => onlyCells === undefined || onlyCells.includes(id));
    const rows = [];
    for (const each of chosen) {
      const pair = builds.map((directory) =>
        startWorker({ command }, each.id, each.kind, batch, { BENCH_PACKAGE: directory }),
      );
      const found = [];
      for (const { id } of columns) found.push(await ratioOf(pair, id, rounds));
      for (const worker of pair) worker.stop();
      rows.push([each.title, ...found]);
      log(`${title}: ${each.title}`);
    }
    console.log(`\n${table([`${title}: CPU against ${reference}`, ...columns.map((cell) => cell.title)], rows)}\n`);
  }
}

/**
 * The ratio, from the least to the greatest that parts of the turns give, and both costs. Of the turns of a part the
 * fastest fifth counts: what others do on the machine only ever adds.
 */
async function ratioOf(pair, cell, rounds) {
  for (const worker of pair) {
    const { skipped, failed } = await worker.ask({ cell });
    if (skipped || failed) return failed ?? "–";
  }
  const found = Array.from({ length: PARTS }, () => [[], []]);
  for (let round = 0; round < rounds * PARTS; round += 1) {
    for (const side of round % 2 ? [1, 0] : [0, 1])
      found[Math.floor(round / rounds)][side].push((await pair[side].ask({ cell, measure: true })).session);
  }
  const fast = found.map((sides) => sides.map((turns) => quantile(turns, 0.2)));
  const ratios = fast.map(([before, now]) => now / before);
  const [before, now] = [0, 1].map((side) => median(fast.map((sides) => sides[side])).toPrecision(3));
  const [low, ratio, high] = [0, 0.5, 1].map((share) => quantile(ratios, share).toFixed(2));
  return `${ratio} (${low}–${high}; ${before} → ${now} µs)`;
}

const PARTS = 5;

/** The package as it was at a commit, built with the tools of today. */
function buildOf(reference, log) {
  const git = (...args) => execFileSync("git", args, { cwd: root, encoding: "utf8", maxBuffer: 2 ** 30 }).trim();
  const commit = git("rev-parse", "--short", `${reference}^{commit}`);
  const directory = join(tmpdir(), `sojourn-session-${commit}`);
  if (existsSync(join(directory, "dist"))) return directory;
  log(`building ${commit}`);
  mkdirSync(directory, { recursive: true });
  execFileSync("sh", ["-c", `git -C "$0" archive ${commit} | tar -x -C "$1"`, root, directory]);
  symlinkSync(join(root, "node_modules"), join(directory, "node_modules"));
  execFileSync("npx", ["tsup", "--no-dts"], { cwd: directory, stdio: "ignore" });
  return directory;
}
