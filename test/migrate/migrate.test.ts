import { createSessions, memoryStore, type SessionEvent, type SessionsOptions } from "@sojourn/session";
import { generateKey, sealedCookies } from "@sojourn/session/sealed";
import { afterAll, beforeAll, expect, test } from "vitest";
import { describeWith, service } from "../services.ts";
import { type Peer, peers } from "./peers.ts";

/*
 * A user signs in on a server of the real library. That server is replaced by ours, which is given the old secrets and
 * the old store: the user is still signed in, and everything that the protocol promises of a rotation holds.
 */

interface Data {
  cart: string[];
}

const NEW = "__Host-Http-session";
const DAY = 86_400_000;

/** Our server in the place of the old one. */
function replace(source: ReturnType<Peer["source"]>, options: Omit<SessionsOptions, "migrateFrom"> = {}) {
  const events: SessionEvent[] = [];
  const clock = { now: Date.now() };
  const sessions = createSessions<Data>({
    store: memoryStore({ clock: () => clock.now }),
    lifetime: { idle: 30 * 86_400, absolute: 90 * 86_400 },
    ...options,
    migrateFrom: [source],
    clock: () => clock.now,
    observe: (event) => events.push(event),
  });
  const fetch = sessions.wrap((request, session) => {
    if (request.method === "DELETE") session.destroy();
    if (request.method === "PUT") session.set("cart", ["lamp"]);
    return Response.json({ user: session.subject, cart: session.get("cart") });
  });
  return {
    sessions,
    events,
    clock,
    async visit(cookie: string, method = "GET") {
      const response = await fetch(new Request("https://example.com/", { method, headers: { cookie } }));
      const lines = response.headers.getSetCookie();
      const [ours] = lines.filter((line) => line.startsWith(`${NEW}=`)).map((line) => line.split(";", 1)[0] as string);
      const { user, cart } = (await response.json()) as { user?: string; cart?: string[] };
      return { user, cart, ours, lines };
    },
  };
}

const installed = await service("migration-peers");
const engines = [await service("redis"), await service("postgres")];

for (const [name, start] of Object.entries(peers)) {
  const needed = [installed, ...(/redis/.test(name) ? [engines[0]] : []), ...(/pg/.test(name) ? [engines[1]] : [])];
  describeWith(
    needed.filter((one) => one !== undefined),
    `moving from ${name}`,
    () => {
      let peer: Peer;

      beforeAll(async () => {
        peer = await start();
      });
      afterAll(() => peer.stop());

      /** The Cookie header of a browser that signed in on the old server. */
      async function signInThere(): Promise<string> {
        const response = await fetch(`${peer.url}/login`, { method: "POST" });
        await response.body?.cancel();
        // As a browser does: of two lines for one cookie the last one counts
        const jar = new Map(response.headers.getSetCookie().map((line) => splitPair(line.split(";", 1)[0] as string)));
        const cookie = [...jar].map(([name, value]) => `${name}=${value}`).join("; ");
        expect(await userThere(cookie)).toBe("ada");
        return cookie;
      }

      async function userThere(cookie: string): Promise<string | undefined> {
        const response = await fetch(peer.url, { headers: { cookie } });
        return ((await response.json()) as { user?: string }).user;
      }

      test("the user is still signed in, with the data, under a cookie of ours; the old one is removed", async () => {
        const old = await signInThere();
        const server = replace(peer.source({}));
        const first = await server.visit(old);
        expect([first.user, first.cart]).toEqual(["ada", ["book", "pen"]]);
        for (const pair of old.split("; ")) {
          const removed = first.lines.filter((line) => line.startsWith(`${pair.split("=")[0]}=;`));
          expect(removed).toEqual([expect.stringContaining("Max-Age=0")]);
        }
        const next = await server.visit(first.ours as string);
        expect([next.user, next.cart, next.lines]).toEqual(["ada", ["book", "pen"], []]);
        expect(server.events.filter(({ type }) => type === "migrated")).toHaveLength(1);
        expect(await server.sessions.list("ada")).toHaveLength(1);
      });

      test("twenty parallel first requests make one session, and all of them get its cookie", async () => {
        const old = await signInThere();
        const server = replace(peer.source({}));
        const answers = await Promise.all(Array.from({ length: 20 }, () => server.visit(old)));
        expect(answers.map(({ user }) => user)).toEqual(Array(20).fill("ada"));
        expect(new Set(answers.map(({ ours }) => ours)).size).toBe(1);
        expect(await server.sessions.list("ada")).toHaveLength(1);
      });

      test("a lost first answer costs nothing, its change included", async () => {
        const old = await signInThere();
        const server = replace(peer.source({}));
        const lost = await server.visit(old, "PUT");
        const again = await server.visit(old);
        expect([again.user, again.cart, again.ours]).toEqual(["ada", ["lamp"], lost.ours]);
      });

      test("a logout is final for the old cookie too, for as long as that could have lived", async () => {
        const old = await signInThere();
        const server = replace(peer.source({}));
        const { ours } = await server.visit(old);
        await server.visit(ours as string, "DELETE");
        for (const later of [0, 60_000, DAY, 13 * DAY, 29 * DAY]) {
          server.clock.now += later;
          expect((await server.visit(old)).user).toBeUndefined();
        }
      });

      test("a logout with the old cookie itself is final as well", async () => {
        const old = await signInThere();
        const server = replace(peer.source({}));
        await server.visit(old, "DELETE");
        expect((await server.visit(old)).user).toBeUndefined();
      });

      test("late use of the old cookie, after ours was seen and the grace is over, is reuse", async () => {
        const old = await signInThere();
        const server = replace(peer.source({}));
        const { ours } = await server.visit(old);
        await server.visit(ours as string, "PUT");
        server.clock.now += 60_000;
        expect((await server.visit(old)).user).toBeUndefined();
        expect(server.events.some(({ type }) => type === "token_reused")).toBe(true);
      });

      test("with keepOld the old server still knows the user, and the old cookie goes on to work here", async () => {
        const old = await signInThere();
        const server = replace(peer.source({ keepOld: true }));
        const first = await server.visit(old);
        expect(first.lines).toHaveLength(1);
        await server.visit(first.ours as string, "PUT");
        server.clock.now += 3_600_000;
        expect((await server.visit(old)).user).toBe("ada");
        expect(await userThere(old)).toBe("ada");
      });

      test("a cookie that is not whole, or of another key, is no session and no error", async () => {
        const old = await signInThere();
        const server = replace(peer.source({}));
        const pairs = old.split("; ").map(splitPair);
        const damaged = pairs.flatMap(([cookie = "", value = ""]) => {
          const middle = Math.floor(value.length / 2);
          const other = value[middle] === "A" ? "B" : "A";
          const changed = [
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
          return changed.map((text) =>
            pairs.map(([each, its]) => `${each}=${each === cookie ? text : its}`).join("; "),
          );
        });
        for (const cookie of damaged) {
          const { user, ours } = await server.visit(cookie);
          expect([user, ours], cookie.slice(0, 200)).toEqual([undefined, undefined]);
        }
        expect(server.events.filter(({ type }) => type === "migrated")).toEqual([]);
        expect((await server.visit(old)).user).toBe("ada");
      });

      test("into sealed sessions: still signed in, the old cookie removed, and a logout final with a revocation list", async () => {
        const old = await signInThere();
        const store = sealedCookies({ keys: [generateKey()], revocations: memoryStore() });
        const server = replace(peer.source({}), { store });
        const answers = await Promise.all(Array.from({ length: 5 }, () => server.visit(old)));
        expect(answers.map(({ user, cart }) => [user, cart])).toEqual(Array(5).fill(["ada", ["book", "pen"]]));
        const { ours, lines } = answers[0] as (typeof answers)[0];
        expect(lines.filter((line) => line.includes("Max-Age=0"))).toHaveLength(old.split("; ").length);
        expect(await server.visit(ours as string)).toMatchObject({ user: "ada", lines: [] });
        await server.visit(ours as string, "DELETE");
        for (const later of [0, DAY, 13 * DAY]) {
          server.clock.now += later;
          for (const cookie of [old, ours as string]) expect((await server.visit(cookie)).user).toBeUndefined();
        }
      });
    },
  );
}

function splitPair(pair: string): [name: string, value: string] {
  const at = pair.indexOf("=");
  return [pair.slice(0, at), pair.slice(at + 1)];
}
