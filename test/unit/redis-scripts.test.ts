import { createHash } from "node:crypto";
import { afterEach, describe, expect, test, vi } from "vitest";

afterEach(() => {
  vi.restoreAllMocks();
  vi.resetModules();
});

describe("the SHA-1 of the scripts", () => {
  /** The scripts, on a server that knows none of them. */
  async function start() {
    vi.resetModules();
    const { redisScripts } = await import("../../src/stores/redis/scripts.ts");
    const sent: string[][] = [];
    const send = async (_: string, ...command: string[]): Promise<unknown> => {
      sent.push(command);
      if (command[0] === "EVALSHA") throw new Error("NOSCRIPT No matching script. Please use EVAL.");
      return 1;
    };
    return { run: redisScripts({ isCluster: false, send }), sent };
  }

  test.each(["write", "touch", "delete", "deleteAny", "index"] as const)(
    "is what Redis computes of the text: %s",
    async (name) => {
      const { run, sent } = await start();
      await run(name, ["key"], ["0"]);
      const [[, sha], [command, lua]] = sent as [[string, string], [string, string]];
      expect(command).toBe("EVAL");
      expect(sha).toBe(createHash("sha1").update(lua).digest("hex"));
    },
  );

  test("is computed for the first use of a script and no more", async () => {
    const digest = vi.spyOn(crypto.subtle, "digest");
    const { run, sent } = await start();
    expect(digest).not.toHaveBeenCalled();
    await run("touch", ["key"], []);
    expect(digest).toHaveBeenCalledTimes(1);
    await run("touch", ["key"], []);
    expect(digest).toHaveBeenCalledTimes(1);
    expect(sent[2]).toEqual(sent[0]);
    // From then on it does not even wait a turn: the command is on its way when run() returns
    void run("touch", ["key"], []);
    expect(sent).toHaveLength(5);
  });
});
