import { createSessions, memoryStore, type SessionEvent, type SessionStore } from "@sojourn/session";
import { generateKey, sealedCookies } from "@sojourn/session/sealed";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { describeWith, service } from "../services.ts";
import { Browser, type Fetch } from "./browser.ts";
import { CART, type Peer, type Rows } from "./peer.ts";
import { authJsPeers } from "./peers/auth-js.ts";
import { inACookie } from "./peers/in-a-cookie.ts";
import { inAStore } from "./peers/in-a-store.ts";
import { lookedUp } from "./peers/looked-up.ts";
import { ourselves } from "./peers/ourselves.ts";

/*
 * A user signs in on a server of the real library, with a real cookie jar. That server is replaced by ours, which is
 * given the old secrets and the old store: the user is still signed in, and everything that the protocol promises of a
 * rotation holds. Each row is a library, each test a story that is told of all of them.
 */

const DAY = 86_400_000;
/** A cookie whose life is not known is taken for one of 400 days. */
const AGES = [0, 31_000, 3_600_000, DAY, 13 * DAY, 29 * DAY, 89 * DAY, 91 * DAY, 364 * DAY, 399 * DAY];

interface Moved {
  readonly keepOld?: boolean;
  readonly store?: SessionStore | ReturnType<typeof sealedCookies>;
  readonly events?: SessionEvent[];
}

/** Our server in the place of the old one. */
function replace(peer: Peer, { keepOld = false, store, events = [] }: Moved = {}) {
  const clock = { now: Date.now() };
  const sessions = createSessions<{ cart: readonly string[] }>({
    store: store ?? memoryStore({ clock: () => clock.now }),
    lifetime: { idle: 30 * 86_400, absolute: 90 * 86_400 },
    ...peer.options,
    migrateFrom: [peer.source({ keepOld })],
    clock: () => clock.now,
    observe: (event) => events.push(event),
  });
  const fetch: Fetch = sessions.wrap((request, session) => {
    if (request.method === "DELETE") session.destroy();
    if (request.method === "PUT") session.set("cart", ["lamp"]);
    return Response.json({ user: session.subject, cart: session.get("cart"), handle: session.handle });
  });
  async function visit(browser: Browser, method = "GET") {
    const response = await browser.send(fetch, "/", { method });
    const { user, cart, handle } = (await response.json()) as { user?: string; cart?: string[]; handle?: string };
    return { user, cart, handle, lines: response.headers.getSetCookie() };
  }
  return { sessions, events, clock, visit };
}

const installed = await service("migration-peers");
// Once it has seen a provider that sends letters, Auth.js wants a database of every configuration: so those come last
const rows: Rows = { ...inAStore, ...inACookie, ...authJsPeers, ...ourselves, ...lookedUp };

for (const [name, row] of Object.entries(rows)) {
  const { start, needs } = typeof row === "function" ? { start: row, needs: undefined } : row;
  const needed = [installed, ...(needs ? [await service(needs)] : [])];
  describeWith(needed, `moving from ${name}`, () => stories(start));
}

function stories(start: () => Promise<Peer>): void {
  let peer: Peer;
  beforeAll(async () => {
    peer = await start();
  });
  afterAll(() => peer?.stop?.());

  async function signInThere(): Promise<Browser> {
    const browser = new Browser();
    if (peer.login) await peer.login(browser);
    else await browser.send(peer.fetch, "/login", { method: "POST" });
    expect(await userThere(browser.copy())).toBe("ada");
    return browser;
  }

  /** Whom the old library knows, from its own store. */
  async function userThere(browser: Browser): Promise<string | undefined> {
    return ((await (await browser.send(peer.fetch)).json()) as { user?: string | null }).user ?? undefined;
  }

  /** The old cookies that a browser still has. */
  function oldCookies(browser: Browser): string[] {
    const { cookies } = peer.source({});
    return browser.cookies.map(({ name }) => name).filter((name) => cookies.includes(name));
  }

  const cart = () => peer.cart ?? CART;

  describe("into a store", () => {
    test("still signed in, with the data; the old cookie is gone from the jar, the old record from its store", async () => {
      const browser = await signInThere();
      const before = browser.copy();
      const server = replace(peer);
      expect(await server.visit(browser)).toMatchObject({ user: "ada", cart: cart() });
      expect(oldCookies(browser)).toHaveLength(peer.sameName ? 1 : 0);
      expect(await userThere(before)).toBe(peer.isStored ? undefined : "ada");
      expect(await server.visit(browser)).toMatchObject({ user: "ada", cart: cart(), lines: [] });
      expect(server.events.filter(({ type }) => type === "migrated")).toHaveLength(1);
      expect(await server.sessions.list("ada")).toHaveLength(1);
    });

    test("twenty parallel first requests to two servers make one session", async () => {
      const browser = await signInThere();
      const events: SessionEvent[] = [];
      const store = memoryStore();
      const servers = [replace(peer, { store, events }), replace(peer, { store, events })] as const;
      const tabs = Array.from({ length: 20 }, () => browser.copy());
      const answers = await Promise.all(tabs.map((tab, at) => servers[at % 2 ? 1 : 0].visit(tab)));
      expect(answers.map(({ user }) => user)).toEqual(Array(20).fill("ada"));
      expect(new Set(tabs.map(({ cookies }) => JSON.stringify(cookies.map(({ value }) => value).sort()))).size).toBe(1);
      expect(events.filter(({ type }) => type === "migrated")).toHaveLength(1);
      expect(await servers[0].sessions.list("ada")).toHaveLength(1);
    });

    test("a lost first answer costs nothing, its change included", async () => {
      const browser = await signInThere();
      const server = replace(peer);
      const lost = await server.visit(browser.copy(), "PUT");
      expect(await server.visit(browser)).toMatchObject({ user: "ada", cart: ["lamp"], handle: lost.handle });
    });

    test("a logout is final for the old cookie too, for as long as that could have lived", async () => {
      const browser = await signInThere();
      const before = browser.copy();
      const server = replace(peer);
      await server.visit(browser);
      await server.visit(browser, "DELETE");
      await neverAgain(server, [before]);
    });

    test("a logout with the old cookie itself is final as well", async () => {
      const browser = await signInThere();
      const before = browser.copy();
      const server = replace(peer);
      await server.visit(browser, "DELETE");
      expect(oldCookies(browser)).toEqual([]);
      expect(await userThere(before.copy())).toBe(peer.isStored ? undefined : "ada");
      await neverAgain(server, [before]);
    });

    test("late use of the old cookie, after ours was seen and the grace is over, is reuse", async () => {
      const browser = await signInThere();
      const before = browser.copy();
      const server = replace(peer);
      await server.visit(browser);
      await server.visit(browser, "PUT");
      server.clock.now += 60_000;
      expect((await server.visit(before)).user).toBeUndefined();
      expect(server.events.some(({ type }) => type === "token_reused")).toBe(true);
    });

    test("rolled back with keepOld, the old server still knows the user; a logout ends both", async () => {
      // Ours takes the place of the old cookie, so that there is nothing to go back to
      if (peer.sameName) return;
      const browser = await signInThere();
      const before = browser.copy();
      const server = replace(peer, { keepOld: true });
      await server.visit(browser);
      await server.visit(browser, "PUT");
      server.clock.now += 3_600_000;
      expect(await server.visit(before.copy())).toMatchObject({ user: "ada", cart: ["lamp"] });
      expect(await userThere(browser)).toBe("ada");
      expect(await server.visit(browser)).toMatchObject({ user: "ada", cart: ["lamp"] });
      await server.visit(browser, "DELETE");
      expect(oldCookies(browser)).toEqual([]);
      expect(await userThere(before.copy())).toBe(peer.isStored ? undefined : "ada");
      await neverAgain(server, [before]);
    });

    test("a cookie that is not whole, or of another key, is no session and no error", async () => {
      const browser = await signInThere();
      const server = replace(peer);
      const pairs = browser.cookies;
      const { cookies } = peer.source({});
      const broken = pairs
        .filter(({ name }) => cookies.includes(name))
        .flatMap(({ name, value }) =>
          damaged(value).map((text) =>
            pairs.map((one) => `${one.name}=${one.name === name ? text : one.value}`).join("; "),
          ),
        );
      for (const cookie of broken) {
        const session = await server.sessions.load(new Request("https://shop.example.com/", { headers: { cookie } }));
        expect([session.isNew, session.subject], cookie.slice(0, 200)).toEqual([true, undefined]);
      }
      expect(server.events.filter(({ type }) => type === "migrated")).toEqual([]);
      expect((await server.visit(browser)).user).toBe("ada");
    });
  });

  describe("into sealed cookies with a revocation list", () => {
    const sealed = () => sealedCookies({ keys: [generateKey()], revocations: memoryStore(), maxCookies: 5 });

    test("still signed in, with the data; the old cookie is gone; parallel and lost answers are one session", async () => {
      const browser = await signInThere();
      const server = replace(peer, { store: sealed() });
      const tabs = Array.from({ length: 5 }, () => browser.copy());
      const answers = await Promise.all(tabs.map((tab) => server.visit(tab)));
      expect(answers.map(({ user }) => user)).toEqual(Array(5).fill("ada"));
      const last = await server.visit(browser);
      expect(last).toMatchObject({ user: "ada", cart: cart() });
      expect(new Set([...answers, last].map(({ handle }) => handle)).size).toBe(1);
      if (!peer.sameName) expect(oldCookies(browser)).toEqual([]);
      expect(await server.visit(browser)).toMatchObject({ user: "ada", cart: cart(), lines: [] });
      expect(server.events.filter(({ type }) => type === "migrated")).toHaveLength(1);
    });

    test("a logout is final for both cookies", async () => {
      for (const methods of [["GET", "DELETE"], ["DELETE"]]) {
        const browser = await signInThere();
        const before = browser.copy();
        const server = replace(peer, { store: sealed() });
        if (methods.length === 2) await server.visit(browser);
        const during = browser.copy();
        await server.visit(browser, "DELETE");
        await neverAgain(server, [before, during]);
      }
    });

    test("rolled back with keepOld, the old server still knows the user", async () => {
      if (peer.sameName) return;
      const browser = await signInThere();
      const server = replace(peer, { keepOld: true, store: sealed() });
      await server.visit(browser, "PUT");
      expect(await userThere(browser)).toBe("ada");
      expect(await server.visit(browser)).toMatchObject({ user: "ada", cart: ["lamp"] });
    });
  });
}

async function neverAgain(server: ReturnType<typeof replace>, copies: readonly Browser[]): Promise<void> {
  const from = server.clock.now;
  for (const age of AGES) {
    server.clock.now = from + age;
    for (const copy of copies) expect((await server.visit(copy.copy())).user, `after ${age} ms`).toBeUndefined();
  }
}

function damaged(value: string): string[] {
  const middle = Math.floor(value.length / 2);
  const other = value[middle] === "A" ? "B" : "A";
  return [
    "",
    "x",
    "%",
    "%ff",
    "a".repeat(8_000),
    value.slice(0, middle),
    value.slice(middle),
    `${value.slice(0, middle)}${other}${value.slice(middle + 1)}`,
    value.split("").reverse().join(""),
  ];
}
