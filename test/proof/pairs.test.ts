import { afterAll, describe, expect, test, vi } from "vitest";
import { add, combinations, exploreScene } from "./explore.ts";
import { sample } from "./explorer.ts";
import { checkPromises } from "./promises.ts";
import { chance, withRepeatable } from "./repeatable.ts";
import { KINDS, type Kind } from "./requests.ts";
import { programOf, type Scene } from "./world.ts";

/*
 * Every order of the store operations of every two requests, in every arrangement. docs/proof.md says what that covers.
 */

vi.setConfig({ testTimeout: 300_000 });

const total = { executions: 0, redundant: 0, longest: 0, faulted: 0 };
afterAll(() => console.info(`pairs: ${total.executions} orders, the longest of ${total.longest} operations`));

async function allPairs(scene: Omit<Scene, "kinds">, kinds: readonly Kind[] = KINDS): Promise<void> {
  for (const pair of combinations(kinds, 2)) add(total, await exploreScene({ ...scene, kinds: pair }));
}

describe.each([
  { when: "no rotation is due", rotating: false },
  { when: "a rotation is due", rotating: true },
])("every order of two requests while $when", ({ rotating }) => {
  test("in processes of their own", () => allPairs({ rotating }));

  test("in one process, with its queue", () => allPairs({ rotating, oneProcess: true }));
});

test("a hundred counts in one process add a hundred, in orders drawn at random", async () => {
  await withRepeatable(async () => {
    const kinds = Array<Kind>(100).fill("count");
    const program = await programOf({ kinds, rotating: false, oneProcess: true }, async (world) => {
      await checkPromises(world);
      expect((await world.look(world.first)).data.count).toBe(100);
    });
    expect(await sample(program, 3, chance(1))).toMatchObject({ executions: 3 });
  });
});
