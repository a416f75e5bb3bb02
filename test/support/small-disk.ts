// cspell:ignore tmpfs nosuid
/** A disk that can be filled: a few megabytes of memory, mounted. Only root may do that. */
import { spawnSync } from "node:child_process";
import { closeSync, mkdtempSync, openSync, rmdirSync, rmSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

export interface SmallDisk {
  readonly path: string;
  /** Takes all the room that is left. */
  fill(): void;
  /** Gives it back. */
  free(): void;
  close(): void;
}

/** Why this machine cannot have one; undefined where it can. */
export function withoutSmallDisk(): string | undefined {
  if (reason === undefined) {
    try {
      mountSmallDisk(1).close();
      reason = "";
    } catch (error) {
      reason = error instanceof Error ? error.message : String(error);
    }
  }
  return reason === "" ? undefined : reason;
}
let reason: string | undefined;

/** `owner`: the user whose files it takes. */
export function mountSmallDisk(megabytes: number, owner = "root"): SmallDisk {
  const path = mkdtempSync(join(tmpdir(), "sojourn-disk-"));
  const made = run("mount", "-t", "tmpfs", "-o", `size=${megabytes}m,mode=0700,nosuid`, "sojourn-tests", path);
  if (made !== undefined) {
    rmdirSync(path);
    throw new Error(`no disk can be mounted: ${made}`);
  }
  if (owner !== "root") run("chown", `${owner}:`, path);
  const filler = join(path, "filler");
  const close = (): void => {
    process.off("exit", close);
    run("umount", "-l", path);
    rmSync(path, { recursive: true, force: true });
  };
  process.once("exit", close);
  return {
    path,
    fill() {
      const file = openSync(filler, "a");
      for (let size = 1_048_576; size >= 1; ) {
        try {
          if (writeSync(file, Buffer.alloc(size)) < size) throw new Error("full");
        } catch {
          size = Math.floor(size / 2);
        }
      }
      closeSync(file);
    },
    free: () => rmSync(filler, { force: true }),
    close,
  };
}

/** Undefined when all went well. */
function run(program: string, ...args: string[]): string | undefined {
  const { status, stderr, error } = spawnSync(program, args, { encoding: "utf8" });
  return status === 0 ? undefined : (error?.message ?? stderr.trim());
}
