// Mutation testing: does a test notice when a line of the code is changed? `npm run mutate` for all files in scope,
// `npm run mutate -- --since REF` for the lines that changed since a commit, `npm run mutate -- FILE…` for some files.
import { execFileSync, spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

/** What decides who is signed in, and what is sent. */
const SCOPE = [
  "src/stored",
  "src/sealed",
  "src/rules",
  "src/session",
  "src/request",
  "src/http",
  "src/sessions.ts",
  "src/stores/memory.ts",
  "src/stores/memory",
  "adapters/node",
  "adapters/node.ts",
];
/** Of 100 mutants of a file, how many a test must notice or the file of explanations must explain. */
const AT_LEAST = 90;

const root = fileURLToPath(new URL("../..", import.meta.url));
const stryker = join(root, "test/mutation/node_modules/@stryker-mutator");
const explained = JSON.parse(readFileSync(join(root, "test/mutation/explained.json"), "utf8"));

const [first, ref] = process.argv.slice(2);
const files = first === "--since" ? changedLines(ref) : process.argv.length > 2 ? process.argv.slice(2) : everything();
if (!existsSync(stryker)) fail("Install it first: npm ci --prefix test/mutation");
if (files.length === 0) {
  console.info("Nothing in scope has changed.");
  process.exit();
}

const folder = mkdtempSync(join(tmpdir(), "mutation-"));
const report = join(folder, "mutation.json");
writeFileSync(join(folder, "stryker.json"), JSON.stringify(configOf(files)));
const { status } = spawnSync("node", [join(stryker, "core/bin/stryker.js"), "run", join(folder, "stryker.json")], {
  cwd: root,
  stdio: "inherit",
});
if (!existsSync(report)) fail(`Stryker ended with ${status} and without a report`);
judge(JSON.parse(readFileSync(report, "utf8")).files);

function configOf(mutate) {
  return {
    mutate,
    testRunner: "vitest",
    plugins: [join(stryker, "vitest-runner/dist/src/index.js")],
    vitest: { configFile: "test/mutation/vitest.config.ts", related: false },
    coverageAnalysis: "perTest",
    // Constants of a module are evaluated once: each of their mutants needs all tests
    ignoreStatic: true,
    concurrency: Number(process.env.MUTATION_CONCURRENCY ?? availableParallelism()),
    reporters: ["progress-append-only", "json"],
    jsonReporter: { fileName: report },
    tempDirName: join(folder, "sandbox"),
    ignorePatterns: ["/docs", "/bench", "/dist", "/examples", "/.github", "/test/*/node_modules"],
  };
}

/** The score of each file, and what survived without an explanation. Ends with an error where that is too much. */
function judge(reported) {
  const rows = [];
  const used = new Set();
  const unexplained = [];
  for (const [file, { mutants, source }] of Object.entries(reported)) {
    const valid = mutants.filter((mutant) => ["Killed", "Timeout", "Survived", "NoCoverage"].includes(mutant.status));
    const survivors = valid.filter(({ status }) => status === "Survived" || status === "NoCoverage");
    const without = survivors.filter((mutant) => {
      const line = source.split("\n")[mutant.location.start.line - 1].trim();
      const why = explained.find(
        (entry) => entry.file === file && entry.line === line && entry.replacement === mutant.replacement,
      );
      used.add(why);
      if (!why) unexplained.push(`${file}:${mutant.location.start.line}  ${line}  ->  ${mutant.replacement}`);
      return !why;
    });
    rows.push({
      file,
      mutants: valid.length,
      killed: valid.length - survivors.length,
      explained: survivors.length - without.length,
      score: percent(valid.length - survivors.length, valid.length),
      enough: percent(valid.length - without.length, valid.length) >= AT_LEAST,
    });
  }
  console.info(unexplained.join("\n"));
  console.table(rows);
  const stale = first === "--since" ? [] : explained.filter((entry) => entry.file in reported && !used.has(entry));
  for (const entry of stale)
    console.error(`No mutant survives at "${entry.line}" of ${entry.file}: drop the explanation`);
  const poor = rows.filter(({ enough }) => !enough).map(({ file }) => file);
  if (poor.length > 0) console.error(`Under ${AT_LEAST} %: ${poor.join(", ")}`);
  process.exitCode = poor.length + stale.length > 0 ? 1 : 0;
}

function percent(part, whole) {
  return whole === 0 ? 100 : Math.round((1000 * part) / whole) / 10;
}

function everything() {
  return git("ls-files", ...SCOPE).filter(isCode);
}

/** `file:from-to` for each stretch of lines that is new or changed since a commit. */
function changedLines(ref) {
  if (!ref) fail("--since needs a commit, such as origin/main");
  let file = "";
  return git("diff", "-U0", "--diff-filter=d", ref, "--", ...SCOPE).flatMap((line) => {
    if (line.startsWith("+++ ")) file = line.slice("+++ b/".length);
    const [, from, count = "1"] = /^@@ .* \+(\d+)(?:,(\d+))? @@/.exec(line) ?? [];
    if (from === undefined || count === "0" || !isCode(file)) return [];
    return [`${file}:${from}-${Number(from) + Number(count) - 1}`];
  });
}

function isCode(file) {
  return file.endsWith(".ts") && !file.endsWith(".d.ts");
}

function git(...args) {
  return execFileSync("git", args, { cwd: root, encoding: "utf8", maxBuffer: 64e6 }).split("\n").filter(Boolean);
}

function fail(message) {
  console.error(message);
  process.exit(1);
}
