/** The servers that the conversation is held with: the columns of its table, as data. */
import { join } from "node:path";
import type { ServiceName } from "../../services.ts";
import { type Running, root, startProgram, startWorker } from "../harness.ts";
import type { Need } from "./steps.ts";

/** Starts a server in a folder; `program` is the runtime that `service` found. */
type Start = (folder: string, program: string) => Promise<Running>;

export interface ServerUnderTest {
  readonly name: string;
  /** The runtime, if a machine may lack it. */
  readonly service?: ServiceName;
  /** The example as it is, for the steps that need no hand on the clock. */
  readonly example?: Start;
  /** The same store and the same pages, with a clock that can be put forward. */
  readonly controlled: Start;
  /** Why it cannot do what a step needs. */
  readonly cannot?: Partial<Record<Need, string>>;
}

const apps = "test/runtimes/conversation/apps";
const anyPort = { PORT: "0" };

const onNode: (app: string) => Start = (app) => (cwd, node) =>
  startProgram(node, [`${apps}/serve-node.js`, app], { cwd });
const onBun: (app: string) => Start = (app) => (cwd, bun) =>
  startProgram(bun, ["--no-install", `${apps}/serve-bun.ts`, app], { cwd });
const onDeno: (app: string) => Start = (app) => (cwd, deno) =>
  startProgram(deno, [...denoRun, `${apps}/serve-deno.ts`, app], { cwd });
const denoRun = ["run", "--no-check", "--allow-all", "--unstable-kv", "--node-modules-dir=manual", "--cached-only"];

const durableObjects = { SESSIONS: { className: "SessionObject", useSQLite: true } };
const onWorkers: (app: string, nodejsCompat?: boolean) => Start =
  (app, nodejsCompat = false) =>
  (folder) =>
    startWorker({ entry: join(folder, apps, "worker.ts"), nodejsCompat, durableObjects, bindings: { APP: app } });
const workersExample: (nodejsCompat: boolean) => Start = (nodejsCompat) => (folder) =>
  startWorker({ entry: join(folder, "examples/workers/worker.ts"), nodejsCompat, durableObjects });

const nodeExample: Start = (cwd, node) => startProgram(node, ["examples/node/server.js"], { cwd, env: anyPort });

const sealed: Partial<Record<Need, string>> = {
  rotation: "a sealed cookie is not rotated: an older one still opens",
  list: "sealed sessions are kept nowhere, so nobody can list them",
  upgrade: "an upgrade cannot carry a cookie, and a sealed cookie is the session",
  merge: "a sealed cookie is the session: of parallel responses the last one wins",
};

const native: Partial<Record<Need, string>> = {
  fetch: "it has no fetch handler; test/runtimes/node/middleware.test.ts tests the same on Node's own response",
};

const nodeUpgrade: Partial<Record<Need, string>> = {
  upgrade: "Node hands upgrades to a listener of their own, past every handler",
};

const deno: Partial<Record<Need, string>> = {
  "network error": "Deno ends the process when any asynchronous handler returns Response.error() (seen with 2.9.5)",
};

const workers: Partial<Record<Need, string>> = {
  "broken body": "what Miniflare puts before a worker completes every body, also that of a handler without sessions",
};

export const servers: readonly ServerUnderTest[] = [
  {
    name: `Node ${process.versions.node.split(".")[0]}`,
    example: nodeExample,
    controlled: onNode("site"),
    cannot: nodeUpgrade,
  },
  { name: "Node 22", service: "node-22", example: nodeExample, controlled: onNode("site"), cannot: nodeUpgrade },
  { name: "Node 24", service: "node-24", example: nodeExample, controlled: onNode("site"), cannot: nodeUpgrade },
  { name: "Node 26", service: "node-26", example: nodeExample, controlled: onNode("site"), cannot: nodeUpgrade },
  {
    name: "Bun",
    service: "bun",
    example: (cwd, bun) => startProgram(bun, ["--no-install", "examples/bun/server.ts"], { cwd, env: anyPort }),
    controlled: onBun("site"),
  },
  {
    name: "Deno",
    service: "deno",
    example: (cwd, deno) => startProgram(deno, [...denoRun, "examples/deno/server.ts"], { cwd, env: anyPort }),
    controlled: onDeno("site"),
    cannot: deno,
  },
  {
    // deno.json leads the package's name to the TypeScript sources, which is what JSR serves
    name: "Deno, sources",
    service: "deno",
    example: (_, deno) => startProgram(deno, [...denoRun, "examples/deno/server.ts"], { cwd: root, env: anyPort }),
    controlled: (_, deno) => onDeno("site")(root, deno),
    cannot: deno,
  },
  { name: "Workers", example: workersExample(false), controlled: onWorkers("site"), cannot: workers },
  {
    name: "Workers, nodejs_compat",
    example: workersExample(true),
    controlled: onWorkers("site", true),
    cannot: workers,
  },
  { name: "http", controlled: onNode("http"), cannot: native },
  { name: "Connect", controlled: onNode("connect"), cannot: native },
  { name: "Express 4", controlled: onNode("express-4"), cannot: native },
  { name: "Express 5", controlled: onNode("express-5"), cannot: native },
  { name: "Fastify", controlled: onNode("fastify"), cannot: native },
  { name: "Koa", controlled: onNode("koa"), cannot: native },
  { name: "Hono on Node", controlled: onNode("hono"), cannot: nodeUpgrade },
  { name: "Hono on Bun", service: "bun", controlled: onBun("hono") },
  { name: "Hono on Deno", service: "deno", controlled: onDeno("hono"), cannot: deno },
  { name: "Hono on Workers", controlled: onWorkers("hono"), cannot: workers },
  { name: "sealed, Node", controlled: onNode("sealed"), cannot: { ...sealed, ...nodeUpgrade } },
  { name: "sealed, Bun", service: "bun", controlled: onBun("sealed"), cannot: sealed },
  { name: "sealed, Deno", service: "deno", controlled: onDeno("sealed"), cannot: { ...sealed, ...deno } },
  { name: "sealed, Workers", controlled: onWorkers("sealed"), cannot: { ...sealed, ...workers } },
];
