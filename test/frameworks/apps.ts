/** The frameworks that the conversation is held with, as data: a row each. */
import type { ServiceName } from "../services.ts";
import type { Command } from "./run.ts";
import type { Need } from "./steps.ts";

export type Runtime = Extract<ServiceName, "node-22" | "node-24" | "node-26">;

/** A framework and its application. */
export interface Framework {
  /** A column of the table, with the version. */
  readonly name: string;
  /** Under test/frameworks, with a lock file of its own: `npm ci --prefix test/frameworks/FOLDER`. */
  readonly folder: string;
  /** Default: the Node that runs the tests. */
  readonly runtime?: Runtime;
  /** What else it needs of a machine. */
  readonly needs?: readonly ServiceName[];
  /** The framework's own tool. `{port}` in a command is the port, which is in PORT as well. */
  readonly build?: Command;
  /** As in production; NODE_ENV is. */
  readonly start: Command;
  readonly dev?: Command;
  /** Checks the types of the folder; once where rows share it. */
  readonly types?: Command;
  /** What is sent is the page's own form with the id `login`, `logout`, `count`, `fail`, not a bare POST. */
  readonly forms?: boolean;
  /** Also in Chromium, by browser.ts. `reloads`: why following a link loads the page anew. */
  readonly browser?: { readonly reloads?: string };
  /** Why it cannot do what a step needs. */
  readonly cannot?: Partial<Record<Need, string>>;
}

const small = { folder: "small", runtime: "node-24" } as const;

/** Those without a build: one folder for all. */
const noError = { error: "it has no error that is an answer" };

const noPages = { stream: "it has no pages" };

export const smallOnes: readonly Framework[] = [
  { ...small, name: "srvx 1", start: ["node", "srvx.ts"], types: ["tsc", "--noEmit", "-p", "."], cannot: noError },
  { ...small, name: "Hono 4", start: ["node", "hono.ts"] },
  { ...small, name: "h3 2", start: ["node", "h3.ts"] },
  { ...small, name: "Elysia 1", needs: ["bun"], start: ["bun", "elysia.ts"] },
  { ...small, name: "itty-router 5", start: ["node", "itty-router.ts"] },
  { ...small, name: "Remix 3, fetch-router", start: ["node", "remix.ts"], cannot: noError },
  { ...small, name: "tRPC 11", start: ["node", "trpc.ts"], cannot: noPages },
  { ...small, name: "GraphQL Yoga 5", start: ["node", "yoga.ts"], cannot: noPages },
];

export const reactRouter: Framework = {
  name: "React Router 8",
  folder: "react-router",
  runtime: "node-24",
  build: ["react-router", "build"],
  start: ["react-router-serve", "build/server/index.js"],
  dev: ["react-router", "dev", "--port", "{port}"],
  types: ["tsc", "--noEmit", "-p", "."],
  browser: {},
};

export const next: Framework = {
  name: "Next 16",
  folder: "next",
  runtime: "node-24",
  build: ["next", "build"],
  start: ["next", "start", "--port", "{port}"],
  dev: ["next", "dev", "--port", "{port}"],
  types: ["tsc", "--noEmit", "-p", "."],
  forms: true,
  browser: {},
  cannot: { vary: "it writes the Vary of its pages itself" },
};

export const svelteKit: Framework = {
  name: "SvelteKit 3",
  folder: "sveltekit",
  runtime: "node-24",
  build: ["vite", "build"],
  start: ["node", "server.js"],
  dev: ["vite", "dev", "--port", "{port}"],
  types: ["svelte-check"],
  browser: {},
};

export const astro: Framework = {
  name: "Astro 7",
  folder: "astro",
  runtime: "node-24",
  build: ["astro", "build"],
  start: ["node", "dist/server/entry.mjs"],
  dev: ["astro", "dev", "--port", "{port}"],
  types: ["astro", "check"],
  browser: {},
};
