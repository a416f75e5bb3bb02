import { expect, test } from "vitest";
import { tableOf } from "./table.ts";

test("the table has a row for each step, a column for each server, and the reason of each skip once", () => {
  const table = tableOf("The conversation", [
    { row: "a visit", column: "Node", state: "ok", reason: "" },
    { row: "a visit", column: "Bun", state: "skipped", reason: "bun is not installed" },
    { row: "a write", column: "Node", state: "FAIL", reason: "" },
    { row: "a write", column: "Bun", state: "skipped", reason: "bun is not installed" },
  ]);
  expect(table.split("\n")).toEqual([
    "",
    "The conversation     1    2",
    "a visit             ok  (a)",
    "a write           FAIL  (a)",
    "",
    "   1  Node",
    "   2  Bun",
    " (a)  skipped: bun is not installed",
    "",
  ]);
});

test("what was not run is not in the table, and without a cell there is none", () => {
  expect(tableOf("The conversation", [{ row: "a visit", column: "Node", state: "", reason: "" }])).toBe("");
});
