// cspell:ignore Kwynto
import { execFile } from "node:child_process";
import { cpSync, mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const run = promisify(execFile);

/** The origin's own server in Go, built from `directory` or from Go's module proxy; or why there is none. */
export async function originServer(directory) {
  let version;
  try {
    version = (await run("go", ["version"])).stdout.trim().split(" ")[2];
  } catch {
    return { skipped: "Go is not installed" };
  }
  const folder = mkdtempSync(join(tmpdir(), "session-bench-go-"));
  cpSync(fileURLToPath(new URL("origin/main.go", import.meta.url)), join(folder, "main.go"));
  const replace = directory
    ? `require github.com/Kwynto/gosession v0.0.0\nreplace github.com/Kwynto/gosession => ${directory}\n`
    : "";
  writeFileSync(join(folder, "go.mod"), `module bench\n\ngo 1.17\n${replace}`);
  try {
    if (!directory) await run("go", ["get", "github.com/Kwynto/gosession@latest"], { cwd: folder, timeout: 60_000 });
    await run("go", ["build", "-o", "server", "."], { cwd: folder, timeout: 120_000 });
  } catch (error) {
    return {
      skipped: `it cannot be built: ${String(error.stderr ?? error)
        .trim()
        .split("\n")
        .at(-1)}`,
    };
  }
  const title = `gosession, the origin, ${version}`;
  return {
    version,
    server: { id: "origin", title, store: "memory", kind: "go", file: join(folder, "server"), args: [] },
  };
}
