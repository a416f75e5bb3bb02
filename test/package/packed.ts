import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { packageJson, root } from "./manifests.ts";

/** A folder with nothing but the packed package installed in it, and what it depends on. */
export interface Installed {
  readonly folder: string;
  readonly tarball: string;
  /** The files of the tarball, with their sizes in bytes. */
  readonly files: readonly { path: string; size: number }[];
  remove(): void;
}

/**
 * Packs the package and unpacks it into the node_modules of an empty folder, beside links to its dependencies and `also`: what `npm install`
 * would do, without asking a registry.
 */
export function installPacked(also: readonly string[] = []): Installed {
  const folder = mkdtempSync(join(tmpdir(), "sojourn-packed-"));
  const packed = execFileSync("npm", ["pack", "--json", "--ignore-scripts", "--pack-destination", folder], {
    cwd: root,
    encoding: "utf8",
  });
  const [{ filename, files }] = JSON.parse(packed) as [{ filename: string; files: { path: string; size: number }[] }];
  const tarball = join(folder, filename);
  const target = join(folder, "node_modules", packageJson.name);
  mkdirSync(target, { recursive: true });
  execFileSync("tar", ["-xzf", tarball, "--strip-components=1", "-C", target]);
  for (const name of [...Object.keys(packageJson.dependencies ?? {}), ...also]) {
    mkdirSync(join(folder, "node_modules", name, ".."), { recursive: true });
    symlinkSync(join(root, "node_modules", name), join(folder, "node_modules", name), "junction");
  }
  return { folder, tarball, files, remove: () => rmSync(folder, { recursive: true, force: true }) };
}
