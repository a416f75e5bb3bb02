import { describe, expect, test } from "vitest";
import {
  createSessions,
  memoryStore,
  type RequestLike,
  type SessionsOptions,
  sessionCookies,
} from "../../src/index.ts";
import { generateKey, sealedCookies } from "../../src/sealed.ts";

/* A page that asks every minute whether there is news must not keep its user signed in for ever. */

const MINUTE = 60_000;
const keepAlive = ({ url }: RequestLike) => !url.endsWith("/poll");

const kinds: [string, (clock: () => number) => SessionsOptions][] = [
  ["in a store", (clock) => ({ store: memoryStore({ clock }) })],
  ["in a store, with rotation", (clock) => ({ store: memoryStore({ clock }), rotation: { every: 60 } })],
  ["sealed in the cookie", () => ({ store: sealedCookies({ keys: [generateKey()] }) })],
];

describe.each(kinds)("sessions %s", (_, options) => {
  function setup() {
    let now = Date.now();
    const clock = () => now;
    const lifetime = { idle: 15 * 60, absolute: 86_400, touchEvery: 30 };
    const sessions = createSessions<{ n: number }>({ clock, lifetime, keepAlive, ...options(clock) });
    const wait = (ms: number) => {
      now += ms;
    };
    const cookies = new Map<string, string>();
    const fetch = sessions.wrap((request, session) => {
      if (request.url.endsWith("/begin")) session.set("n", 1);
      return new Response(String(session.get("n")));
    });
    const ask = async (path: string) => {
      const cookie = [...cookies].map(([name, value]) => `${name}=${value}`).join("; ");
      const response = await fetch(new Request(`https://example.com${path}`, { headers: { cookie } }));
      for (const { name, value } of sessionCookies(response.headers)) cookies.set(name, value);
      return response;
    };
    return { ask, wait };
  }

  test("a poll reads the session and does not keep it alive", async () => {
    const { ask, wait } = setup();
    await ask("/begin");
    for (let minute = 1; minute < 15; minute++) {
      wait(MINUTE);
      const response = await ask("/poll");
      expect([await response.text(), response.headers.getSetCookie()]).toEqual(["1", []]);
    }
    wait(MINUTE);
    expect(await (await ask("/poll")).text()).toBe("undefined");
  });

  test("any other request does", async () => {
    const { ask, wait } = setup();
    await ask("/begin");
    for (let minute = 1; minute < 40; minute += 10) {
      wait(10 * MINUTE);
      expect(await (await ask("/")).text()).toBe("1");
    }
  });
});

test("a keepAlive that answers with a promise is refused, and its rejection ends nothing", async () => {
  const sessions = createSessions({
    keepAlive: (async () => {
      throw new Error("never unhandled");
    }) as unknown as () => boolean,
  });
  await expect(sessions.load(new Request("https://example.com/"))).rejects.toThrow(/keepAlive must answer at once/);
  expect(() => createSessions({ keepAlive: true as unknown as () => boolean })).toThrow(/keepAlive must be a function/);
});
