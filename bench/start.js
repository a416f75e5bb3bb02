import { bundled, from } from "./bundle.js";
import { median } from "./statistics.js";
import { figure, table } from "./table.js";
import { findWorkerd, startWorkers } from "./workerd.js";

const flagSets = [[], ["nodejs_compat"]];

/** What a worker may have done when it has answered once; each but the last with all that is above it. */
const stages = [
  { title: "the code, compiled and run", code: () => bare("globalThis.kept = createSessions;") },
  { title: "createSessions()", code: () => bare("globalThis.kept = createSessions();") },
  {
    title: "a first visitor without a cookie",
    code: () => sessions('return new Response(session.get("user") ?? "ok");'),
  },
  {
    title: "instead, a first visitor who gets a session",
    code: () => sessions('session.set("user", "alice"); return new Response("ok");'),
    cookie: true,
  },
];

/**
 * What Sojourn adds to the cold start of a worker, in workerd itself: the CPU of a process with many workers that are
 * each asked once, less that of a process with as many bare handlers, divided by their number. With one worker it would
 * be lost in the start of the process.
 */
export async function measure({ quick, log }) {
  const { command, version, missing } = findWorkerd();
  if (missing) return { skipped: missing };
  const { rounds, count } = quick ? { rounds: 1, count: 10 } : { rounds: 5, count: 100 };
  const variants = [];
  for (const { title, code, cookie } of [{ title: "a bare handler", code: () => bare("") }, ...stages]) {
    variants.push({ title, code: await bundled(code()), cookie, found: flagSets.map(() => []) });
  }
  for (let round = 0; round < rounds; round += 1) {
    for (const [index, flags] of flagSets.entries()) {
      for (const { title, code, cookie = false, found } of variants) {
        const { milliseconds, answers } = await startWorkers(command, { code, count, flags });
        const right = answers.filter((answer) => answer.text === "ok" && answer.cookie === cookie).length;
        if (right !== count) throw new Error(`${title}: ${right} of ${count} workers answered as they should`);
        found[index].push(milliseconds / count);
      }
    }
    log(`cold start: round ${round + 1} of ${rounds}`);
  }
  const [{ found: plain }, ...layers] = variants;
  return {
    runtime: `workerd ${version}`,
    plain: plain.map(median),
    rows: layers.map(({ title, found }) => ({
      title,
      added: found.map((values, index) => median(values.map((value, round) => value - plain[index][round]))),
    })),
  };
}

export function print(measured) {
  return measured.skipped ? `Cold start: skipped, ${measured.skipped}` : startTable(measured);
}

/** A bare handler in milliseconds, and what each stage adds to it. */
export function startTable({ runtime, plain, rows }) {
  return table(
    [`${runtime}: CPU of a cold start, ms`, ...flagSets.map(([flag]) => flag ?? "no flags")],
    [
      ["a bare handler", ...plain.map(figure)],
      ...rows.map(({ title, added }) => [
        title,
        ...added.map((value) => `${value < 0 ? "−" : "+"} ${Math.abs(value).toFixed(2)}`),
      ]),
    ],
  );
}

const imported = () => from("import { createSessions }", ".");
const bare = (before) => `${before && `${imported()}; ${before}`} export default { fetch: () => new Response("ok") };`;
const sessions = (body) =>
  `${imported()}; export default { fetch: createSessions().wrap((request, session) => { ${body} }) };`;
