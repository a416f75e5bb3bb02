/**
 * Whether this is a Cloudflare Worker, where a request that is cut off never settles its promises, and a look at
 * `process` is dear.
 */
export function isOnWorkers(): boolean {
  return globalThis.navigator?.userAgent === "Cloudflare-Workers";
}

/**
 * A module of Node's where it is the fastest way: on Node, Bun and Deno. Not on Workers: there the mere look at
 * `process` loads 4 ms of modules with the first session, and what they do is no faster than the platform's own.
 */
export function nodeBuiltin<Module>(id: "node:buffer" | "node:crypto"): Module | undefined {
  if (isOnWorkers()) return undefined;
  return (
    globalThis as { process?: { getBuiltinModule?(id: string): Module | undefined } }
  ).process?.getBuiltinModule?.(id);
}
