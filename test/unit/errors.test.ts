import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { SessionError, type SessionErrorCode } from "../../src/index.ts";

const page = readFileSync(new URL("../../docs/errors.md", import.meta.url), "utf8");
const rows = [...page.matchAll(/^\| \[`(\w+)`\]\(#\w+\) \| .* \| (\d+) \| /gm)];

test("every error has the status that docs/errors.md names", () => {
  expect(rows.length).toBeGreaterThan(8);
  for (const [, code, status] of rows)
    expect([code, new SessionError(code as SessionErrorCode, "").status]).toEqual([code, Number(status)]);
});
