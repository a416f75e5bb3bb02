import { existsSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { filesUnder, root, text } from "./manifests.ts";

/** A row of the walk in CONTRIBUTING.md: a question, the file that answers it, and what to look for in that file. */
interface Step {
  readonly question: string;
  readonly file: string;
  readonly name: string;
}

const [, section = ""] = text("CONTRIBUTING.md").split("## Ten questions");
const steps = section
  .split("\n## ")[0]
  ?.split("\n")
  .flatMap((line): Step[] => {
    const [, question, file, name] = /^\| (.+\?) \| \[`[^`]+`\]\(([^)]+)\) \| `([^`]+)` \|$/.exec(line) ?? [];
    return question && file && name ? [{ question, file, name }] : [];
  });

describe("the newcomer's walk in CONTRIBUTING.md", () => {
  test("has ten questions", () => {
    expect(steps).toHaveLength(10);
  });

  test.each(steps ?? [])("$question $file", ({ file, name }) => {
    expect(existsSync(join(root, file))).toBe(true);
    expect(text(file)).toMatch(new RegExp(`\\b(?:function|interface|type|const) ${name}\\b`));
  });
});

describe("the pages for contributors", () => {
  const pages = ["ARCHITECTURE.md", "CONTRIBUTING.md", "AGENTS.md"];
  const folders = /`((?:src|adapters|test|docs|examples|bench)\/[\w./-]*)`/g;

  test.each(pages)("%s names only files and folders that exist", (page) => {
    const named = [...text(page).matchAll(folders)].map(([, path]) => path as string);
    expect(named.length).toBeGreaterThan(0);
    expect(named.filter((path) => !existsSync(join(root, path)))).toEqual([]);
  });

  // The tables and the walk of ARCHITECTURE.md leave `src/` out, and a table the folder that its head names.
  test("ARCHITECTURE.md names each file of stored/ and sealed/, and none that is not there", () => {
    const tables = [...text("ARCHITECTURE.md").matchAll(/^\| `(\w+\/)` \| \|\n\|---\|---\|\n((?:\|.*\n)+)/gm)];
    expect(tables.map(([, folder]) => folder)).toEqual(["stored/", "sealed/"]);
    for (const [, folder = "", rows = ""] of tables) {
      const named = [...rows.matchAll(/`([\w-]+\.ts)`/g)].map(([, file]) => `src/${folder}${file}`);
      expect(named.sort()).toEqual(filesUnder(`src/${folder}`, ".ts").sort());
    }
    const inText = [...text("ARCHITECTURE.md").matchAll(/`([a-z]+\/[\w-]+\.ts)`/g)].map(([, file]) => file as string);
    expect(inText.length).toBeGreaterThan(10);
    expect(inText.filter((file) => !existsSync(join(root, "src", file)))).toEqual([]);
  });
});
