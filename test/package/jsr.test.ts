import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { expect, test } from "vitest";
import { describeWith, service } from "../services.ts";
import { entries, root } from "./manifests.ts";

const run = promisify(execFile);
const deno = await service("deno");

describeWith(deno, "JSR", () => {
  test("deno publish --dry-run is content: types check, no slow types", async () => {
    expect(await failureOf("publish", "--dry-run", "--allow-dirty")).toBe("");
  }, 120_000);

  test("deno doc --lint is content: every public member is documented and every type it names is exported", async () => {
    const complaints =
      (await failureOf("doc", "--lint", ...entries.map(({ source }) => source))).match(/^error\[.*$/gm) ?? [];
    // Hono's own type is documented by Hono; re-exporting it would ask for all that it names in turn
    expect(complaints).toEqual([
      "error[private-type-ref]: public type 'honoSession' references private type 'MiddlewareHandler'",
    ]);
  }, 120_000);
});

/** What Deno printed if it failed. */
function failureOf(...args: string[]): Promise<string> {
  return run(deno.path ?? "deno", args, {
    cwd: root,
    env: { ...process.env, NO_COLOR: "1", DENO_NO_UPDATE_CHECK: "1" },
  }).then(
    () => "",
    (error: { stdout: string; stderr: string }) => `${error.stdout}\n${error.stderr}`,
  );
}
