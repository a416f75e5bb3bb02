/**
 * One contestant in one process of one runtime. Takes commands as JSON lines on stdin and answers on stdout, so that
 * run.js can let all contestants take turns: `{cell}` prepares, checks and warms up; `{cell, passes}` measures the bare
 * handler and the one with sessions.
 */
import process from "node:process";
import { createInterface } from "node:readline";
import { allCells, handlersOf } from "./cells.js";
import { client } from "./client.js";
import { contestant } from "./contestants/index.js";

const { kind, load } = contestant(process.argv[2]);
const { call, request, cookiesOf, bodyOf } = await client(kind);
const handlers = await handlersOf(await load());

const batchMilliseconds = Number(process.env.BENCH_BATCH ?? 25);
const warmUpMilliseconds = 16 * batchMilliseconds;
const prepared = new Map();
/** So many sessions take turns; fewer where one request takes milliseconds. */
const visitors = (await isSlow()) ? 4 : 64;

for await (const line of createInterface({ input: process.stdin })) {
  const { cell, measure } = JSON.parse(line);
  let answer;
  try {
    answer = measure ? await measured(prepared.get(cell)) : await prepare(allCells.find(({ id }) => id === cell));
  } catch (error) {
    answer = { failed: String(error.stack ?? error).slice(0, 600) };
  }
  process.stdout.write(`${JSON.stringify(answer)}\n`);
}

async function isSlow() {
  await call(handlers["new-small"], request(""));
  const before = performance.now();
  await call(handlers["new-small"], request(""));
  return performance.now() - before > 4;
}

/** Gives every visitor a session, checks that the cell does what its name says, and runs it until it is compiled. */
async function prepare({ id, seed }) {
  const [action] = id.split("-");
  const handler = handlers[id] ?? handlers[action];
  if (handler === undefined) return { skipped: "cannot do this" };
  const jars = await Promise.all(
    Array.from({ length: visitors }, async () => (seed ? take(await call(handlers[`new-${seed}`], request(""))) : "")),
  );
  const state = { handler, jars, rotates: action === "rotate" || action === "signin" };
  await check(action, state);
  // Until both are compiled; what the last passes took sets how many make a batch.
  let milliseconds = 0;
  for (let pass = 1; milliseconds < warmUpMilliseconds; pass += 1) {
    const took = (await onePass(handlers.plain, state, false)) + (await onePass(handler, state, state.rotates));
    milliseconds += took;
    state.passes = Math.max(1, Math.round((2 * batchMilliseconds * pass) / milliseconds));
  }
  prepared.set(id, state);
  return { cookie: await cookieForEverybody() };
}

/** Whether a visitor gets a cookie, although nothing touched his session. */
async function cookieForEverybody() {
  return cookiesOf(await call(handlers.untouched, request(""))).length > 0;
}

async function measured(state) {
  state.plainFirst = !state.plainFirst;
  const result = {};
  for (const side of state.plainFirst ? ["plain", "session"] : ["session", "plain"]) {
    const handler = side === "plain" ? handlers.plain : state.handler;
    // A simulated Node request leaves so much behind that a full collection fell on either side by chance, 20 µs for
    // each request of it
    globalThis.gc?.();
    let milliseconds = 0;
    for (let pass = 0; pass < state.passes; pass += 1)
      milliseconds += await onePass(handler, state, side === "session" && state.rotates);
    result[side] = (1_000 * milliseconds) / (state.passes * visitors);
  }
  return result;
}

/**
 * One request of every visitor; milliseconds of CPU of all threads. The requests are made before the clock starts (new
 * ones in each pass, since some libraries remember a session per Request), and a rotation's new cookies are taken over
 * after it stopped.
 */
async function onePass(handler, { jars }, rotates) {
  const requests = jars.map(request);
  const responses = new Array(visitors);
  const before = process.cpuUsage();
  for (let visitor = 0; visitor < visitors; visitor += 1) responses[visitor] = await call(handler, requests[visitor]);
  const { user, system } = process.cpuUsage(before);
  if (rotates) {
    for (let visitor = 0; visitor < visitors; visitor += 1) jars[visitor] = take(responses[visitor], jars[visitor]);
  }
  return (user + system) / 1_000;
}

/** Every cell is made to prove that it reads or writes a session before it is measured. */
async function check(action, { handler, jars }) {
  const visit = async (cookie = jars[0]) => {
    const response = await call(handler, request(cookie));
    return { body: await bodyOf(response), cookie: take(response, cookie), sent: cookiesOf(response) };
  };
  const read = async (cookie) => bodyOf(await call(handlers.read, request(cookie)));
  const first = await visit();
  if (action === "untouched" || action === "ignored") return expect(first.body, "ok");
  if (action === "read") return expect(first.body, "alice-0001");
  expect(await read(first.cookie), "alice-0001");
  if (action === "new") return expect(first.cookie !== "", true);
  if (action === "write") {
    const written = handlers.written();
    return expect(await bodyOf(await call(handlers.visits, request(first.cookie))), String(written));
  }
  expect(first.body, action === "rotate" ? "alice-0001" : "ok");
  expect(first.cookie !== jars[0], true);
  jars[0] = first.cookie;
}

function expect(found, wanted) {
  if (found !== wanted) throw new Error(`expected ${wanted}, found ${found}`);
}

/** The Cookie header a browser would send after this response. */
function take(response, cookie = "") {
  const jar = new Map(cookie.split("; ").filter(Boolean).map(split));
  for (const line of cookiesOf(response)) {
    const [name, value] = split(line.split(";", 1)[0]);
    jar.set(name, value);
  }
  return [...jar].map(([name, value]) => `${name}=${value}`).join("; ");
}

function split(pair) {
  const at = pair.indexOf("=");
  return [pair.slice(0, at), pair.slice(at + 1)];
}
