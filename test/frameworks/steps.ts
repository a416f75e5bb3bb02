/** The conversation with an application of a framework: one story over HTTP, told to every one of them. */
import { expect } from "vitest";
import type { RunningApp } from "./run.ts";
import { lookWith, type Visitor, visitor } from "./visitor.ts";

/** What a step needs of a framework, beside pages and forms. */
export type Need = "clock" | "stream" | "error" | "foreign form" | "plain cookie" | "vary";

export interface Step {
  readonly name: string;
  readonly needs: readonly Need[];
  run(site: Site): Promise<void>;
}

/** The application, as a step sees it. */
export interface Site extends Pick<RunningApp, "url" | "advance"> {
  readonly mode: "production" | "dev";
  /** Somebody new. */
  visitor(): Visitor;
}

/** Seconds; the idle limit of the site. */
const idle = 3_600;
const minute = 60;

const production = ["httponly", "path=/", "samesite=lax", "secure"];

export const steps: readonly Step[] = [
  {
    name: "a visit without a cookie leaves nothing behind",
    needs: [],
    async run(site) {
      const page = await site.visitor().look();
      expect([page.user, page.flash, page.count]).toEqual(["", "", 0]);
      expect(page.response.headers.getSetCookie()).toEqual([]);
    },
  },
  {
    name: "the sign-in sets one cookie: Secure in production, one that Safari takes on localhost in development",
    needs: ["plain cookie"],
    async run(site) {
      const response = await signIn(site.visitor());
      const lines = response.headers.getSetCookie().filter((line) => line.includes("session="));
      expect(lines).toHaveLength(1);
      const [pair = "", ...attributes] = (lines[0] ?? "").split(/; */);
      expect(pair).toMatch(site.mode === "dev" ? /^session=[\w-]{43}$/ : /^__Host-Http-session=[\w-]{43}$/);
      const expected = site.mode === "dev" ? production.filter((name) => name !== "secure") : production;
      expect(attributes.map((text) => text.toLowerCase()).sort()).toEqual(expected);
    },
  },
  {
    name: "the page after the framework's redirect knows the user, and shows the notice once",
    needs: [],
    async run(site) {
      const anna = site.visitor();
      const response = await signIn(anna);
      expect(new URL(response.headers.get("location") ?? "", site.url).pathname).toBe("/");
      const page = await anna.look();
      expect([page.user, page.flash]).toEqual(["anna", "Welcome, anna"]);
      const again = await anna.look();
      expect([again.user, again.flash]).toEqual(["anna", ""]);
    },
  },
  {
    name: "a page that only reads keeps the session alive",
    needs: ["clock"],
    async run(site) {
      const anna = site.visitor();
      await signIn(anna);
      for (let visit = 0; visit < 3; visit++) {
        await site.advance(idle - minute);
        expect((await anna.look("/me")).user).toBe("anna");
      }
      await site.advance(idle + minute);
      expect((await anna.look("/me")).user).toBe("");
    },
  },
  {
    name: "a page that looks at the session while it streams is kept by no cache",
    needs: ["stream"],
    async run(site) {
      const anna = site.visitor();
      await signIn(anna);
      await anna.send("/count");
      const { user, count, response } = await anna.look("/stream");
      expect([user, count]).toEqual(["anna", 1]);
      expectPrivate(response);
    },
  },
  {
    name: "its Vary names Cookie too",
    needs: ["stream", "vary"],
    async run(site) {
      const anna = site.visitor();
      await signIn(anna);
      for (const path of ["/", "/stream"])
        expect((await anna.look(path)).response.headers.get("vary")).toMatch(/\bCookie\b/i);
    },
  },
  {
    name: "parallel writes are all kept",
    needs: [],
    async run(site) {
      const anna = site.visitor();
      await signIn(anna);
      const answers = await Promise.all(Array.from({ length: 10 }, () => anna.send("/count")));
      for (const answer of answers) expectRedirect(answer);
      expect((await anna.look("/me")).count).toBe(10);
    },
  },
  {
    name: "what was set before the framework's own error is kept",
    needs: ["error"],
    async run(site) {
      const anna = site.visitor();
      await signIn(anna);
      await anna.look();
      expect((await anna.send("/fail")).status).toBe(404);
      const page = await anna.look();
      expect([page.user, page.flash]).toEqual(["anna", "Not there"]);
    },
  },
  {
    name: "a form on a page of another origin changes nothing",
    needs: ["foreign form"],
    async run(site) {
      const anna = site.visitor();
      await signIn(anna);
      const response = await anna.send(
        "/count",
        {},
        { origin: "https://evil.example", "sec-fetch-site": "cross-site" },
      );
      expect(response.status).toBeGreaterThanOrEqual(400);
      const { user, count } = await anna.look("/me");
      expect([user, count]).toEqual(["anna", 0]);
    },
  },
  {
    name: "the sign-out ends the session at once, and the browser has no cookie any more",
    needs: [],
    async run(site) {
      const anna = site.visitor();
      await signIn(anna);
      const cookie = anna.cookie();
      expectRedirect(await anna.send("/logout"));
      expect(anna.cookie()).toBe("");
      expect((await lookWith(site.url, cookie)).user).toBe("");
    },
  },
  {
    name: "the back button shows nothing after the sign-out",
    needs: [],
    async run(site) {
      const anna = site.visitor();
      await signIn(anna);
      const page = await anna.look();
      expect(page.user).toBe("anna");
      // So that a browser asks again, and no cache answers in the server's place
      expectPrivate(page.response);
      await anna.send("/logout");
      expect((await anna.look()).user).toBe("");
    },
  },
  {
    name: "no cookie that was ever set opens anything after the sign-out",
    needs: [],
    async run(site) {
      const anna = site.visitor();
      const cookies = new Set<string>();
      for (const act of [() => anna.send("/count"), () => signIn(anna), () => anna.look(), () => signIn(anna)]) {
        await act();
        cookies.add(anna.cookie());
      }
      expect(cookies.size).toBeGreaterThan(2);
      await anna.send("/logout");
      for (const cookie of cookies) {
        const { user, count } = await lookWith(site.url, cookie, "/me");
        expect([user, count]).toEqual(["", 0]);
      }
    },
  },
];

/** What steps get of an application that runs. */
export function siteOf({ url, advance }: RunningApp, mode: Site["mode"], forms: boolean | undefined): Site {
  return { url, advance, mode, visitor: () => visitor(url, forms) };
}

async function signIn(who: Visitor): Promise<Response> {
  const response = await who.send("/login", { user: "anna" });
  expectRedirect(response);
  return response;
}

/** The framework's own: most send a 303, some the older 302. */
function expectRedirect({ status }: Response): void {
  expect([302, 303]).toContain(status);
}

function expectPrivate({ headers }: Response): void {
  expect(headers.get("cache-control")).toMatch(/\bno-store\b/);
}
