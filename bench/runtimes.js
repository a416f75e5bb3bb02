import { execFileSync } from "node:child_process";
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";

/**
 * The runtimes to measure on: those asked for that are here, each with its command line and version; the others with
 * the reason.
 */
export function findRuntimes(names, nodes) {
  return names.flatMap((name) =>
    name === "node" ? nodes.map((path) => probe("node", path)) : [probe(name, locate(name))],
  );
}

const argumentsOf = {
  node: [],
  bun: ["run"],
  deno: ["run", "-A", "--no-config", "--no-lock", "--node-modules-dir=manual"],
};

function probe(name, path) {
  try {
    const version = execFileSync(path, ["--version"], { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] }).match(
      /\d+\.\d+\.\d+/,
    )[0];
    const title = `${name[0].toUpperCase()}${name.slice(1)} ${version}`;
    return { name, title, command: [path, ...argumentsOf[name]] };
  } catch {
    return { name, title: name, missing: `${path} does not run here` };
  }
}

function locate(name) {
  const installed = fileURLToPath(new URL(`../node_modules/.bin/${name}`, import.meta.url));
  return existsSync(installed) ? installed : name;
}
