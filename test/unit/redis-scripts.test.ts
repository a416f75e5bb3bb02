import { createHash } from "node:crypto";
import { runInNewContext } from "node:vm";
import { describe, expect, test } from "vitest";
import { redisScripts } from "../../src/stores/redis/scripts.ts";

describe("the SHA-1 of the scripts", () => {
  /** The scripts, on a server that knows none of them. */
  function start() {
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
      const { run, sent } = start();
      await run(name, ["key"], ["0"]);
      const [[, sha], [command, lua]] = sent as [[string, string], [string, string]];
      expect(command).toBe("EVAL");
      expect(sha).toBe(createHash("sha1").update(lua).digest("hex"));
    },
  );

  test("an answer of NOSCRIPT is known by what it says: in a vm context the client's Error is another", async () => {
    const sent: (string | undefined)[] = [];
    const send = async (_: string, ...[command]: string[]): Promise<unknown> => {
      sent.push(command);
      if (command === "EVALSHA") throw runInNewContext('new Error("NOSCRIPT No matching script.")');
      return 1;
    };
    expect(await redisScripts({ isCluster: false, send })("touch", ["key"], [])).toBe(1);
    expect(sent).toEqual(["EVALSHA", "EVAL"]);
  });

  test("is the same with every use, and the command is on its way when run() returns", async () => {
    const { run, sent } = start();
    await run("touch", ["key"], []);
    void run("touch", ["key"], []);
    expect(sent[2]).toEqual(sent[0]);
    expect(sent).toHaveLength(3);
  });
});
