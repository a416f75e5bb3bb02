import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import { createConnection } from "node:net";
import { delimiter, join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, test } from "vitest";

/** What a test may need and a machine may lack. */
export type ServiceName =
  | "redis"
  | "postgres"
  | "mariadb"
  | "nats"
  | "chromium"
  | "bun"
  | "deno"
  | "node-22"
  | "node-24"
  | "node-26"
  | "schemas"
  | "better-sqlite3"
  | "migration-peers"
  | "bridged-stores"
  | "border-peers"
  | "bundlers"
  | "express-packages";

/** Whether it is here, and if not, why not. `path` is the program, where it is one. */
export interface Service {
  readonly name: ServiceName;
  readonly available: boolean;
  readonly reason: string;
  readonly path?: string;
}

const root = fileURLToPath(new URL("..", import.meta.url));

const probes: Record<ServiceName, () => Service | Promise<Service>> = {
  redis: () => port("redis", 6379, "PING\r\n", "+PONG"),
  // SSLRequest; a server that knows no TLS answers N, one that does S.
  postgres: () => port("postgres", 5432, "\0\0\0\x08\x04\xd2\x16\x2f", /^[NS]/),
  mariadb: () => port("mariadb", 3306, "", /mariadb|mysql/i),
  nats: () => port("nats", 4222, "", "INFO "),
  chromium: () =>
    program("chromium", [
      process.env.CHROMIUM_PATH,
      "/usr/bin/chromium",
      ...["chromium", "chromium-browser", "google-chrome-stable", "google-chrome", "chrome"].flatMap(onPath),
      "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    ]),
  bun: () => program("bun", [join(root, "node_modules/bun/bin/bun.exe"), ...onPath("bun")]),
  deno: () => program("deno", [join(root, "node_modules/deno/deno"), ...onPath("deno")]),
  "node-22": () => node("node-22"),
  "node-24": () => node("node-24"),
  "node-26": () => node("node-26"),
  schemas: () => packages("schemas", "test/schemas"),
  "better-sqlite3": () => addon("better-sqlite3"),
  "migration-peers": () => packages("migration-peers", "test/migrate"),
  "bridged-stores": () => packages("bridged-stores", "test/bridged-stores"),
  "border-peers": () => packages("border-peers", "test/border"),
  bundlers: () => packages("bundlers", "test/bundlers"),
  "express-packages": () => packages("express-packages", "test/express"),
};

const found = new Map<ServiceName, Promise<Service>>();

/** Looks for a service, once per process: `const redis = await service("redis")`. Never rejects. */
export function service(name: ServiceName): Promise<Service> {
  const known = found.get(name) ?? Promise.resolve(probes[name]());
  found.set(name, known);
  return known;
}

/**
 * `describe` for tests that need a service: `describeWith(await service("redis"), "redisStore()", () => { ... })`.
 * Without the service the tests are skipped and the reason stands in their name; with REQUIRE_SERVICES=1 they fail for
 * that reason.
 */
export function describeWith(needed: Service | readonly Service[], name: string, tests: () => void): void {
  const missing = [needed].flat().filter((one) => !one.available);
  if (missing.length === 0) return void describe(name, tests);
  const reason = missing.map((one) => one.reason).join("; ");
  if (process.env.REQUIRE_SERVICES === "1") {
    test(name, () => {
      throw new Error(`REQUIRE_SERVICES=1, but ${reason}`);
    });
    return;
  }
  console.warn(`skipped: ${name} (${reason})`);
  describe.skip(`${name} (${reason})`, tests);
}

/** As {@link describeWith}, for one test. */
export function testWith(
  needed: Service | readonly Service[],
  name: string,
  run: () => void | Promise<void>,
  timeout?: number,
): void {
  describeWith(needed, name, () => {
    test(name, run, timeout);
  });
}

function port(name: ServiceName, number: number, ask: string, answer: string | RegExp): Promise<Service> {
  const missing = (why: string): Service => ({
    name,
    available: false,
    reason: `${name} does not answer on 127.0.0.1:${number}: ${why}`,
  });
  return new Promise((resolve) => {
    const socket = createConnection({ host: "127.0.0.1", port: number });
    const end = (result: Service): void => {
      socket.destroy();
      resolve(result);
    };
    let text = "";
    socket.setTimeout(2_000, () => end(missing("timeout")));
    socket.on("connect", () => void (ask && socket.write(Buffer.from(ask, "latin1"))));
    socket.on("error", (error) => end(missing("code" in error ? String(error.code) : error.message)));
    socket.on("close", () => end(missing("closed")));
    socket.on("data", (chunk) => {
      text += chunk.toString("latin1");
      if (typeof answer === "string" ? text.startsWith(answer) : answer.test(text))
        end({ name, available: true, reason: "" });
    });
  });
}

function program(name: ServiceName, candidates: readonly (string | undefined)[]): Service {
  const path = candidates.find((candidate) => candidate !== undefined && existsSync(candidate));
  if (path === undefined) return { name, available: false, reason: `${name} is not installed` };
  return { name, available: true, reason: "", path };
}

/** Node binaries of other versions come from a folder of their own: `npm ci --prefix test/engines`. */
function node(name: ServiceName): Service {
  const result = program(name, [join(root, "test/engines/node_modules", name, "bin/node")]);
  return result.available ? result : { ...result, reason: `${name} is not installed (npm ci --prefix test/engines)` };
}

/** Libraries that only some tests run come from a folder of their own. */
function packages(name: ServiceName, folder: string): Service {
  const result = program(name, [join(root, folder, "node_modules")]);
  return result.available ? result : { ...result, reason: `${name} are not installed (npm ci --prefix ${folder})` };
}

/** The modules of addons that are compiled: `npm ci --prefix test/addons`. */
export const fromAddons: NodeJS.Require = createRequire(join(root, "test/addons/package.json"));

function addon(name: ServiceName): Service {
  try {
    const Database = fromAddons(name) as new (file: string) => { close(): void };
    new Database(":memory:").close();
    return { name, available: true, reason: "" };
  } catch (error) {
    const why = String(error).split("\n")[0];
    return { name, available: false, reason: `${name} cannot be loaded (npm ci --prefix test/addons): ${why}` };
  }
}

/** Stores of express-session, and older clients. */
export const fromBridgedStores: NodeJS.Require = createRequire(join(root, "test/bridged-stores/package.json"));

function onPath(command: string): string[] {
  return (process.env.PATH ?? "").split(delimiter).map((folder) => join(folder, command));
}
