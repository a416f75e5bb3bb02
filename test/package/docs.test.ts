import { execFile } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { describe, expect, test } from "vitest";
import { entries, filesUnder, root, text } from "./manifests.ts";
import { anchorsOf, type Block, blocksOf, givenTo, linksOf, pages } from "./markdown.ts";

const run = promisify(execFile);
const blocks = pages.flatMap(blocksOf);

describe("the pages", () => {
  test("lead to files and headings that exist", () => {
    const broken = pages.flatMap(linksOf).filter(({ file, anchor }) => {
      if (!existsSync(join(root, file))) return true;
      return anchor !== undefined && !(file.endsWith(".md") && anchorsOf(file).has(anchor));
    });
    expect(broken.map(({ at, file, anchor }) => `${at} -> ${file}${anchor === undefined ? "" : `#${anchor}`}`)).toEqual(
      [],
    );
  });

  test("are all in the index", () => {
    const listed = new Set(linksOf("docs/README.md").map(({ file }) => file));
    expect(pages.filter((page) => page.startsWith("docs/") && page !== "docs/README.md" && !listed.has(page))).toEqual(
      [],
    );
  });

  test("no picture or file is named that is not there", () => {
    const named = pages.flatMap((page) =>
      [...text(page).matchAll(/(?:src|srcset)="((?!https?:)[^"]+)"/g)].map(([, file = ""]) => ({ page, file })),
    );
    // Those that begin with a slash are addresses in an example
    expect(
      named.filter(({ page, file }) => !file.startsWith("/") && !existsSync(join(root, page, "..", file))),
    ).toEqual([]);
  });
});

describe("the promises in the README", () => {
  const rows = text("README.md")
    .split("\n")
    .filter((line) => /^\| \d+ \| \*\*/.test(line));

  // That the tests are there is what "lead to files and headings that exist" holds.
  test("each name a test that proves it", () => {
    expect(rows.map((row) => /^\| (\d+)/.exec(row)?.[1])).toEqual(Array.from(rows, (_, index) => String(index + 1)));
    expect(rows.length).toBeGreaterThanOrEqual(10);
    for (const row of rows) expect(row.split(" | ")[2], row).toMatch(/\]\(test\/[\w/.-]+\.test\.ts\)/);
  });

  test("are not proved by a test that is skipped or empty", () => {
    const tests = rows.flatMap((row) => [...row.matchAll(/\]\((test\/[^)]+\.ts)\)/g)].map(([, file = ""]) => file));
    for (const file of tests) {
      expect(text(file), file).toMatch(/\b(?:test|everyTriple|describe\w*)\b[\w.]*\(/);
      expect(text(file), file).not.toMatch(/\b(?:test|describe)\.(?:skip|todo|only)\(/);
    }
  });
});

describe("the errors page", () => {
  const codes = [...text("src/errors.ts").matchAll(/^ {2}\| "(\w+)"/gm)].map(([, code = ""]) => code);

  // Every message of a SessionError ends with a link to that heading.
  test("has a heading for each code, and for nothing else", () => {
    expect(codes.length).toBeGreaterThan(5);
    const headings = [...text("docs/errors.md").matchAll(/^## (.*)$/gm)].map(([, heading = ""]) => heading);
    expect(headings).toEqual(codes);
    expect([...anchorsOf("docs/errors.md")]).toEqual(expect.arrayContaining(codes));
  });
});

describe("the events page", () => {
  test("has a row for each type of event, and for nothing else", () => {
    const types = [...text("src/events.ts").matchAll(/readonly type: "(\w+)"/g)].map(([, type = ""]) => type);
    const rows = [...text("docs/events.md").matchAll(/^\| `(\w+)` \|/gm)].map(([, type = ""]) => type);
    expect(types.length).toBeGreaterThan(5);
    expect(rows.sort()).toEqual(types.sort());
  });
});

describe("code in the pages", () => {
  test("is marked with nothing but run=… or no-check (the package that is missing)", () => {
    const strange = blocks.filter(
      ({ mark }) => !/^(?:|run=(?:node|bun|deno|workers|test)|no-check \([\w@./-]+\))$/.test(mark),
    );
    expect(strange.map(({ at, mark }) => `${at} ${mark}`)).toEqual([]);
  });

  test("is JSON where it says so", () => {
    for (const { code } of blocks.filter(({ language }) => language === "json"))
      expect(() => JSON.parse(code)).not.toThrow();
  });

  test("is right for TypeScript, against the built declarations", { timeout: 180_000 }, async () => {
    const checked = blocks.filter(({ language, mark }) =>
      language === "ts" ? !mark.startsWith("no-check") : language === "js" && mark === "",
    );
    expect(checked.length).toBeGreaterThan(50);
    expect(await typeErrors(checked)).toEqual([]);
  });
});

describe("the API reference", () => {
  test("is made without a warning", { timeout: 240_000 }, async () => {
    const out = mkdtempSync(join(tmpdir(), "sojourn-api-"));
    try {
      await run(process.execPath, [join(root, "node_modules/typedoc/bin/typedoc"), "--out", out], { cwd: root });
      expect(readdirSync(join(out, "modules")).length).toBe(entries.length);
    } finally {
      rmSync(out, { recursive: true, force: true });
    }
  });
});

/** What the compiler says, with the lines of the pages in place of its own. */
async function typeErrors(list: readonly Block[]): Promise<string[]> {
  const folder = join(root, "node_modules/.cache/docs");
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  const places = new Map<string, { block: Block; before: number }>();
  for (const [index, block] of list.entries()) {
    const given = givenTo(block);
    const file = `block-${index}.${block.language}`;
    writeFileSync(join(folder, file), [...given, block.code, "export {};"].join("\n"));
    places.set(file, { block, before: given.length });
  }
  writeFileSync(join(folder, "package.json"), JSON.stringify({ type: "module" }));
  const paths = Object.fromEntries(entries.map(({ specifier, types }) => [specifier, [join(root, types)]]));
  const compilerOptions = {
    target: "es2022",
    lib: ["es2023", "dom", "dom.iterable"],
    module: "nodenext",
    strict: true,
    exactOptionalPropertyTypes: true,
    verbatimModuleSyntax: true,
    allowJs: true,
    checkJs: true,
    noEmit: true,
    skipLibCheck: true,
    types: ["node"],
    paths,
  };
  const files = [...places.keys(), join(root, "test/package/fixtures/docs-globals.d.ts")];
  writeFileSync(join(folder, "tsconfig.json"), JSON.stringify({ compilerOptions, files }));
  const output = await run(
    process.execPath,
    [join(root, "node_modules/typescript/bin/tsc"), "--pretty", "false", "-p", folder],
    {
      cwd: folder,
    },
  ).then(
    () => "",
    (error: { stdout: string; stderr: string }) => error.stdout + error.stderr,
  );
  return output
    .split("\n")
    .filter((line) => line.trim() !== "")
    .map((line) => {
      const [, file = "", at = "0", message = ""] = /(block-\d+\.\w+)\((\d+),\d+\): (.*)$/.exec(line) ?? [];
      const place = places.get(file);
      if (place === undefined) return line;
      const [page, start] = place.block.at.split(":");
      return `${page}:${Number(start) + Number(at) - place.before} ${message}`;
    });
}

// Named here so that the list of the tests that the README names cannot lose one in silence.
describe("README.md", () => {
  test("names a test file that exists for each promise", () => {
    const tests = new Set(filesUnder("test", ".test.ts"));
    const rows = text("README.md")
      .split("\n")
      .filter((line) => /^\| \d+ \| /.test(line));
    expect(rows.length).toBe(10);
    for (const row of rows) {
      const files = [...row.matchAll(/\]\((test\/[^)]+\.test\.ts)\)/g)].map(([, file = ""]) => file);
      expect(files.length, row).toBeGreaterThan(0);
      for (const file of files) expect(tests, row).toContain(file);
    }
  });
});
