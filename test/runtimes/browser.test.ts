import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer, type RequestListener, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { createSessions } from "@sojourn/session";
import { toNodeListener } from "@sojourn/session/node-listener";
import { type Browser, type BrowserContext, chromium, type LaunchOptions, type Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, expect, test, vi } from "vitest";
import { createSite } from "../../examples/site/site.js";
import { describeWith, service } from "../services.ts";

const installed = await service("chromium");

const launch: LaunchOptions = {
  ...(installed.path !== undefined && { executablePath: installed.path }),
  args: [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
  ],
  // Playwright switches it off; people have it on, and it is what could show a page again after the sign-out
  ignoreDefaultArgs: ["--disable-back-forward-cache"],
};

// Dozens of pages in a real browser, on a machine that may be busy with other tests
vi.setConfig({ testTimeout: 120_000 });

describeWith(installed, "the example site on Node, in Chromium", () => {
  let server: ChildProcess;
  const printed: string[] = [];
  let site: string;
  let browser: Browser;
  /** What a test opened, to be closed after it. */
  const opened: (() => Promise<unknown>)[] = [];

  beforeAll(async () => {
    server = spawn(process.execPath, ["examples/node/server.js"], {
      env: { ...process.env, PORT: "0" },
      stdio: ["ignore", "pipe", "inherit"],
    });
    if (server.stdout === null) throw new Error("the server has no output");
    const lines = createInterface(server.stdout).on("line", (line) => printed.push(line));
    await once(lines, "line");
    site = /https?:\S+/.exec(printed[0] ?? "")?.[0] ?? "";
    browser = await chromium.launch(launch);
  });

  afterEach(async () => {
    for (const close of opened.splice(0)) await close();
  });

  afterAll(async () => {
    await browser?.close();
    server?.kill("SIGKILL");
  });

  /** A browser window of its own, with its own cookies and with script switched off: the site must not need it. */
  async function newWindow(): Promise<BrowserContext> {
    const context = await browser.newContext({ javaScriptEnabled: false });
    opened.push(() => context.close());
    return context;
  }

  async function serve(listener: RequestListener, host?: string): Promise<string> {
    const server: Server = createServer(listener).listen(0, host);
    await once(server, "listening");
    opened.push(async () => {
      server.close().closeAllConnections();
    });
    return `http://${host ?? "localhost"}:${(server.address() as AddressInfo).port}`;
  }

  test("a visitor who looks around has no cookie; signing in sets one that is plain on http://localhost", async () => {
    const context = await newWindow();
    const page = await context.newPage();
    await page.goto(site);
    await page.getByRole("link", { name: "Sign in" }).click();
    await page.getByRole("heading", { name: "Sign in" }).waitFor();
    expect(await context.cookies()).toEqual([]);

    await signIn(page, "Ada");
    await page.getByRole("status").getByText("Signed in.").waitFor();
    expect(await context.cookies()).toEqual([
      expect.objectContaining({
        name: "session",
        domain: "localhost",
        path: "/",
        expires: -1,
        httpOnly: true,
        secure: false,
        sameSite: "Lax",
      }),
    ]);
    await page.reload();
    expect(await page.getByRole("status").count()).toBe(0);
  });

  test("with the default options Chromium takes the __Host-Http- cookie on http://localhost", async () => {
    const strict = await serve(toNodeListener(createSite(createSessions())));
    const context = await newWindow();
    const page = await context.newPage();
    await page.goto(`${strict}/account`);
    await signIn(page, "Ada");
    expect(await context.cookies()).toEqual([
      expect.objectContaining({
        name: "__Host-Http-session",
        path: "/",
        expires: -1,
        httpOnly: true,
        secure: true,
        sameSite: "Lax",
      }),
    ]);
    await page.goto(strict);
    await page.getByRole("heading", { name: "Good to have you, Ada." }).waitFor();
  });

  test("two tabs that shop at once lose nothing", async () => {
    const context = await newWindow();
    const tabs = [await context.newPage(), await context.newPage()] as const;
    await tabs[0].goto(`${site}/account`);
    await signIn(tabs[0], "Grace");
    for (const tab of tabs) await tab.goto(site);

    const clicks = 10;
    const shop = async (tab: Page, good: string): Promise<void> => {
      for (let i = 0; i < clicks; i++) await leave(tab, tab.getByRole("button", { name: `Add ${good} to the cart` }));
    };
    await Promise.all([shop(tabs[0], "Tin cup"), shop(tabs[1], "Tin cup")]);
    await Promise.all([shop(tabs[0], "Paper map"), shop(tabs[1], "Compass")]);

    for (const tab of tabs) {
      await tab.goto(site);
      const cart = tab.getByRole("region", { name: "Your cart" });
      expect(await cart.locator(".lines b").allTextContents()).toEqual([2 * clicks, clicks, clicks].map(String));
      expect(await cart.getByText("40 things").count()).toBe(1);
    }
  });

  test("one session signs out another one, and then all others", async () => {
    const pages: Page[] = [];
    for (let i = 0; i < 4; i++) {
      const page = await (await newWindow()).newPage();
      await page.goto(`${site}/account`);
      await signIn(page, "Linus");
      pages.push(page);
    }
    const [desk, ...others] = pages as [Page, ...Page[]];
    const whoIsIn = () =>
      Promise.all(
        others.map(async (page) => {
          await page.goto(`${site}/account`);
          return page.getByRole("heading", { name: "Your stay, Linus" }).count();
        }),
      );

    await desk.goto(`${site}/account`);
    expect(await desk.getByText("This browser.").count()).toBe(1);
    await leave(desk, desk.getByRole("button", { name: "Sign out there" }).first());
    await desk.getByRole("status").getByText("Signed out there.").waitFor();
    expect((await whoIsIn()).sort()).toEqual([0, 1, 1]);

    await leave(desk, desk.getByRole("button", { name: "Sign out everywhere else" }));
    await desk.getByRole("status").getByText("2 sessions ended").waitFor();
    expect(await whoIsIn()).toEqual([0, 0, 0]);
    expect(await desk.getByRole("heading", { name: "Your stay, Linus" }).count()).toBe(1);
  });

  test("after the sign-out the back button shows nothing private, in no tab", async () => {
    const context = await newWindow();
    const page = await context.newPage();
    const otherTab = await context.newPage();
    await page.goto(`${site}/account`);
    await signIn(page, "Margaret");
    await leave(page, page.getByRole("link", { name: "Shop" }));
    await leave(page, page.getByRole("link", { name: "Your stay" }));
    await otherTab.goto(site);
    expect(await otherTab.content()).toContain("Margaret");

    await leave(page, page.getByRole("button", { name: "Sign out" }));
    await page.getByRole("heading", { name: "You are signed out" }).waitFor();
    expect(await context.cookies()).toEqual([]);
    for (const path of ["/account", "/", "/account"]) {
      await page.goBack({ timeout: 10_000 });
      expect(new URL(page.url()).pathname).toBe(path);
      expect(await page.content()).not.toContain("Margaret");
    }
    await otherTab.reload();
    expect(await otherTab.content()).not.toContain("Margaret");
  });

  test("nor when the sign-out came right after the sign-in", async () => {
    const page = await (await newWindow()).newPage();
    await page.goto(`${site}/account`);
    await signIn(page, "Margaret");
    await leave(page, page.getByRole("button", { name: "Sign out" }));
    // A page that comes back as it was, without being asked for again, never ends this wait
    await page.goBack({ timeout: 10_000 });
    expect(new URL(page.url()).pathname).toBe("/account");
    expect(await page.content()).not.toContain("Margaret");
  });

  test("who asked to be remembered is known after a restart of the browser, who did not is not", async () => {
    for (const remember of [true, false]) {
      const profile = await mkdtemp(join(tmpdir(), "sojourn-profile-"));
      opened.push(() => rm(profile, { recursive: true, force: true }));
      const openAccount = async () => {
        const context = await chromium.launchPersistentContext(profile, launch);
        const page = await context.newPage();
        await page.goto(`${site}/account`);
        return { context, page };
      };
      const before = await openAccount();
      if (remember) await before.page.getByLabel("Remember me").check();
      await signIn(before.page, "Barbara");
      expect(await before.page.content()).toContain("Your stay, Barbara");
      await before.context.close();

      const after = await openAccount();
      expect(await after.page.getByRole("heading", { name: "Your stay, Barbara" }).count()).toBe(remember ? 1 : 0);
      await after.context.close();
    }
  });

  test("a form on another site changes nothing", async () => {
    const form = `<form method="post" action="${site}/cart"><button name="add" value="lantern">A kitten</button></form>`;
    const elsewhere = await serve(
      (_, response) => response.setHeader("content-type", "text/html").end(form),
      "127.0.0.1",
    );
    const page = await (await newWindow()).newPage();
    await page.goto(site);
    await leave(page, page.getByRole("button", { name: "Add Paper map to the cart" }));
    await page.goto(elsewhere);
    await leave(page, page.getByRole("button", { name: "A kitten" }));
    await page.getByRole("heading", { name: "Not from there" }).waitFor();
    await page.goto(site);
    expect(await page.locator(".count").textContent()).toBe("Cart 1");
  });

  test("the server says one line and ends on SIGTERM", async () => {
    const exit = once(server, "exit");
    server.kill("SIGTERM");
    expect(await exit).toEqual([0, null]);
    expect(printed).toEqual([expect.stringMatching(/^The shop is open: http:\/\/localhost:\d+$/)]);
  });
});

async function signIn(page: Page, name: string): Promise<void> {
  await page.getByLabel("Your name").fill(name);
  await leave(page, page.getByRole("button", { name: "Sign in" }));
}

/** Clicks and waits until the next page is there: a second click on the page that is left would cancel the first. */
async function leave(page: Page, link: { click(): Promise<void> }): Promise<void> {
  await Promise.all([page.waitForEvent("load"), link.click()]);
}
