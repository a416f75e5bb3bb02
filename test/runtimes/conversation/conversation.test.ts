import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { service } from "../../services.ts";
import type { Running } from "../harness.ts";
import { createProject } from "./project.ts";
import { servers } from "./servers.ts";
import { steps } from "./steps.ts";

const project = createProject();
afterAll(() => project.remove());

// The names of the suites and tests are the columns and rows of the table that table.ts prints
for (const { name: server, service: needed, example, controlled, cannot } of servers) {
  describe(server, () => {
    let running: { example: Running; controlled: Running } | undefined;
    let missing: string | undefined;

    beforeAll(async () => {
      const runtime = needed && (await service(needed));
      if (runtime && !runtime.available) {
        missing = runtime.reason;
        return;
      }
      const program = runtime?.path ?? process.execPath;
      const withClock = await controlled(project.folder, program);
      running = { controlled: withClock, example: withClock };
      if (example) running.example = await example(project.folder, program);
    });
    afterAll(async () => {
      for (const server of new Set(Object.values(running ?? {}))) await server.stop();
    });

    for (const { name, needs, run } of steps) {
      test(name, async ({ skip }) => {
        const reason = missing ?? needs.map((need) => cannot?.[need]).find((why) => why !== undefined);
        if (missing !== undefined && process.env.REQUIRE_SERVICES === "1")
          throw new Error(`REQUIRE_SERVICES=1, but ${missing}`);
        if (reason !== undefined || running === undefined) return skip(reason);
        const { url } = needs.includes("clock") ? running.controlled : running.example;
        await run({ url, advance: (seconds) => putForward(url, seconds) });
      });
    }
  });
}

async function putForward(url: string, seconds: number): Promise<void> {
  const response = await fetch(`${url}/clock?by=${seconds * 1000}`, { method: "POST" });
  expect(response.status).toBe(200);
  await response.body?.cancel();
}
