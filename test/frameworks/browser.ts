/**
 * The conversation in a real Chromium, for frameworks whose pages change without a load. The home page has the forms
 * `login` (field `user`), `logout` and `count`, and pages have the paragraphs `user`, `flash`, `count` and the links `to-stream` and `to-home`.
 */
import { type Browser, type BrowserContext, chromium, type Page } from "playwright-core";
import { expect } from "vitest";

export interface BrowserStep {
  readonly name: string;
  readonly needsClientNavigation?: boolean;
  run(url: string, window: BrowserContext): Promise<void>;
}

export interface OpenBrowser {
  /** A window of its own, with its own cookies. */
  inWindow(run: (window: BrowserContext) => Promise<void>): Promise<void>;
  close(): Promise<void>;
}

export async function openBrowser(executablePath: string | undefined): Promise<OpenBrowser> {
  const browser: Browser = await chromium.launch({
    ...(executablePath !== undefined && { executablePath }),
    args: ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-first-run"],
  });
  return {
    async inWindow(run) {
      const window = await browser.newContext();
      try {
        await run(window);
      } finally {
        await window.close();
      }
    },
    close: () => browser.close(),
  };
}

export const browserSteps: readonly BrowserStep[] = [
  {
    name: "the notice after the sign-in is there, and gone with the next load",
    async run(url, window) {
      const page = await signedIn(url, window);
      await page.locator("#flash", { hasText: "Welcome, anna" }).waitFor();
      await open(page, url);
      expect(await shown(page)).toEqual(["anna", "", "0"]);
    },
  },
  {
    name: "two tabs that write at once lose nothing",
    async run(url, window) {
      const tabs = [await signedIn(url, window), await window.newPage()] as const;
      await open(tabs[1], url);
      const clicks = 5;
      await Promise.all(
        tabs.map(async (tab) => {
          for (let n = 0; n < clicks; n++) await submit(tab, "count");
        }),
      );
      await open(tabs[0], url);
      expect(await shown(tabs[0])).toEqual(["anna", "", String(2 * clicks)]);
    },
  },
  {
    name: "following a link keeps the page and the session",
    needsClientNavigation: true,
    async run(url, window) {
      const page = await signedIn(url, window);
      await page.evaluate("globalThis.kept = true");
      await follow(page, "to-stream", "anna");
      await follow(page, "to-home", "anna");
      expect(await page.evaluate("globalThis.kept")).toBe(true);
    },
  },
  {
    name: "a tab whose user signed out in another one shows nobody after following a link",
    async run(url, window) {
      const page = await signedIn(url, window);
      const other = await window.newPage();
      await open(other, url);
      await submit(other, "logout");
      await other.locator("#user:empty").waitFor({ state: "attached" });
      expect(await window.cookies()).toEqual([]);
      await follow(page, "to-stream", "");
    },
  },
  {
    name: "the back button shows nobody after the sign-out",
    async run(url, window) {
      const page = await signedIn(url, window);
      await follow(page, "to-stream", "anna");
      await follow(page, "to-home", "anna");
      await submit(page, "logout");
      await page.locator("#user:empty").waitFor({ state: "attached" });
      await page.goBack();
      await page.locator("#user:empty").waitFor({ state: "attached" });
    },
  },
];

async function signedIn(url: string, window: BrowserContext): Promise<Page> {
  const page = await window.newPage();
  await open(page, url);
  await page.locator("form#login input[name=user]").fill("anna");
  await submit(page, "login");
  await page.locator("#user", { hasText: "anna" }).waitFor();
  return page;
}

/** A page whose scripts run: a click before that is a plain form, which must work as well but is not what is meant here. */
async function open(page: Page, url: string): Promise<void> {
  await page.goto(url, { waitUntil: "networkidle" });
}

/** Sends a form, and waits until what it brought is there. */
async function submit(page: Page, id: string): Promise<void> {
  const answer = page.waitForResponse((response) => response.request().method() === "POST");
  await page.locator(`form#${id} button`).click();
  await answer;
  await page.waitForLoadState("networkidle");
}

async function follow(page: Page, link: string, user: string): Promise<void> {
  const path = link === "to-home" ? "/" : "/stream";
  await page.locator(`#${link}`).click();
  await page.waitForURL((url) => url.pathname === path);
  await page
    .locator(user === "" ? "#user:empty" : "#user", user === "" ? {} : { hasText: user })
    .first()
    .waitFor({ state: "attached" });
}

async function shown(page: Page): Promise<string[]> {
  return Promise.all(["user", "flash", "count"].map(async (id) => (await page.locator(`p#${id}`).innerText()).trim()));
}
