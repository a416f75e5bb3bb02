import { type ChildProcess, spawn } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createSessions, type SessionStore } from "@sojourn/session";
import { type NetworkProxy, startProxy } from "../support/proxy.ts";
import type { Final } from "./check.ts";
import { connectStore } from "./connect-engine.js";
import { type FaultyEngine, pause } from "./engines.ts";
import { type Operation, readHistory } from "./history.ts";
import { randomFrom } from "./random.js";

/**
 * What a run does. The seed decides which operations each client does and which faults strike in which order; the clock
 * decides the rest.
 */
export interface Plan {
  readonly seed: number;
  /** Operations in all, at least. */
  readonly operations: number;
  /** Milliseconds after which no new operation begins, done or not. */
  readonly limit: number;
}

/** What a run came to. */
export interface Outcome {
  readonly history: readonly Operation[];
  readonly finals: readonly Final[];
  /** How often each fault struck. */
  readonly struck: Readonly<Record<string, number>>;
}

const PROCESSES = 4;
/** In a run, about. */
const FAULTS = 50;
const CLIENTS = 10;
const SLOTS = 32;

interface Worker {
  readonly name: string;
  /** Operations that it is to do. */
  readonly share: number;
  readonly child: ChildProcess;
  readonly ended: Promise<number | null>;
}

const children = new Set<ChildProcess>();
process.once("exit", () => {
  for (const child of children) child.kill("SIGKILL");
});

/** Four processes on one engine, and everything that goes wrong meanwhile. */
export async function runWithFaults(engine: FaultyEngine, { seed, operations, limit }: Plan): Promise<Outcome> {
  const folder = await mkdtemp(join(tmpdir(), "sojourn-faults-"));
  const proxy = await startProxy(engine.port);
  const random = randomFrom(seed);
  const struck: Record<string, number> = {};
  const workers = new Map<number, Worker>();
  let made = 0;
  let done = 0;

  function startWorker(slot: number, share: number): void {
    const name = `p${++made}`;
    const options = {
      name,
      engine: engine.name,
      port: proxy.port,
      place: engine.place,
      folder,
      seed: seed * 131 + made,
    };
    const argument = JSON.stringify({ ...options, slots: SLOTS, clients: CLIENTS, operations: share });
    const child = spawn(process.execPath, [join(import.meta.dirname, "worker.js"), argument], {
      stdio: ["ignore", "inherit", "inherit", "ipc"],
    });
    child.on("message", (count) => {
      done += count as number;
    });
    children.add(child);
    workers.set(slot, { name, share, child, ended: new Promise((resolve) => child.once("exit", resolve)) });
  }

  /** Until the next fault: a while of work, which takes the longer the slower the machine is, but never for ever. */
  async function calm(chance: number): Promise<void> {
    const [until, latest] = [done + ((0.5 + chance) * operations) / FAULTS, performance.now() + 3_000];
    do await pause(100);
    while (done < until && performance.now() < latest && ![...workers.values()].every(isOver));
  }

  const faults: Record<string, () => Promise<void> | void> = {
    "a process is killed": async () => {
      const slot = Math.floor(random() * PROCESSES);
      const worker = workers.get(slot);
      if (worker === undefined || isOver(worker)) return;
      worker.child.kill("SIGKILL");
      await worker.ended;
      const left = worker.share - readHistory(folder, worker.name).length;
      if (left > 0) startWorker(slot, left);
    },
    "connections are cut": () => proxy.cut(() => random() < 0.5),
    "connections are half closed": () => proxy.halfClose(() => random() < 0.3),
    "answers are lost": () => proxy.swallow(150, () => random() < 0.3),
    "the network is slow": () => proxy.delay(50 + random() * 400, () => random() < 0.5),
    "the network is away": async () => {
      proxy.refuse();
      await pause(150);
      proxy.allow();
    },
    ...Object.fromEntries(engine.faults.map((fault) => [fault, () => engine.strike(fault)])),
  };

  const { store, createTable, close } = await connectStore(engine.name, engine.port, engine.place);
  try {
    await createTable?.();
    for (let slot = 0; slot < PROCESSES; slot++) startWorker(slot, Math.ceil(operations / PROCESSES));
    const begun = performance.now();
    const deck: string[] = [];
    // Faults come one after the other while anybody works.
    while (![...workers.values()].every(isOver)) {
      await calm(random());
      if (performance.now() - begun > limit)
        throw new Error(`Not done after ${limit} ms: ${readHistory(folder).length} operations`);
      if (deck.length === 0) deck.push(...Object.keys(faults));
      // Each strikes once before any strikes again, a kill first: a short run has met them all the same.
      const [name] = deck.splice(made === PROCESSES ? 0 : Math.floor(random() * deck.length), 1) as [string];
      await faults[name]?.();
      struck[name] = (struck[name] ?? 0) + 1;
    }
    const codes = await Promise.all([...workers.values()].map(({ ended }) => ended));
    if (codes.some((code) => code !== 0 && code !== null))
      throw new Error(`A process ended by itself, with ${codes.join(", ")}`);
    await quiet(proxy);
    const history = readHistory(folder);
    return { history, finals: await lookThroughAll(store, history), struck };
  } finally {
    for (const { child } of workers.values()) child.kill("SIGKILL");
    await close();
    await rm(folder, { recursive: true, force: true });
  }
}

function isOver({ child }: Worker): boolean {
  return child.exitCode !== null || child.signalCode !== null;
}

/** Nothing that was sent is still on its way. */
async function quiet(proxy: NetworkProxy): Promise<void> {
  await proxy.close();
  await pause(500);
}

async function lookThroughAll(store: SessionStore, history: readonly Operation[]): Promise<Final[]> {
  const sessions = createSessions({ store, rotation: { every: false, grace: 3_600 } });
  const tokens = new Set(
    history.flatMap(({ token, given }) => [token, given]).filter((token) => token !== undefined && token !== ""),
  );
  const finals: Final[] = [];
  for (const token of tokens) {
    const session = await sessions.load(
      new Request("https://example.com/", { headers: { cookie: `__Host-Http-session=${token}` } }),
    );
    finals.push({ token: token as string, saw: { ...session.all() }, handle: session.handle });
  }
  return finals;
}
