import { createSessions, memoryStore, type SessionStore } from "@sojourn/session";
import { describe, expect, test } from "vitest";
import { type Final, faultsIn } from "./check.ts";
import type { Operation } from "./history.ts";

/* The checker of the fault tests finds what it is there to find. */

const fine: Operation[] = [
  op(0, 1, { kind: "create", given: "t0" }),
  op(2, 5, { kind: "count", token: "t0", saw: { id: "s" } }),
  op(3, 6, { kind: "write", client: "b", token: "t0", value: 1, saw: { id: "s" } }),
  op(7, 8, { kind: "count", token: "t0", saw: { id: "s", count: 1, "by b": 1 }, given: "t1" }),
  op(9, 9.5, {
    kind: "count",
    token: "t1",
    saw: { id: "s", count: 2, "by b": 1 },
    outcome: "error",
    code: "store_timeout",
  }),
  op(10, 11, { kind: "read", token: "t0", saw: { id: "s", count: 2, "by b": 1 } }),
];

describe("faultsIn()", () => {
  test("finds nothing in a history that is as it should be", () => {
    for (const count of [2, 3]) expect(faultsIn(fine, looks({ id: "s", count, "by b": 1 }))).toEqual([]);
  });

  const broken: Record<string, [Operation[], Final[], RegExp]> = {
    "an acknowledged count that is lost at the end": [
      fine,
      looks({ id: "s", count: 1, "by b": 1 }),
      /at the end it has count 1, but 2 were/,
    ],
    "a change that was counted twice": [fine, looks({ id: "s", count: 4, "by b": 1 }), /count 4, but only 3 can/],
    "an acknowledged write that is lost": [
      fine,
      looks({ id: "s", count: 2 }),
      /at the end it has undefined of b, whose 1 was/,
    ],
    "a value that nobody wrote": [fine, looks({ id: "s", count: 2, "by b": 7 }), /7 of b, who never wrote that/],
    "a write that is lost for a while": [
      [...fine, op(12, 13, { kind: "read", token: "t1", saw: { id: "s", count: 2 } })],
      looks({ id: "s", count: 2, "by b": 1 }),
      /saw undefined of b, whose 1 was/,
    ],
    "two live successors": [
      fine,
      [
        ...looks({ id: "s", count: 2, "by b": 1 }),
        { token: "t1", saw: { id: "s", count: 2, "by b": 1 }, handle: "other" },
      ],
      /more than one live successor/,
    ],
    "a session that is gone": [fine, looks({}), /gone, and nobody ended it/],
    "a request that was logged out by nobody": [
      [...fine, op(12, 13, { kind: "read", token: "t1", saw: {} })],
      looks({ id: "s", count: 2, "by b": 1 }),
      /logged out by nobody/,
    ],
    "a read after an acknowledged logout": [
      [
        ...fine,
        op(12, 13, { kind: "destroy", token: "t1", saw: { id: "s", count: 2, "by b": 1 } }),
        op(14, 15, { kind: "read", token: "t0", saw: { id: "s", count: 2, "by b": 1 } }),
      ],
      looks({}),
      /read it after destroy/,
    ],
    "a session that comes back after an acknowledged logout": [
      [...fine, op(12, 13, { kind: "destroy", token: "t1", saw: { id: "s", count: 2, "by b": 1 } })],
      looks({ id: "s", count: 2, "by b": 1 }),
      /can be read after destroy/,
    ],
    "a token from before a sign-in that still opens": [
      [
        ...fine,
        op(12, 13, { kind: "sign in", token: "t1", given: "t2", saw: { id: "s", count: 2, "by b": 1 } }),
        op(14, 15, { kind: "read", token: "t0", saw: { id: "s", count: 2, "by b": 1 } }),
      ],
      looks({ id: "s", count: 2, "by b": 1 }),
      /with a token from before sign in/,
    ],
    "changes that were dropped without a logout": [
      [
        ...fine,
        op(12, 13, { kind: "count", token: "t1", saw: { id: "s", count: 2, "by b": 1 }, events: ["changes_dropped"] }),
      ],
      looks({ id: "s", count: 2, "by b": 1 }),
      /was dropped, and nobody had ended it/,
    ],
    "an error that no fault explains": [
      [...fine, op(12, 13, { kind: "read", token: "t1", outcome: "error", code: "TypeError: x is not a function" })],
      looks({ id: "s", count: 2, "by b": 1 }),
      /failed with TypeError/,
    ],
  };
  for (const [name, [history, finals, complaint]] of Object.entries(broken)) {
    test(`finds ${name}`, () => {
      const faults = faultsIn(history, finals);
      expect(faults.join("\n")).toMatch(complaint);
    });
  }

  test("finds the lost updates and the resurrections of a store that writes without looking at the version", async () => {
    const memory = memoryStore();
    const blind: SessionStore = {
      ...memory,
      async read(key) {
        await new Promise(setImmediate);
        return memory.read(key);
      },
      async update(key, value, meta) {
        await memory.delete(key);
        return memory.create(key, value, meta);
      },
    };
    const history = [];
    let token = "";
    let time = 0;
    const ask = async (kind: Operation["kind"], n: number): Promise<Operation> => {
      const started = ++time;
      let saw = {};
      const handle = createSessions({ store: blind }).wrap(async (_request, session) => {
        saw = { ...session.all() };
        await new Promise((resolve) => setTimeout(resolve, n));
        if (kind === "create") session.set("id", "s");
        if (kind === "count") session.update("count", (count) => ((count ?? 0) as number) + 1);
        if (kind === "destroy") session.destroy();
        return new Response();
      });
      const answer = await handle(
        new Request("https://example.com/", { headers: { cookie: `__Host-Http-session=${token}` } }),
      );
      const given = answer.headers.getSetCookie()[0]?.split(";", 1)[0]?.slice("__Host-Http-session=".length);
      return op(started, ++time, { kind, n, token, saw, given });
    };
    history.push(await ask("create", 0));
    token = history[0]?.given as string;
    history.push(
      ...(await Promise.all([ask("count", 1), ask("count", 2), ask("count", 3), ask("destroy", 0), ask("count", 4)])),
    );
    history.push(await ask("read", 5));
    const faults = faultsIn(history, [{ token, saw: history.at(-1)?.saw ?? {}, handle: "x" }]).join("\n");
    expect(faults).toMatch(/read it after destroy/);
    expect(faults).toMatch(/at the end it has count 1, but 4 were acknowledged/);
  });
});

function op(start: number, end: number, rest: Partial<Operation>): Operation {
  return { client: "a", n: start, id: "s", kind: "read", start, end, outcome: "ok", events: [], ...rest };
}

function looks(saw: Record<string, unknown>): Final[] {
  return [{ token: "t0", saw, handle: "live" }];
}
