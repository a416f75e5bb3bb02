import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { expect, test } from "vitest";

const run = promisify(execFile);
const root = fileURLToPath(new URL("../..", import.meta.url));

// So that `npm test` alone finds a type that does not hold: `expectTypeOf` and `@ts-expect-error` are only looked at
// here.
test.each(["src", "adapters", "test", "examples"])(
  "tsconfig.%s.json has no type errors",
  async (project) => {
    const tsc = ["node_modules/typescript/bin/tsc", "--pretty", "false", "-p", `tsconfig.${project}.json`];
    const errors = await run(process.execPath, tsc, { cwd: root }).then(
      () => "",
      ({ stdout }: { stdout: string }) => stdout,
    );
    expect(errors).toBe("");
  },
  120_000,
);
