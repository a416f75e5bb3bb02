/**
 * What sessions in memory cost: bytes of heap for each, the longest that one operation held the thread while they were
 * created and while all of them expired, and what a read and a write take. Beside the memory stores of express-session
 * and memorystore. In brackets the longest without what V8's garbage collector took of each operation.
 *
 *     node bench/memory.js [how many sessions ...]        default: 200000 1000000
 *
 * Times are the processor's, not the clock's, so that other programs on the machine do not count. Where Node cannot
 * tell the time of one thread (before 22.19), that of the garbage collector's helpers is in them, and the longest
 * operations look longer than they are. The system counts a thread's time in steps of up to 4 ms, so that no operation
 * is said to take longer than the clock says either. The longest operations are those that the collector interrupts;
 * the row of keys and values alone shows its part.
 */
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { createRequire } from "node:module";
import { PerformanceObserver } from "node:perf_hooks";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const require = createRequire(import.meta.url);
const twelveHours = 43_200_000;
let now = Date.now();

/**
 * Each gives create, read and write for session i, and, where expired sessions are dropped by a call of its own, that
 * call.
 */
const contestants = {
  "memoryStore()": (count) => ours(count, () => ({})),
  "memoryStore(), with subjects": (count) => ours(count, (i) => ({ subject: `user-${i}` })),
  "nothing but keys and values": pile,
  "express-session": () => {
    const store = expressStore();
    return connectStore(store, withCookie, [() => store.all(() => {})]);
  },
  memorystore: (count) => {
    const store = new (require("memorystore")(require("express-session")))({ max: 4 * count });
    return connectStore(store, withCookie, [() => store.prune()]);
  },
};

if (process.argv[2] === "--only") console.log(JSON.stringify(await measure(process.argv[3], Number(process.argv[4]))));
else compare(process.argv.slice(2).map(Number));

function compare(counts) {
  console.log(
    `Node ${process.versions.node}; milliseconds and microseconds of ${process.threadCpuUsage ? "the thread" : "all threads"}\n`,
  );
  console.log(
    "| store | sessions | bytes each | longest while filling (without collection) | longest while all expire (the same) | read | write |",
  );
  console.log("|---|---:|---:|---:|---:|---:|---:|");
  for (const count of counts.length > 0 ? counts : [200_000, 1_000_000]) {
    for (const name of Object.keys(contestants)) {
      // A process each, so that none inherits the heap of another.
      const args = ["--expose-gc", fileURLToPath(import.meta.url), "--only", name, String(count)];
      const { stdout, stderr } = spawnSync(process.execPath, args, { encoding: "utf8" });
      if (stdout === "") throw new Error(stderr);
      const { bytes, filling, expiring, read, write } = JSON.parse(stdout);
      const cells = [
        name,
        count,
        bytes.toFixed(0),
        ...[filling, expiring].map(([all, own]) => `${all.toFixed(1)} ms (${own.toFixed(1)})`),
      ];
      console.log(`| ${[...cells, `${read.toFixed(2)} µs`, `${write.toFixed(2)} µs`].join(" | ")} |`);
    }
  }
}

async function measure(name, count) {
  Date.now = () => now;
  const { create, read, write, expire } = await contestants[name](count);

  // What a program compiles and allocates once is not what sessions cost.
  for (let i = 0; i < 2000; i++) create(-i, key(`warm ${i}`));
  for (let i = 0; i < 2000; i++) read(key(`warm ${i}`));
  const empty = heap();
  const collections = [];
  new PerformanceObserver((list) => collections.push(...list.getEntries())).observe({ entryTypes: ["gc"] });

  const filled = [];
  for (let i = 0; i < count; i++) {
    const id = key(i);
    timed(filled, () => create(i, id));
  }
  const bytes = (heap() - empty) / count;

  const costs = { read: each(count, (id) => read(id)), write: each(count, (id, i) => write(i, id)) };

  now += 3 * twelveHours;
  const expired = [];
  for (let i = 0; i < count; i++) {
    const id = key(count + i);
    timed(expired, () => create(i, id));
  }
  for (const call of expire) timed(expired, call);
  await new Promise((resolve) => setTimeout(resolve, 100)); // the observer has its turn
  return { bytes, filling: longest(filled, collections), expiring: longest(expired, collections), ...costs };
}

async function ours(count, meta) {
  const entry = fileURLToPath(new URL("../src/stores/memory.ts", import.meta.url));
  const { outputFiles } = await build({ entryPoints: [entry], bundle: true, format: "esm", write: false });
  const { memoryStore } = await import(`data:text/javascript,${encodeURIComponent(outputFiles[0].text)}`);
  const store = memoryStore({ maxEntries: 4 * count });
  // As the core makes them: what it needs itself in front, the data behind.
  const record = (i) => `[1,${now},0]\n${JSON.stringify(data(i))}`;
  return {
    create: (i, id) => store.create(id, record(i), { ...meta(i), expiresAt: now + twelveHours + Math.abs(i) }),
    read: (id) => store.read(id),
    write: (i, id) =>
      store.update(id, record(i), { ...meta(i), expiresAt: now + twelveHours + i }, store.read(id).version),
    expire: [],
  };
}

/**
 * The control: arrays of the strings, which no store in JavaScript does without. How long it stands still is the
 * garbage collector's doing.
 */
function pile() {
  const pages = [];
  let next = 0;
  const put = (i, id) => {
    if (next % 1024 === 0) pages.push(new Array(2048).fill(""));
    const page = pages[Math.floor(next / 1024)];
    page[next % 1024] = id;
    page[1024 + (next % 1024)] = JSON.stringify(data(i));
    next++;
  };
  return { create: put, read: () => pages[0][0], write: put, expire: [] };
}

function expressStore() {
  const { MemoryStore } = require("express-session");
  return new MemoryStore();
}

function connectStore(store, session, expire) {
  return {
    create: (i, id) => store.set(id, session(i)),
    read: (id) => store.get(id, () => {}),
    write(i, id) {
      store.get(id, () => {});
      store.set(id, session(i));
    },
    expire,
  };
}

function withCookie(i) {
  const cookie = {
    originalMaxAge: twelveHours,
    expires: new Date(now + twelveHours + Math.abs(i)),
    httpOnly: true,
    path: "/",
  };
  return { cookie: { ...cookie, maxAge: twelveHours, toJSON: () => cookie }, ...data(i) };
}

function data(i) {
  return { name: String(Math.abs(i)).padStart(20, "0") };
}

function key(of) {
  return createHash("sha256").update(String(of)).digest("base64url");
}

function heap() {
  for (let i = 0; i < 4; i++) globalThis.gc();
  const { heapUsed, external } = process.memoryUsage();
  // What typed arrays hold lies outside V8's heap.
  return heapUsed + external;
}

/** Calls, and notes when it was and how many milliseconds it held the processor if that is not next to nothing. */
function timed(calls, call) {
  const from = performance.now();
  const before = cpu();
  call();
  const took = (cpu() - before) / 1000;
  const to = performance.now();
  if (to - from > 0.2) calls.push({ from, to, took: Math.min(took, to - from) });
}

/** The longest of the calls, and the longest but for the garbage collections within each. */
function longest(calls, collections) {
  const own = calls.map(({ from, to, took }) => {
    const within = collections.filter(({ startTime, duration }) => startTime < to && startTime + duration > from);
    return (
      took -
      within.reduce(
        (sum, { startTime, duration }) => sum + Math.min(to, startTime + duration) - Math.max(from, startTime),
        0,
      )
    );
  });
  return [calls.map(({ took }) => took), own].map((times) => times.reduce((most, time) => Math.max(most, time), 0));
}

/**
 * Microseconds that a call with a key takes, on average. Each time the key is a text of its own, as each request brings
 * one.
 */
function each(count, call) {
  const rounds = 25;
  const warm = 5;
  let spent = 0;
  for (let round = 0; round < rounds; round++) {
    const ids = Array.from({ length: 10_000 }, (_, i) => key((i * 7919) % count));
    const before = cpu();
    ids.forEach(call);
    if (round >= warm) spent += cpu() - before;
  }
  return spent / (rounds - warm) / 10_000;
}

function cpu() {
  const { user, system } = process.threadCpuUsage?.() ?? process.cpuUsage();
  return user + system;
}
