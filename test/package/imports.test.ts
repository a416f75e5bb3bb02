import { basename, dirname, join } from "node:path/posix";
import { describe, expect, test } from "vitest";
import { entries, filesUnder, packageJson, text } from "./manifests.ts";

interface Import {
  readonly file: string;
  readonly from: string;
  /** A path from the root of the repository for a relative import, otherwise the specifier. */
  readonly to: string;
  readonly typeOnly: boolean;
}

const sources = filesUnder("src", ".ts");
const adapters = filesUnder("adapters", ".ts");
const examples = filesUnder("examples", ".ts", ".js");

describe("imports", () => {
  test("there is something to check", () => {
    expect(sources.length).toBeGreaterThan(10);
    expect(adapters.length).toBeGreaterThan(3);
    expect(examples.length).toBeGreaterThan(3);
    expect(importsOf(sources).length).toBeGreaterThan(sources.length);
  });

  test("src imports only itself and #platform; the two platforms what they are made of", () => {
    const platforms: Record<string, RegExp> = {
      "src/platform/node.ts": /^node:(?:buffer|crypto)$/,
      "src/platform/portable.ts": /^@oslojs\/(?:crypto\/\w+|encoding)$/,
    };
    expect(
      offenders(sources, ({ file, to }) => to.startsWith("src/") || (platforms[file] ?? /^#platform$/).test(to)),
    ).toEqual([]);
  });

  test("src has no import cycle", () => {
    expect(cycleIn(importsOf(sources).filter(({ typeOnly }) => !typeOnly))).toEqual([]);
  });

  // ARCHITECTURE.md says what belongs in each. A folder, or a file that stands alone, imports what stands below it.
  const ROOMS = [
    ["src/index.ts", "src/sealed.ts", "src/testing.ts", "src/migrate.ts"],
    ["src/migrate/"],
    ["src/testing/"],
    ["src/sessions.ts"],
    ["src/request/"],
    ["src/sealed/"],
    ["src/stores/"],
    ["src/stored/"],
    ["src/backend.ts", "src/adoption.ts"],
    ["src/old-cookies.ts"],
    ["src/rules/"],
    ["src/session/"],
    ["src/http/"],
    ["src/store.ts", "src/migration.ts", "src/events.ts", "src/option-checks.ts"],
    ["src/errors.ts"],
    ["src/platform/"],
  ];
  const floorOf = (file: string): number => ROOMS.findIndex((rooms) => rooms.some((room) => file.startsWith(room)));

  test("every file of src is in a room, and arrows between rooms run one way, those of types included", () => {
    expect(sources.filter((file) => floorOf(file) < 0)).toEqual([]);
    const roomOf = (file: string): string | undefined => ROOMS.flat().find((room) => file.startsWith(room));
    const back = importsOf(sources).filter(
      ({ file, to }) => to.startsWith("src/") && roomOf(file) !== roomOf(to) && floorOf(file) >= floorOf(to),
    );
    expect(back.map(({ file, from }) => `${file} imports ${from}`)).toEqual([]);
  });

  // Run this file to see the table: `npx vitest run test/package/imports.test.ts`.
  test("every room imports rooms that stand below it, and prints which", () => {
    const inOrder = ROOMS.flat();
    const roomOf = (file: string): string => inOrder.find((room) => file.startsWith(room)) ?? file;
    const arrows = inOrder.map((room) => {
      const inside = importsOf(sources).filter(({ file, to }) => roomOf(file) === room && to.startsWith("src/"));
      const to = new Set(inside.map((one) => roomOf(one.to)).filter((other) => other !== room));
      return { room, to: [...to].sort((a, b) => inOrder.indexOf(a) - inOrder.indexOf(b)) };
    });
    console.info(arrows.map(({ room, to }) => `${room.padEnd(22)} ${to.join(" ") || "nothing of src"}`).join("\n"));
    expect(arrows.flatMap(({ room, to }) => to.filter((other) => floorOf(other) <= floorOf(room)))).toEqual([]);
    expect(arrows.find(({ room }) => room === "src/request/")?.to).toContain("src/backend.ts");
  });

  test("adapters reach the core through published entries only, and nothing else but their runtime or framework", () => {
    const published = entries.map(({ source }) => source.slice(2)).filter((source) => source.startsWith("src/"));
    const frameworks = Object.keys(packageJson.peerDependencies ?? {});
    const runtimes = /^(node|bun|cloudflare):/;
    expect(
      offenders(
        adapters,
        ({ to }) =>
          published.includes(to) ||
          to.startsWith("adapters/") ||
          runtimes.test(to) ||
          frameworks.some((name) => to === name || to.startsWith(`${name}/`)),
      ),
    ).toEqual([]);
  });

  test("examples reach the library by its name", () => {
    const specifiers = entries.map(({ specifier }) => specifier);
    const known = (to: string): boolean => !to.startsWith(packageJson.name) || specifiers.includes(to);
    expect(
      offenders(examples, ({ from, to }) => (from.startsWith(".") ? to.startsWith("examples/") : known(to))),
    ).toEqual([]);
  });

  test("relative imports say the file, extension included", () => {
    const files = new Set([...sources, ...adapters, ...examples]);
    expect(offenders([...files], ({ from, to }) => !from.startsWith(".") || files.has(to))).toEqual([]);
  });
});

describe("files", () => {
  // One takes the place of a package that is imported by its default export
  test("no default export in src and adapters, but that of the drop-in for express-session", () => {
    const files = [...sources, ...adapters].filter((file) => /^export default\b|\bas default\b/m.test(text(file)));
    expect(files).toEqual(["adapters/express-session.ts"]);
  });

  // A drawer has no reason to change but everything's.
  test("no utils.ts and no types.ts", () => {
    const drawers = /^(utils?|helpers?|common|misc|types|constants)\.[jt]s$/;
    expect([...sources, ...adapters, ...examples].filter((file) => drawers.test(basename(file)))).toEqual([]);
  });
});

function offenders(files: readonly string[], allowed: (one: Import) => boolean): string[] {
  return importsOf(files)
    .filter((one) => !allowed(one))
    .map(({ file, from }) => `${file} imports ${from}`);
}

function importsOf(files: readonly string[]): Import[] {
  return files.flatMap((file) => {
    const code = text(file).replace(/\/\*[\s\S]*?\*\//g, "");
    const found = [
      ...code.matchAll(/^\s*(?:import|export)\s+(type\s)?[^;"'`]*?from\s+"([^"]+)"/gm),
      ...code.matchAll(/^\s*import\s+()"([^"]+)"/gm),
      ...code.matchAll(/\bimport()\(\s*"([^"]+)"/g),
    ];
    return found.map(([, type, from]): Import => {
      const specifier = from ?? "";
      const to = specifier.startsWith(".") ? join(dirname(file), specifier) : specifier;
      return { file, from: specifier, to, typeOnly: Boolean(type) };
    });
  });
}

/** The first cycle found, as the list of its files, or nothing. */
function cycleIn(imports: readonly Import[]): string[] {
  const done = new Set<string>();
  const visit = (file: string, path: readonly string[]): string[] => {
    if (path.includes(file)) return [...path.slice(path.indexOf(file)), file];
    if (done.has(file)) return [];
    for (const { to } of imports.filter((one) => one.file === file)) {
      const cycle = visit(to, [...path, file]);
      if (cycle.length > 0) return cycle;
    }
    done.add(file);
    return [];
  };
  for (const { file } of imports) {
    const cycle = visit(file, []);
    if (cycle.length > 0) return cycle;
  }
  return [];
}
