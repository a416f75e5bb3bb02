import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "vitest";
import { describeWith, service } from "../../services.ts";
import { root, runProgram } from "../harness.ts";
import { denoStores, moreDenoTests } from "./deno-stores.ts";
import { reportStoreTests } from "./report.ts";
import type { Results } from "./store-tests.ts";

const deno = await service("deno");

describeWith(deno, "types inside Deno", () => {
  test("denoKvStore() takes a Deno.Kv, and wrap() is a handler of Deno.serve", async () => {
    const folder = mkdtempSync(join(tmpdir(), "sojourn-deno-"));
    const program = `
      import { createSessions } from "${root}src/index.ts";
      import { denoKvStore } from "${root}adapters/deno.ts";
      const sessions = createSessions<{ n: number }>({ store: denoKvStore(await Deno.openKv(), { prefix: ["a", 1] }) });
      Deno.serve(sessions.wrap((_request, session, info: Deno.ServeHandlerInfo) => Response.json([session.get("n"), info.remoteAddr])));
    `;
    writeFileSync(join(folder, "program.ts"), program);
    const args = [
      "check",
      "--quiet",
      "--no-lock",
      "--unstable-kv",
      "--config",
      "deno.json",
      join(folder, "program.ts"),
    ];
    await runProgram(deno.path ?? "deno", args).finally(() => rmSync(folder, { recursive: true }));
  });
});

describeWith(deno, "stores inside Deno", () => {
  reportStoreTests(
    async () => {
      const args = [
        "run",
        "--quiet",
        "--no-lock",
        "--allow-all",
        "--unstable-kv",
        "test/runtimes/stores/deno-runner.ts",
      ];
      const output = await runProgram(deno.path ?? "deno", args, { timeout: 100_000 });
      return JSON.parse(output.trim().split("\n").at(-1) ?? "") as Results;
    },
    denoStores,
    moreDenoTests,
  );
});
