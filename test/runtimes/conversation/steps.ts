/** The conversation: one story over HTTP, told to every server. */
import { once } from "node:events";
import { get, type IncomingMessage } from "node:http";
import { expect } from "vitest";
import { cookiesOf, lookWith, sendWith, type Visitor, visitor } from "./visitor.ts";

/** A server that a step talks to. */
export interface Listener {
  readonly url: string;
  /** Puts the server's clock forward. */
  advance(seconds: number): Promise<void>;
}

export interface Step {
  readonly name: string;
  /**
   * What it takes of a server: a clock that can be put forward, rotation, a list of somebody's sessions, one place for
   * all that is written, a fetch handler, upgrades inside of it, Response.error(), a body that fails.
   */
  readonly needs: readonly Need[];
  run(server: Listener): Promise<void>;
}

export type Need = "clock" | "rotation" | "list" | "merge" | "fetch" | "upgrade" | "network error" | "broken body";

const minute = 60;
const hour = 60 * minute;
/** The times of the servers, in seconds. */
const idle = hour;
const absolute = 4 * hour;
const rotation = 15 * minute;
const grace = 30;

export const steps: readonly Step[] = [
  {
    name: "a visit without a cookie leaves nothing behind",
    needs: [],
    async run({ url }) {
      const page = await visitor(url).look();
      expect(page.cart.count).toBe(0);
      expect(page.session).toBeUndefined();
      expect(page.response.headers.getSetCookie()).toEqual([]);
      const planted = await lookWith(url, `session=${"A".repeat(43)}; session=; session="x"`);
      expect([planted.session, planted.response.headers.getSetCookie()]).toEqual([undefined, []]);
    },
  },
  {
    name: "a write sets one cookie that no script and no other site can use",
    needs: [],
    async run({ url }) {
      const response = await visitor(url).send("/cart", { add: "map" });
      expect(response.status).toBe(303);
      const [line, ...others] = response.headers.getSetCookie();
      expect(others).toEqual([]);
      expect(line).toMatch(/^session=[\w-]+; Path=\/; HttpOnly; SameSite=Lax$/);
    },
  },
  {
    name: "the page after the redirect sees the write",
    needs: [],
    async run({ url }) {
      const anna = visitor(url);
      for (let n = 1; n <= 3; n++) {
        const response = await anna.send("/cart", { add: "map" });
        const page = await anna.look(response.headers.get("location") ?? "");
        expect(page.cart.count).toBe(n);
      }
    },
  },
  {
    name: "a notice is shown once",
    needs: [],
    async run({ url }) {
      const anna = visitor(url);
      await anna.send("/cart", { add: "map" });
      expect((await anna.look()).notice).toContain("map");
      expect((await anna.look()).notice).toBeUndefined();
    },
  },
  {
    name: "signing in keeps the data under a new cookie, and the old one is dead",
    needs: [],
    async run({ url }) {
      const anna = visitor(url);
      await anna.send("/cart", { add: "map" });
      const before = anna.cookie();
      await signIn(anna, "anna");
      expect(anna.cookie()).not.toBe(before);
      const page = await anna.look();
      expect([page.name, page.cart.count]).toEqual(["anna", 1]);
      await expectDead(url, before);
    },
  },
  {
    name: "twenty parallel writes are all kept",
    needs: ["merge"],
    async run({ url }) {
      const anna = visitor(url);
      await anna.send("/cart", { add: "map" });
      const cookie = anna.cookie();
      const answers = await Promise.all(Array.from({ length: 20 }, () => anna.send("/cart", { add: "map" })));
      expect(answers.map(({ status }) => status)).toEqual(Array(20).fill(303));
      expect(answers.flatMap(cookiesOf)).toEqual([]);
      expect(anna.cookie()).toBe(cookie);
      expect((await anna.look()).cart.count).toBe(21);
    },
  },
  {
    name: "a rotation under parallel requests loses no write and nobody",
    needs: ["clock", "rotation"],
    async run({ url, advance }) {
      const anna = visitor(url);
      await signIn(anna, "anna");
      const before = anna.cookie();
      await advance(rotation + 1);
      const answers = await Promise.all(
        Array.from({ length: 10 }, () => sendWith(url, before, "/cart", { add: "map" })),
      );
      expect(answers.map(({ status }) => status)).toEqual(Array(10).fill(303));
      const offered = new Set(answers.flatMap(cookiesOf));
      expect(offered.size).toBe(1);
      const page = await lookWith(url, `session=${[...offered][0]}`);
      expect([page.name, page.cart.count]).toEqual(["anna", 10]);
      // A request that left before the rotation arrives after it
      await sendWith(url, before, "/cart", { add: "map" });
      expect((await lookWith(url, `session=${[...offered][0]}`)).cart.count).toBe(11);
    },
  },
  {
    name: "a rotation whose response got lost is offered again",
    needs: ["clock", "rotation"],
    async run({ url, advance }) {
      const anna = visitor(url);
      await signIn(anna, "anna");
      const before = anna.cookie();
      await advance(rotation + 1);
      const lost = cookiesOf((await lookWith(url, before)).response);
      expect(lost).toHaveLength(1);
      // Long after any grace: the client never saw the new cookie, so the old one is the one it has
      await advance(10 * minute);
      const page = await anna.look();
      expect(page.name).toBe("anna");
      expect(cookiesOf(page.response)).toEqual(lost);
      expect((await anna.look()).name).toBe("anna");
    },
  },
  {
    name: "a replaced cookie that comes back after its grace ends the session",
    needs: ["clock", "rotation"],
    async run({ url, advance }) {
      const anna = visitor(url);
      await signIn(anna, "anna");
      const stolen = anna.cookie();
      await advance(rotation + 1);
      await anna.look();
      expect((await anna.look()).name).toBe("anna"); // with the new cookie, which confirms it
      await advance(grace + 10); // clocks may differ by seconds
      expect((await lookWith(url, stolen)).name).toBeUndefined();
      expect((await anna.look()).name).toBeUndefined();
    },
  },
  {
    name: "a session ends when nobody comes, and lives on while somebody does",
    needs: ["clock"],
    async run({ url, advance }) {
      const anna = visitor(url);
      await signIn(anna, "anna");
      for (let visit = 0; visit < 3; visit++) {
        await advance(idle - minute);
        expect((await anna.look()).name).toBe("anna");
      }
      const cookie = anna.cookie();
      await advance(idle + 1);
      await expectDead(url, cookie);
    },
  },
  {
    name: "a session ends at its absolute limit, however busy",
    needs: ["clock"],
    async run({ url, advance }) {
      const anna = visitor(url);
      await signIn(anna, "anna");
      const visits = absolute / (idle / 2);
      for (let visit = 1; visit < visits; visit++) {
        await advance(idle / 2);
        expect((await anna.look()).name).toBe("anna");
      }
      const cookie = anna.cookie();
      await advance(idle / 2 + 1);
      await expectDead(url, cookie);
    },
  },
  {
    name: "another device is listed and signed out from here",
    needs: ["list"],
    async run({ url }) {
      const name = `anna ${crypto.randomUUID().slice(0, 8)}`;
      const [here, there] = [
        visitor(url),
        visitor(url, "Mozilla/5.0 (iPhone; CPU iPhone OS 19_0 like Mac OS X) Safari/605.1"),
      ];
      await signIn(here, name);
      await signIn(there, name);
      const { sessions } = await here.look("/account");
      expect(sessions.map(({ device, current }) => [device, current])).toEqual([
        ["Firefox on Linux", true],
        ["Safari on iPhone", false],
      ]);
      const cookie = there.cookie();
      // A handle gives no right to anybody else
      const stranger = visitor(url);
      await signIn(stranger, `${name} 2`);
      await stranger.send("/sessions/end", { handle: sessions[1]?.handle ?? "" });
      expect((await there.look()).name).toBe(name);
      await here.send("/sessions/end", { handle: sessions[1]?.handle ?? "" });
      await expectDead(url, cookie);
      const page = await here.look("/account");
      expect([page.name, page.sessions.length]).toEqual([name, 1]);
    },
  },
  {
    name: "signing out ends it at once, and the browser has no cookie any more",
    needs: [],
    async run({ url }) {
      const anna = visitor(url);
      await signIn(anna, "anna");
      const cookie = anna.cookie();
      const response = await anna.send("/sign-out");
      expect([response.status, cookiesOf(response)]).toEqual([303, [""]]);
      expect(anna.cookie()).toBe("");
      await expectDead(url, cookie);
    },
  },
  {
    name: "the back button shows nothing after the sign-out",
    needs: [],
    async run({ url }) {
      const anna = visitor(url);
      await signIn(anna, "anna");
      const page = await anna.look("/account");
      expect(page.name).toBe("anna");
      // So that a browser asks again, and no cache answers in the server's place
      expect(page.response.headers.get("cache-control")).toMatch(/\bno-store\b/);
      expect(page.response.headers.get("vary")).toMatch(/\bCookie\b/i);
      await anna.send("/sign-out");
      const again = await anna.look("/account");
      expect([again.name, again.response.headers.getSetCookie()]).toEqual([undefined, []]);
    },
  },
  {
    name: "no cookie that was ever set opens anything after the sign-out",
    needs: [],
    async run({ url }) {
      const anna = visitor(url);
      const cookies = new Set<string>();
      for (const act of [
        () => anna.send("/cart", { add: "map" }),
        () => signIn(anna, "anna"),
        () => anna.look(),
        () => signIn(anna, "anna"),
        () => anna.send("/cart", { add: "map" }),
      ]) {
        await act();
        cookies.add(anna.cookie());
      }
      expect(cookies.size).toBeGreaterThan(2);
      await anna.send("/sign-out");
      for (const cookie of cookies) {
        await expectDead(url, cookie);
        // A write goes nowhere while the server remembers the end, and later starts anew under a cookie of the server's
        // own making
        const [fresh = ""] = cookiesOf(await sendWith(url, cookie, "/cart", { add: "map" }));
        expect(cookie.split("=")[1]).not.toBe(fresh);
        const page = await lookWith(url, `session=${fresh}`);
        expect([page.name, page.cart.count]).toEqual([undefined, fresh === "" ? 0 : 1]);
      }
    },
  },
  {
    name: "an immutable redirect passes, with and without a change",
    needs: ["clock", "fetch"],
    run: ({ url }) =>
      withAndWithoutChange(url, "/odd/redirect", (response) => {
        expect([response.status, response.headers.get("location")]).toEqual([303, "https://example.com/next"]);
      }),
  },
  {
    name: "a response that requests share never carries one visitor's cookie to the next",
    needs: ["clock", "fetch"],
    async run({ url }) {
      const answers = [];
      for (const query of ["?change", "", "?change", ""])
        answers.push(await fetch(`${url}/odd/constant${query}`, { redirect: "manual" }));
      expect(answers.map(({ status, headers }) => [status, headers.getSetCookie().length])).toEqual([
        [303, 1],
        [303, 0],
        [303, 1],
        [303, 0],
      ]);
    },
  },
  {
    name: "a 304 passes, with and without a change",
    needs: ["clock", "fetch"],
    run: ({ url }) =>
      withAndWithoutChange(url, "/odd/not-modified", (response) => {
        expect([response.status, response.headers.get("etag")]).toEqual([304, '"1"']);
      }),
  },
  {
    name: "a body that fails midway never looks whole, with and without a change",
    needs: ["clock", "fetch", "broken body"],
    async run({ url }) {
      for (const query of ["", "?change"]) {
        const text = fetch(`${url}/odd/broken${query}`).then((response) => response.text());
        await expect(text).rejects.toThrow();
      }
      await visitor(url).look();
    },
  },
  {
    name: "Response.error() is a failure for the client and not for the server, with and without a change",
    needs: ["clock", "fetch", "network error"],
    async run({ url }) {
      const anna = visitor(url);
      await anna.send("/cart", { add: "map" });
      for (const query of ["", "?change"]) {
        const response = await fetch(`${url}/odd/error${query}`, { headers: { cookie: anna.cookie() } }).catch(
          () => undefined,
        );
        await response?.body?.cancel();
        expect([response?.ok ?? false, response?.headers.getSetCookie() ?? []]).toEqual([false, []]);
      }
      expect((await anna.look()).cart.count).toBeGreaterThan(0);
    },
  },
  {
    name: "a web socket opens, with and without a change",
    needs: ["clock", "fetch", "upgrade"],
    async run({ url }) {
      const anna = visitor(url);
      await anna.send("/cart", { add: "map" });
      expect(await upgrade(`${url}/odd/upgrade`, anna.cookie())).toBe(101);
      expect(await upgrade(`${url}/odd/upgrade?change`, anna.cookie())).toBe(101);
      expect((await anna.look()).cart.count).toBe(2);
    },
  },
];

async function signIn(who: Visitor, name: string): Promise<void> {
  const response = await who.send("/sign-in", { name });
  expect(response.status).toBe(303);
}

/** The cookie opens nothing, and the answer leaves whatever cookie the browser has alone. */
async function expectDead(url: string, cookie: string): Promise<void> {
  const page = await lookWith(url, cookie);
  expect([page.name, page.cart.count, page.session]).toEqual([undefined, 0, undefined]);
  expect(cookiesOf(page.response).filter(Boolean)).toEqual([]);
}

async function withAndWithoutChange(
  url: string,
  path: string,
  expectUnharmed: (response: Response) => void,
): Promise<void> {
  for (const [query, cookies] of [
    ["", 0],
    ["?change", 1],
  ] as const) {
    const response = await fetch(url + path + query, { redirect: "manual" });
    await response.body?.cancel();
    expectUnharmed(response);
    expect(cookiesOf(response)).toHaveLength(cookies);
  }
}

/** The status of the answer to a web socket's first request. */
async function upgrade(url: string, cookie: string): Promise<number | undefined> {
  const websocket = {
    upgrade: "websocket",
    connection: "upgrade",
    "sec-websocket-version": "13",
    "sec-websocket-key": "AAAAAAAAAAAAAAAAAAAAAA==",
  };
  const request = get(url, { agent: false, headers: { ...websocket, cookie } });
  const [response] = (await Promise.race([once(request, "upgrade"), once(request, "response")])) as [IncomingMessage];
  request.destroy();
  return response.statusCode;
}
