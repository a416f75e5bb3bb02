import { expect, test } from "vitest";
import { root, runProgram, startWorker } from "../runtimes/harness.ts";
import { OLD, type OldCookies, SECRET, type Story } from "../runtimes/migrate/adopt.ts";
import { describeWith, service, testWith } from "../services.ts";
import { sourcePaths } from "../support/sources.ts";
import { load } from "./peer.ts";

const [bun, deno] = [await service("bun"), await service("deno")];
const program = "test/runtimes/migrate/run.ts";

describeWith(await service("migration-peers"), "cookies that the old libraries made, taken over inside", () => {
  test.each([false, true])("workerd, with nodejs_compat: %s", async (nodejsCompat) => {
    const worker = await startWorker({ entry: "test/runtimes/migrate/worker.ts", nodejsCompat });
    try {
      const response = await fetch(worker.url, { method: "POST", body: JSON.stringify(await cookies()) });
      expect(await response.json(), worker.output()).toEqual(stories);
    } finally {
      await worker.stop();
    }
  });

  testWith(bun, "Bun", async () => expect(await run(bun.path, sourcePaths, program)).toEqual(stories));

  // No permission is asked for: the core needs none
  testWith(deno, "Deno", async () => {
    expect(await run(deno.path, "run", "--quiet", "--no-lock", "--no-prompt", program)).toEqual(stories);
  });
});

const story: Omit<Story, "removed"> = {
  first: [OLD.user, OLD.cart],
  again: [OLD.user, OLD.cart],
  afterLogout: [null, null],
  forged: [null, null],
};
const stories: Record<string, Story> = {
  "express-session": { ...story, removed: ["connect.sid"] },
  "cookie-session": { ...story, removed: ["session", "session.sig"] },
  "iron-session": { ...story, removed: ["iron"] },
};

async function run(runtime = "", ...args: string[]): Promise<unknown> {
  const options = { cwd: root, timeout: 60_000 };
  return JSON.parse(await runProgram(runtime, [...args, JSON.stringify(await cookies())], options));
}

/** By the packages with which the libraries sign and seal. */
async function cookies(): Promise<Record<string, OldCookies>> {
  const [{ default: signature }, { default: Keygrip }] = [await load("cookie-signature"), await load("keygrip")];
  const { sealData } = await load("iron-session-8");
  const made: Record<string, (secret: string) => Promise<string> | string> = {
    "express-session": (secret) => `connect.sid=${encodeURIComponent(`s:${signature.sign("one", secret)}`)}`,
    "cookie-session": (secret) => {
      const pair = `session=${btoa(JSON.stringify(OLD))}`;
      return `${pair}; session.sig=${new Keygrip([secret]).sign(pair)}`;
    },
    "iron-session": async (password) => `iron=${encodeURIComponent(await sealData(OLD, { password }))}`,
  };
  const both = Object.entries(made).map(async ([name, make]) => {
    return [name, { right: await make(SECRET), forged: await make(SECRET.toUpperCase()) }] as const;
  });
  return Object.fromEntries(await Promise.all(both));
}
