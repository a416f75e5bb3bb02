import { readdirSync, readFileSync } from "node:fs";
import { join, relative } from "node:path";
import { fileURLToPath } from "node:url";

/** What the tests of this folder read of package.json. */
export interface PackageManifest {
  readonly name: string;
  readonly version: string;
  readonly license: string;
  readonly imports: { readonly "#platform": Record<string, Record<string, string>> };
  readonly exports: Record<string, { require: Record<string, string>; types: string; default: string }>;
  readonly scripts: Record<string, string>;
  readonly dependencies?: Record<string, string>;
  readonly peerDependencies?: Record<string, string>;
  readonly peerDependenciesMeta?: Record<string, { optional?: boolean }>;
  readonly devDependencies: Record<string, string>;
}

/** And of deno.json. */
export interface DenoManifest {
  readonly name: string;
  readonly version: string;
  readonly license: string;
  readonly exports: Record<string, string>;
  readonly imports: Record<string, string>;
}

export const root: string = fileURLToPath(new URL("../..", import.meta.url));

/** The text of a file, by its path from the root of the repository. */
export function text(path: string): string {
  return readFileSync(join(root, path), "utf8");
}

export const packageJson = JSON.parse(text("package.json")) as PackageManifest;
export const denoJson = JSON.parse(text("deno.json")) as DenoManifest;

/** One published entry: the `exports` key, the specifier that a user writes, its source and what is built from it. */
export interface PublishedEntry {
  readonly key: string;
  readonly specifier: string;
  readonly source: string;
  readonly file: string;
  readonly types: string;
  /** The same for `require()`, under the conditions of package.json. */
  readonly required: { readonly types: string; readonly default: string };
}

export const entries: readonly PublishedEntry[] = Object.entries(denoJson.exports).map(([key, source]) => {
  const name = key === "." ? "index" : key.slice(2);
  return {
    key,
    specifier: packageJson.name + key.slice(1),
    source,
    file: `./dist/${name}.js`,
    types: `./dist/${name}.d.ts`,
    required: { types: `./dist/${name}.d.cts`, default: `./dist/${name}.cjs` },
  };
});

/** Every file below a folder whose name ends so, as paths from the root, sorted. */
export function filesUnder(folder: string, ...endings: string[]): string[] {
  return readdirSync(join(root, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && endings.some((ending) => entry.name.endsWith(ending)))
    .map((entry) => relative(root, join(entry.parentPath, entry.name)).replaceAll("\\", "/"))
    .filter((path) => !path.includes("node_modules/"))
    .sort();
}
