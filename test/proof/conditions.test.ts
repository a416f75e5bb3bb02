import { afterAll, describe, test, vi } from "vitest";
import { add, combinations, exploreFaults, exploreScene } from "./explore.ts";
import { KINDS, type Kind } from "./requests.ts";
import type { Scene } from "./world.ts";

/*
 * Every order of two requests under conditions in which more can go wrong than an order: near copies, clocks that
 * differ, time that passes in the middle of a request, a limit for each user.
 */

vi.setConfig({ testTimeout: 300_000 });

const total = { executions: 0, redundant: 0, longest: 0, faulted: 0 };
afterAll(() => console.info(`conditions: ${total.executions} orders, the longest of ${total.longest} operations`));

async function allPairs(scene: Omit<Scene, "kinds">, kinds: readonly Kind[] = KINDS): Promise<void> {
  for (const pair of combinations(kinds, 2)) add(total, await exploreScene({ ...scene, kinds: pair }));
}

describe.each([
  { when: "no rotation is due", rotating: false },
  { when: "a rotation is due", rotating: true },
])("every order of two requests while $when", ({ rotating }) => {
  test("each process has a near copy of the session", () => allPairs({ rotating, cached: true }));

  test("the clocks of the processes are up to five seconds apart", () => allPairs({ rotating, clocksApart: true }));

  test("forty seconds pass at any moment, longer than the grace", () =>
    allPairs({ rotating, pause: 40_000 }, ["read", "count", "save", "two reads"]));

  const limited: readonly Kind[] = ["read", "count", "sign in", "two reads"];

  test("a user may have one session, and has one elsewhere by a clock that is ahead", () =>
    allPairs({ rotating, limit: 1 }, limited));

  test("a user may have one session, and each operation of a page and of a sign-in goes wrong", async () => {
    add(total, await exploreFaults({ kinds: ["read", "sign in"], rotating, limit: 1 }));
  });
});
