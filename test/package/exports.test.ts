import { join } from "node:path";
import ts from "typescript";
import { describe, expect, test } from "vitest";
import { entries, root } from "./manifests.ts";

const program = ts.createProgram(
  entries.map(({ types }) => join(root, types)),
  {
    target: ts.ScriptTarget.ES2022,
    module: ts.ModuleKind.NodeNext,
    moduleResolution: ts.ModuleResolutionKind.NodeNext,
    noEmit: true,
  },
);
const checker = program.getTypeChecker();

// The public surface is a promise. A name that comes or goes is a decision, and this snapshot is where it is seen.
describe("exported names", () => {
  test.each(entries)("$specifier", ({ types }) => {
    const file = program.getSourceFile(join(root, types));
    const module = file && checker.getSymbolAtLocation(file);
    if (!module) throw new Error(`${types} is not a module`);
    const names = checker
      .getExportsOfModule(module)
      .map((symbol) => `${isValue(symbol) ? "value" : "type"} ${symbol.name}`);
    expect(names.sort()).toMatchSnapshot();
  });
});

function isValue(symbol: ts.Symbol): boolean {
  const target = symbol.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(symbol) : symbol;
  return (target.flags & ts.SymbolFlags.Value) !== 0;
}
