/**
 * What sessions in memory cost: bytes of heap for each, the longest that one operation held the thread while they were created and while
 * all of them expired, and what a read and a write take. Beside the memory stores of express-session and memorystore.
 *
 *     node bench/memory.js [how many sessions ...]        default: 200000 1000000
 *
 * Times are the processor's, not the clock's, so that other programs on the machine do not count. Where Node cannot tell the time of one
 * thread (before 22.19), that of the garbage collector's helpers is in them, and the longest operations look longer than they are.
 * The longest operations are those that the collector interrupts; the row of keys and values alone shows its part.
 */
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { createRequire } from "node:module";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const require = createRequire(import.meta.url);
const twelveHours = 43_200_000;
let now = Date.now();

/** Each gives create, read and write for session i, and, where expired sessions are dropped by a call of its own, that call. */
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
  console.log(`Node ${process.versions.node}; milliseconds and microseconds of ${process.threadCpuUsage ? "the thread" : "all threads"}\n`);
  console.log("| store | sessions | bytes each | longest while filling | longest while all expire | read | write |");
  console.log("|---|---:|---:|---:|---:|---:|---:|");
  for (const count of counts.length > 0 ? counts : [200_000, 1_000_000]) {
    for (const name of Object.keys(contestants)) {
      // A process each, so that none inherits the heap of another.
      const args = ["--expose-gc", fileURLToPath(import.meta.url), "--only", name, String(count)];
      const { stdout, stderr } = spawnSync(process.execPath, args, { encoding: "utf8" });
      if (stdout === "") throw new Error(stderr);
      const { bytes, filling, expiring, read, write } = JSON.parse(stdout);
      const cells = [name, count, bytes.toFixed(0), `${filling.toFixed(1)} ms`, `${expiring.toFixed(1)} ms`];
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
  let filling = 0;
  for (let i = 0; i < count; i++) {
    const id = key(i);
    filling = Math.max(
      filling,
      timed(() => create(i, id)),
    );
  }
  const bytes = (heap() - empty) / count;

  const ids = Array.from({ length: 10_000 }, (_, i) => key((i * 7919) % count));
  const costs = { read: each(ids, (id) => read(id)), write: each(ids, (id, i) => write(i, id)) };

  now += 3 * twelveHours;
  let expiring = 0;
  for (let i = 0; i < count; i++) {
    const id = key(count + i);
    expiring = Math.max(
      expiring,
      timed(() => create(i, id)),
    );
  }
  for (const call of expire) expiring = Math.max(expiring, timed(call));
  return { bytes, filling, expiring, ...costs };
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
    write: (i, id) => store.update(id, record(i), { ...meta(i), expiresAt: now + twelveHours + i }, store.read(id).version),
    expire: [],
  };
}

/** The control: arrays of the strings, which no store in JavaScript does without. How long it stands still is the garbage collector's doing. */
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
  const cookie = { originalMaxAge: twelveHours, expires: new Date(now + twelveHours + Math.abs(i)), httpOnly: true, path: "/" };
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

/** Milliseconds that one call held the processor. */
function timed(call) {
  const before = cpu();
  call();
  return (cpu() - before) / 1000;
}

/** Microseconds that a call takes, on average. */
function each(ids, call) {
  const rounds = 20;
  for (let round = 0; round < 5; round++) ids.forEach(call);
  const before = cpu();
  for (let round = 0; round < rounds; round++) ids.forEach(call);
  return (cpu() - before) / rounds / ids.length;
}

function cpu() {
  const { user, system } = process.threadCpuUsage?.() ?? process.cpuUsage();
  return user + system;
}
