import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { createSessions, type Sessions } from "../../src/index.ts";
import { sealedCookies } from "../../src/sealed.ts";

const KEYS = ["auH27zK-3vZ7NBFkdRw0KPwmzrYCGsabAX3VilsM13s", "n4bQgYhMfWWaL-qgxVrQFaO_TxsrC4Is0V1sFbDwCgg"];

/** Sealed sessions of a module that was loaded where there is no `node:crypto`, so that nothing is derived yet. */
let sessions: Sessions;

beforeEach(async () => {
  vi.stubGlobal("process", { ...process, getBuiltinModule: () => undefined });
  vi.resetModules();
  const [core, sealed] = await Promise.all([import("../../src/index.ts"), import("../../src/sealed.ts")]);
  sessions = core.createSessions({ store: sealed.sealedCookies({ keys: KEYS }) });
});

afterEach(() => {
  vi.restoreAllMocks();
  vi.unstubAllGlobals();
  vi.resetModules();
});

/** One request that adds one to a number. */
async function visit(by: Sessions, cookie = ""): Promise<{ n: unknown; cookie: string }> {
  let n: unknown;
  const handle = by.wrap((_, session) => {
    session.update("n", (before) => ((before as number | undefined) ?? 0) + 1);
    n = session.get("n");
    return new Response();
  });
  const response = await handle(new Request("https://example.com/", { headers: cookie ? { cookie } : {} }));
  return { n, cookie: response.headers.getSetCookie()[0]?.split(";")[0] ?? "" };
}

describe("sealed sessions by crypto.subtle", () => {
  test("come back, and with node:crypto they are the same: what one sealed the other opens", async () => {
    const first = await visit(sessions);
    const second = await visit(sessions, first.cookie);
    vi.unstubAllGlobals();
    const others = createSessions({ store: sealedCookies({ keys: KEYS }) });
    const third = await visit(others, second.cookie);
    const fourth = await visit(sessions, third.cookie);
    expect([first.n, second.n, third.n, fourth.n]).toEqual([1, 2, 3, 4]);
  });

  test("two first requests at once both find their session", async () => {
    vi.unstubAllGlobals();
    const others = createSessions({ store: sealedCookies({ keys: KEYS }) });
    const before = [await visit(others), await visit(others)];
    vi.stubGlobal("process", { ...process, getBuiltinModule: () => undefined });
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

  test("keys are checked at construction and derived once, for the first request that needs them", async () => {
    const derivations = vi.spyOn(crypto.subtle, "deriveBits");
    const core = await import("../../src/index.ts");
    const sealed = await import("../../src/sealed.ts");
    expect(() => sealed.sealedCookies({ keys: [KEYS[0] as string, KEYS[0] as string] })).toThrow(RangeError);
    expect(() => sealed.sealedCookies({ keys: ["short"] })).toThrow(RangeError);
    expect(() => sealed.sealedCookies({ keys: [] })).toThrow(TypeError);

    const fresh = core.createSessions({ store: sealed.sealedCookies({ keys: KEYS }) });
    const read = fresh.wrap((_, session) => Response.json(session.all()));
    for (const headers of [{}, { cookie: "theme=dark" }]) await read(new Request("https://example.com/", { headers }));
    expect(derivations).not.toHaveBeenCalled();
    const { cookie } = await visit(fresh);
    expect(derivations).toHaveBeenCalledTimes(KEYS.length);
    await visit(fresh, cookie);
    expect(derivations).toHaveBeenCalledTimes(KEYS.length);
  });
});

test("sealed sessions make no promise on Node: the handler runs at once, with its session", async () => {
  vi.unstubAllGlobals();
  const others = createSessions({ store: sealedCookies({ keys: KEYS }) });
  const { cookie } = await visit(others);
  const fresh = createSessions({ store: sealedCookies({ keys: KEYS }) }); // nothing derived yet
  let n: unknown;
  const answer = fresh.wrap((_, session) => {
    n = session.get("n");
    return new Response();
  })(new Request("https://example.com/", { headers: { cookie } }));
  expect(n).toBe(1);
  await answer;
});
