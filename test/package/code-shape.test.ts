import ts from "typescript";
import { describe, expect, test } from "vitest";
import { filesUnder, text } from "./manifests.ts";

const files = [...filesUnder("src", ".ts"), ...filesUnder("adapters", ".ts")];

/** Functions over 60 lines, each with the reason for which it is left whole. Whoever shortens one removes it here. */
const LONG: Record<string, string> = {
  "src/rules/options.ts resolveOptions": "one option after another, each default beside its check; it has no branches",
  "src/stores/cached.ts cachedStore": "five short functions that share the map of reads under way",
  "src/stores/memory/slots.ts createSlots":
    "on the hot path: short functions over arrays that stay local to the closure",
  "src/stores/memory/slot-table.ts createSlotTable": "on the hot path: short functions over pages local to the closure",
  "src/stores/unstorage.ts unstorageStore": "the methods of a store, each short, over one storage, clock and queue",
  "adapters/deno.ts denoKvStore": "the methods of a store, each short, over one database, prefix and clock",
  "adapters/workers/kv-store.ts kvStore": "the methods of a store, each short, over one namespace, prefix and clock",
  "adapters/workers/durable-object-store.ts durableObjectStore":
    "the methods of a store, each short, over one namespace",
};

describe("the shape of src and adapters", () => {
  test("no file is longer than 250 lines", () => {
    const lengths = files.map((file) => ({ file, lines: text(file).trimEnd().split("\n").length }));
    expect(lengths.filter(({ lines }) => lines > 250)).toEqual([]);
  });

  test("no function is longer than 60 lines, except those with a reason", () => {
    const functions = files.flatMap(functionsOf);
    expect(functions.length).toBeGreaterThan(500);
    const long = functions.filter(({ lines }) => lines > 60).map(({ name }) => name);
    expect(long.sort()).toEqual(Object.keys(LONG).sort());
  });

  // Strings are code and are left to the formatter; a URL cannot be broken.
  test("no line of a comment is wider than 120 columns", () => {
    const lines = files.flatMap((file) =>
      text(file)
        .split("\n")
        .map((line, at) => ({ at: `${file}:${at + 1}`, line })),
    );
    const comments = lines.filter(({ line }) => /^\s*(?:\/\/|\/?\*)/.test(line));
    expect(comments.length).toBeGreaterThan(1_000);
    expect(comments.filter(({ line }) => line.length > 120 && !line.includes("://")).map(({ at }) => at)).toEqual([]);
  });
});

function functionsOf(file: string): { name: string; lines: number }[] {
  const source = ts.createSourceFile(file, text(file), ts.ScriptTarget.Latest, true);
  const lineAt = (position: number): number => source.getLineAndCharacterOfPosition(position).line;
  const found: { name: string; lines: number }[] = [];
  const visit = (node: ts.Node): void => {
    if (ts.isFunctionLike(node) && "body" in node && node.body) {
      const name = node.name?.getText() ?? (ts.isVariableDeclaration(node.parent) ? node.parent.name.getText() : "?");
      found.push({ name: `${file} ${name}`, lines: lineAt(node.end) - lineAt(node.getStart()) + 1 });
    }
    ts.forEachChild(node, visit);
  };
  visit(source);
  return found;
}
