import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { describeWith, service } from "../services.ts";

interface Sum {
  readonly lost: number;
  readonly refused: number;
  readonly revived: number;
}

const server = fileURLToPath(new URL("load/server.js", import.meta.url));
const VISITORS = 1_000;

/** Two processes that share a Redis, and visitors who go back and forth between them. */
async function load(entry: string): Promise<Sum> {
  const namespace = `express-load-${process.pid}-${Date.now()}`;
  const processes: ChildProcess[] = [0, 1].map(() => fork(server, [entry, namespace]));
  try {
    const ready = await Promise.all(processes.map((one) => once(one, "message")));
    const origins = ready.map(([{ port }]) => `http://localhost:${port}`);
    const place = "./load/visitors.js";
    const { visitAll } = (await import(place)) as {
      visitAll(count: number, atOnce: number, origins: string[]): Promise<Sum>;
    };
    return await visitAll(VISITORS, 32, origins);
  } finally {
    for (const one of processes) one.send("stop");
    await Promise.all(processes.map((one) => one.exitCode ?? once(one, "exit")));
  }
}

describeWith([await service("express-packages"), await service("redis")], "Passport and flash under load", () => {
  test(`${VISITORS} visitors with overlapping logins, logouts and flashes in two processes: nothing is lost, nobody comes back`, async ({
    annotate,
  }) => {
    const ours = await load(new URL("../../dist", import.meta.url).href);
    const theirs = await load("express-session");
    await annotate(`express-session in the same run: ${JSON.stringify(theirs)}`);
    expect(ours).toEqual({ lost: 0, refused: 0, revived: 0 });
    // Else the load overlaps nothing, and the line above says nothing
    expect(theirs.lost).toBeGreaterThan(0);
  }, 120_000);
});
