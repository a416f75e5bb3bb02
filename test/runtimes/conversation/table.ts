/** Prints the conversations as tables when all tests are done: rows are their steps, columns the servers or frameworks. */
import type { TestCase, TestModule, TestProject } from "vitest/node";

/** A global setup, because those run with every reporter. Returns what is called at the end. */
export default function setup({ vitest }: TestProject): () => void {
  return () => {
    const all = vitest.state.getTestModules();
    for (const [title, files] of tables) {
      const table = tableOf(title, all.filter(({ moduleId }) => files.test(moduleId)).flatMap(cellsOf));
      if (table !== "") console.log(table);
    }
  };
}

const tables: [title: string, files: RegExp][] = [
  ["The conversation", /\/runtimes\/conversation\/conversation\.test\.ts$/],
  ["The conversation with frameworks", /\/frameworks\/[\w-]+\.test\.ts$/],
];

interface Cell {
  readonly row: string;
  readonly column: string;
  readonly state: "ok" | "FAIL" | "skipped" | "";
  readonly reason: string;
}

function cellsOf(module: TestModule): Cell[] {
  return [...module.children.allTests()].map((test) => ({
    row: test.name,
    column: test.parent.type === "suite" ? test.parent.name : "",
    ...stateOf(test),
  }));
}

function stateOf(test: TestCase): Pick<Cell, "state" | "reason"> {
  const result = test.result();
  if (result.state === "passed") return { state: "ok", reason: "" };
  if (result.state === "failed") return { state: "FAIL", reason: "" };
  // Not asked for, as with `-t`
  return result.state === "skipped" && result.note !== undefined
    ? { state: "skipped", reason: result.note }
    : { state: "", reason: "" };
}

export function tableOf(title: string, cells: readonly Cell[]): string {
  const shown = cells.filter(({ state }) => state !== "");
  const rows = unique(shown.map(({ row }) => row));
  const columns = unique(shown.map(({ column }) => column));
  const reasons = unique(shown.map(({ reason }) => reason).filter(Boolean));
  const first = Math.max(title.length, ...rows.map((row) => row.length));
  const line = (head: string, texts: readonly string[]): string =>
    `${head.padEnd(first)} ${texts.map((text) => text.padStart(5)).join("")}`;
  const textOf = (row: string, column: string): string => {
    const cell = shown.find((one) => one.row === row && one.column === column);
    return cell?.state === "skipped" ? `(${letter(reasons.indexOf(cell.reason))})` : (cell?.state ?? "");
  };
  if (rows.length === 0) return "";
  return [
    "",
    line(
      title,
      columns.map((_, index) => String(index + 1)),
    ),
    ...rows.map((row) =>
      line(
        row,
        columns.map((column) => textOf(row, column)),
      ),
    ),
    "",
    ...columns.map((column, index) => `${String(index + 1).padStart(4)}  ${column}`),
    ...reasons.map((reason, index) => ` (${letter(index)})  skipped: ${reason}`),
    "",
  ].join("\n");
}

function unique(texts: readonly string[]): string[] {
  return [...new Set(texts)];
}

function letter(index: number): string {
  return String.fromCharCode(97 + index);
}
