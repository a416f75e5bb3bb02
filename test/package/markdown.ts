import { readdirSync } from "node:fs";
import { dirname, join, normalize } from "node:path";
import { root, text } from "./manifests.ts";

/** A fenced block of code in a page. */
export interface Block {
  /** `docs/errors.md:41`, for messages. */
  readonly at: string;
  readonly page: string;
  readonly language: string;
  /** What stands after the language: `run=node`, `no-check (express-session)`. */
  readonly mark: string;
  readonly code: string;
  /**
   * The lines of the last comment `<!-- given … -->` before it: what the block may use without saying where it comes
   * from.
   */
  readonly given: readonly string[];
}

/** A link to a file of the repository, or to a place in the same page. */
export interface Link {
  readonly at: string;
  /** From the root of the repository. */
  readonly file: string;
  readonly anchor: string | undefined;
}

/** All pages that a reader may come to, as paths from the root. */
export const pages: readonly string[] = [
  ...markdownIn("."),
  ...markdownIn("docs"),
  ...readdirSync(join(root, "docs"), { withFileTypes: true })
    .filter((entry) => entry.isDirectory() && entry.name !== "api")
    .flatMap((entry) => markdownIn(`docs/${entry.name}`)),
];

function markdownIn(folder: string): string[] {
  return readdirSync(join(root, folder))
    .filter((name) => name.endsWith(".md"))
    .map((name) => normalize(join(folder, name)));
}

export function blocksOf(page: string): Block[] {
  const blocks: Block[] = [];
  let given: string[] = [];
  const parts = /^<!-- given\n([\s\S]*?)\n-->$|^```(\w*)([^\n]*)\n([\s\S]*?)^```$/gm;
  const source = text(page);
  for (const match of source.matchAll(parts)) {
    const [, setting, language = "", mark = "", code = ""] = match;
    if (setting !== undefined) given = setting.split("\n");
    else {
      const line = source.slice(0, match.index).split("\n").length;
      blocks.push({ at: `${page}:${line}`, page, language, mark: mark.trim(), code, given });
    }
  }
  return blocks;
}

/** The given lines, without the names that the block brings along itself. */
export function givenTo({ given, code }: Block): string[] {
  const has = (name: string): boolean =>
    new RegExp(`^(?:export )?(?:declare )?(?:async )?(?:const|let|function|interface|class|type) ${name}\\b`, "m").test(
      code,
    ) || new RegExp(`^import[^;"]*\\b${name}\\b[^;]*;`, "m").test(code);
  return given.map((line) => {
    const [, names, from] = /^import (.*) from (".*");$/.exec(line) ?? [];
    if (names === undefined)
      return has(/(?:const|function|interface|class|type) (\w+)/.exec(line)?.[1] ?? "") ? "" : line;
    if (!names.startsWith("{")) return has(names) ? "" : line;
    const left = names
      .slice(1, -1)
      .split(",")
      .filter((name) => !has(name.trim().replace(/^type /, "")));
    return `import {${left.join(",")}} from ${from};`;
  });
}

export function linksOf(page: string): Link[] {
  const links: Link[] = [];
  for (const [index, line] of prose(page).entries()) {
    for (const [, target = ""] of line.matchAll(/\]\(([^()\s]+)\)/g)) {
      if (/^[a-z]+:/.test(target)) continue;
      const [path = "", anchor] = target.split("#");
      const file = path === "" ? page : normalize(join(dirname(page), path));
      links.push({ at: `${page}:${index + 1}`, file, anchor });
    }
  }
  return links;
}

/** The anchors that GitHub makes of the headings of a page. */
export function anchorsOf(page: string): Set<string> {
  const anchors = new Set<string>();
  for (const line of prose(page)) {
    const heading = /^#{1,6} (.*)$/.exec(line)?.[1];
    if (heading === undefined) continue;
    const name = heading
      .replace(/\[([^\]]*)\]\([^)]*\)/g, "$1")
      .toLowerCase()
      .replace(/[^\p{L}\p{N} _-]/gu, "")
      .replaceAll(" ", "-");
    let anchor = name;
    for (let count = 1; anchors.has(anchor); count++) anchor = `${name}-${count}`;
    anchors.add(anchor);
  }
  return anchors;
}

/** The lines of a page, with those of fenced blocks left empty. */
function prose(page: string): string[] {
  return text(page)
    .replace(/^```[\s\S]*?^```$/gm, (block) => block.replace(/[^\n]/g, ""))
    .split("\n");
}
