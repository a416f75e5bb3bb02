/**
 * Holds the conversation with the application of a framework: built by its own tool and started as in production, and
 * started by its development server. The applications of one folder belong into one test file: files run in parallel.
 */
import { afterAll, beforeAll, describe, test } from "vitest";
import { type ServiceName, service } from "../services.ts";
import type { Framework } from "./apps.ts";
import { browserSteps, type OpenBrowser, openBrowser } from "./browser.ts";
import { installInto } from "./install.ts";
import { type Command, folderOf, isInstalled, type RunningApp, runIn, startApp } from "./run.ts";
import { type Site, siteOf, steps } from "./steps.ts";

/** The names of the suites and tests are the columns and rows of the table that ../runtimes/conversation/table.ts prints. */
export function conversationWith(framework: Framework): void {
  describe(framework.name, () => {
    hold(framework, framework.start, "production");
    if (framework.types)
      test("its types hold", async ({ skip }) => {
        const missing = await missingOf(framework);
        if (missing !== undefined) return skip(missing);
        await runIn(framework, framework.types as Command);
      }, 120_000);
  });
  const { dev } = framework;
  if (dev) describe(`${framework.name}, development`, () => hold(framework, dev, "dev"));
}

function hold(framework: Framework, command: Command, mode: Site["mode"]): void {
  const { build, forms, cannot = {} } = framework;
  let missing: string | undefined;
  let app: RunningApp | undefined;
  let browser: OpenBrowser | undefined;

  beforeAll(async () => {
    missing = await missingOf(framework);
    if (missing !== undefined) return;
    install(folderOf(framework));
    if (mode === "production" && build) await runIn(framework, build);
    app = await startApp(framework, command, mode);
  }, 300_000);
  afterAll(async () => {
    await browser?.close();
    await app?.stop();
  });

  for (const { name, needs, run } of steps) {
    test(name, async ({ skip }) => {
      const reason = missing ?? needs.map((need) => cannot[need]).find((why) => why !== undefined);
      if (reason !== undefined || app === undefined) return skip(reason);
      await run(siteOf(app, mode, forms)).catch((error: unknown) => {
        throw new Error(`${error instanceof Error ? error.message : error}\n${app?.output().slice(-4_000)}`, {
          cause: error,
        });
      });
    }, 60_000);
  }

  for (const { name, needsClientNavigation, run } of framework.browser ? browserSteps : []) {
    test(`in Chromium: ${name}`, async ({ skip }) => {
      const chromium = await service("chromium");
      const reason = missing ?? (chromium.available ? undefined : lacking(chromium.reason));
      if (reason !== undefined || app === undefined) return skip(reason);
      if (needsClientNavigation && framework.browser?.reloads) return skip(framework.browser.reloads);
      browser ??= await openBrowser(chromium.path);
      await browser.inWindow((window) => run(app?.url ?? "", window));
    }, 120_000);
  }
}

const installed = new Set<string>();

function install(folder: string): void {
  if (!installed.has(folder)) installInto(folder);
  installed.add(folder);
}

/** Why this machine cannot run an application; fails for it with REQUIRE_SERVICES=1. */
async function missingOf(framework: Framework): Promise<string | undefined> {
  const { folder, runtime, needs = [] } = framework;
  if (!isInstalled(framework)) return lacking(`npm ci --prefix test/frameworks/${folder} was not run`);
  const names: ServiceName[] = [...needs, ...(runtime ? [runtime] : [])];
  const missing = (await Promise.all(names.map(service))).find(({ available }) => !available);
  return missing && lacking(missing.reason);
}

function lacking(reason: string): string {
  if (process.env.REQUIRE_SERVICES === "1") throw new Error(`REQUIRE_SERVICES=1, but ${reason}`);
  return reason;
}
