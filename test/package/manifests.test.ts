import { existsSync } from "node:fs";
import { join } from "node:path";
import ts from "typescript";
import { describe, expect, test } from "vitest";
import { denoJson, entries, packageJson, root, text } from "./manifests.ts";

describe("package.json and deno.json", () => {
  test("name, version and license are the same in both", () => {
    expect(denoJson).toMatchObject({
      name: packageJson.name,
      version: packageJson.version,
      license: packageJson.license,
    });
  });

  test("both export the same entries, built where package.json says", () => {
    const { "./package.json": self, ...published } = packageJson.exports;
    expect(self).toBe("./package.json");
    // The order too: the list is read by people, and the first condition that holds decides.
    const expected = entries.map(({ key, types, file, required }) => [
      key,
      { require: required, types, default: file },
    ]);
    expect(JSON.stringify(published)).toBe(JSON.stringify(Object.fromEntries(expected)));
  });

  test.each(entries)("$specifier has a source file and built ones", ({ source, file, types, required }) => {
    expect([source, file, types, ...Object.values(required)].filter((path) => !existsSync(join(root, path)))).toEqual(
      [],
    );
  });

  test("the tests and examples are type-checked against the same entries", () => {
    const { config } = ts.parseConfigFileTextToJson("tsconfig.test.json", text("tsconfig.test.json"));
    expect(config.compilerOptions.paths).toEqual({
      "#platform": ["./src/platform/node.ts"],
      ...Object.fromEntries(entries.map(({ specifier, source }) => [specifier, [source]])),
    });
  });

  test("every peer is optional", () => {
    const peers = Object.keys(packageJson.peerDependencies ?? {});
    expect(peers.filter((peer) => packageJson.peerDependenciesMeta?.[peer]?.optional !== true)).toEqual([]);
    expect(Object.keys(packageJson.peerDependenciesMeta ?? {}).filter((peer) => !peers.includes(peer))).toEqual([]);
  });

  test("the package depends on the hashes and encodings of Oslo, and on nothing else", () => {
    expect(Object.keys(packageJson.dependencies ?? {})).toEqual(["@oslojs/crypto", "@oslojs/encoding"]);
  });

  test("#platform is a file of the package under every condition", () => {
    const file = (name: string): object => ({
      require: `./dist/platform/${name}.cjs`,
      default: `./dist/platform/${name}.js`,
    });
    const platforms = packageJson.imports["#platform"];
    expect(platforms).toEqual({ node: file("node"), bun: file("node"), deno: file("node"), default: file("portable") });
    expect(Object.keys(platforms).at(-1)).toBe("default");
    expect(Object.values(platforms).map((each) => Object.keys(each)[0])).toEqual(Array(4).fill("require"));
    expect(denoJson.imports).toEqual({ "#platform": "./src/platform/node.ts" });
  });

  test("nothing runs when the package is installed", () => {
    expect(
      Object.keys(packageJson.scripts).filter((name) => /^(pre|post)?(install|prepare)$|^dependencies$/.test(name)),
    ).toEqual([]);
  });

  test("CHANGELOG.md has an entry for the version", () => {
    expect(text("CHANGELOG.md")).toContain(`## ${packageJson.version}`);
  });
});

describe("lock files", () => {
  test.each([
    "package-lock.json",
    "test/engines/package-lock.json",
    "test/addons/package-lock.json",
    "test/migrate/package-lock.json",
    "test/bridged-stores/package-lock.json",
    "test/border/package-lock.json",
    "test/bundlers/package-lock.json",
    "test/express/package-lock.json",
  ])("%s names no host but the public registry", (path) => {
    const hosts = [...text(path).matchAll(/"resolved": "(\w+:\/\/[^/"]*)/g)].map(([, host]) => host);
    expect(hosts.filter((host) => host !== "https://registry.npmjs.org")).toEqual([]);
  });

  // A binary called node in node_modules/.bin would run every npm script instead of the node that was asked for.
  test("no dependency brings a program called node", () => {
    const { packages } = JSON.parse(text("package-lock.json")) as {
      packages: Record<string, { bin?: Record<string, string> }>;
    };
    expect(Object.keys(packages).filter((path) => packages[path]?.bin?.node !== undefined)).toEqual([]);
  });
});
