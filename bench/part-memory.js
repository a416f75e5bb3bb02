import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const run = promisify(execFile);

/** Bytes per session and the longest stall: memory.js, on the newest Node that was asked for. */
export async function measure({ runtimes, quick }) {
  const node = runtimes.findLast(({ name }) => name === "node");
  if (node === undefined) return { skipped: "it needs Node" };
  const script = fileURLToPath(new URL("memory.js", import.meta.url));
  const { stdout } = await run(
    node.command[0],
    ["--expose-gc", script, ...(quick ? ["20000"] : ["200000", "1000000"])],
    {
      maxBuffer: 1e7,
    },
  );
  return { text: stdout.trim() };
}

export const print = ({ text, skipped }) => text ?? `Memory: skipped, ${skipped}`;
