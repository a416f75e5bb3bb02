import { afterAll, describe, expect, test, vi } from "vitest";
import { add, combinations, exploreFaults } from "./explore.ts";
import { KINDS } from "./requests.ts";

/*
 * Every order of two requests, and in each of them every single thing that can go wrong with an operation of the store.
 */

vi.setConfig({ testTimeout: 300_000 });

const total = { executions: 0, redundant: 0, longest: 0, faulted: 0 };
afterAll(() => console.info(`faults: ${total.executions} orders, ${total.faulted} with a fault`));

describe.each([
  { when: "no rotation is due", rotating: false },
  { when: "a rotation is due", rotating: true },
])("every order of two requests while $when", ({ rotating }) => {
  test.each(combinations(KINDS, 2).map((pair) => ({ pair, name: pair.join(" and ") })))(
    "$name, with a crash before and after every operation, and every answer missing, lost or late",
    async ({ pair }) => {
      const counts = await exploreFaults({ kinds: pair, rotating });
      expect(counts.faulted).toBeGreaterThan(0);
      add(total, counts);
    },
  );
});
