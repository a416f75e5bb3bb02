/** Puts the packed package into the node_modules of an application, as npm install would. */
import { cpSync, rmSync } from "node:fs";
import { join } from "node:path";
import { installPacked } from "../package/packed.ts";
import { root } from "../runtimes/harness.ts";

/** With what it depends on inside of it, so that the lock file of the application need not know of it. */
export function installInto(folder: string): void {
  const packed = installPacked();
  const target = join(folder, "node_modules/@sojourn/session");
  rmSync(target, { recursive: true, force: true });
  cpSync(join(packed.folder, "node_modules/@sojourn/session"), target, { recursive: true });
  cpSync(join(root, "node_modules/@oslojs"), join(target, "node_modules/@oslojs"), { recursive: true });
  packed.remove();
  cpSync(join(root, "test/frameworks/site"), join(folder, "node_modules/site"), { recursive: true });
}
