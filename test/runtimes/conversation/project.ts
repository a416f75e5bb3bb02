import { cpSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Installed, installPacked } from "../../package/packed.ts";
import { root } from "../harness.ts";

const frameworks = ["hono", "@hono/node-server", "express", "express-4", "connect", "fastify", "koa"];

/**
 * A project of somebody else's: the packed package in its node_modules, the examples and the apps of the conversation
 * beside it.
 */
export function createProject(): Installed {
  const installed = installPacked(frameworks);
  writeFileSync(
    join(installed.folder, "package.json"),
    JSON.stringify({ name: "somebody-elses", private: true, type: "module" }),
  );
  for (const folder of ["examples", "test/runtimes/conversation/apps"]) {
    cpSync(join(root, folder), join(installed.folder, folder), { recursive: true });
  }
  return installed;
}
