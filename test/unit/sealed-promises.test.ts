import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { generateKey } from "../../src/sealed.ts";

const KEYS = [generateKey(), generateKey()];

type Platform = typeof import("../../src/platform/node.ts");

/** Sealed sessions on one of the two platforms, whichever this run is on. */
async function sessionsOn(platform: "node" | "portable") {
  vi.resetModules();
  vi.doMock("#platform", () => import(`../../src/platform/${platform}.ts`) as Promise<Platform>);
  const { createSessions } = await import("../../src/index.ts");
  const { sealedCookies } = await import("../../src/sealed.ts");
  return createSessions({ store: sealedCookies({ keys: KEYS }) });
}

type AnySessions = Awaited<ReturnType<typeof sessionsOn>>;

/** One request that adds one to a number. */
async function visit(by: AnySessions, cookie = ""): Promise<{ n: unknown; cookie: string }> {
  let n: unknown;
  const handle = by.wrap((_, session) => {
    session.update("n", (before) => ((before as number | undefined) ?? 0) + 1);
    n = session.get("n");
    return new Response();
  });
  const response = await handle(new Request("https://example.com/", { headers: cookie ? { cookie } : {} }));
  return { n, cookie: response.headers.getSetCookie()[0]?.split(";")[0] ?? "" };
}

afterEach(() => {
  vi.restoreAllMocks();
  vi.doUnmock("#platform");
  vi.resetModules();
});

describe("sealed sessions by WebCrypto", () => {
  let sessions: AnySessions;

  beforeEach(async () => {
    sessions = await sessionsOn("portable");
  });

  test("come back, and with node:crypto they are the same: what one sealed the other opens", async () => {
    const others = await sessionsOn("node");
    const first = await visit(sessions);
    const second = await visit(sessions, first.cookie);
    const third = await visit(others, second.cookie);
    const fourth = await visit(sessions, third.cookie);
    expect([first.n, second.n, third.n, fourth.n]).toEqual([1, 2, 3, 4]);
  });

  test("two first requests at once both find their session", async () => {
    const others = await sessionsOn("node");
    const before = [await visit(others), await visit(others)];
    const after = await Promise.all(before.map(({ cookie }) => visit(sessions, cookie)));
    expect(after.map(({ n }) => n)).toEqual([2, 2]);
    expect((await visit(sessions, after[0]?.cookie)).n).toBe(3);
  });

  // As on Workers, where the promises of a request that was cut off never settle
  test("a first request that never ends holds up no other", async () => {
    const importKey = vi.spyOn(crypto.subtle, "importKey").mockReturnValue(new Promise(() => {}));
    void visit(sessions);
    await vi.waitFor(() => expect(importKey).toHaveBeenCalled());
    importKey.mockRestore();
    const { cookie } = await visit(sessions);
    expect((await visit(sessions, cookie)).n).toBe(2);
  });
});

test("keys are checked at construction", async () => {
  const { sealedCookies } = await import("../../src/sealed.ts");
  expect(() => sealedCookies({ keys: [KEYS[0] as string, KEYS[0] as string] })).toThrow(RangeError);
  expect(() => sealedCookies({ keys: ["short"] })).toThrow(RangeError);
  expect(() => sealedCookies({ keys: [] })).toThrow(TypeError);
});

test("sealed sessions make no promise on node:crypto: the handler runs at once, with its session", async () => {
  const sessions = await sessionsOn("node");
  const { cookie } = await visit(sessions);
  let n: unknown;
  const answer = sessions.wrap((_, session) => {
    n = session.get("n");
    return new Response();
  })(new Request("https://example.com/", { headers: { cookie } }));
  expect(n).toBe(1);
  await answer;
});
