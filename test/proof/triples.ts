import { afterAll, describe, test, vi } from "vitest";
import { add, combinations, exploreScene } from "./explore.ts";
import { KINDS } from "./requests.ts";
import type { Scene } from "./world.ts";

/**
 * Every order of the store operations of every three requests, each in a process of its own. One file for each way, so
 * that two workers share them.
 */
export function everyTriple(scene: Pick<Scene, "rotating">): void {
  vi.setConfig({ testTimeout: 300_000 });
  const total = { executions: 0, redundant: 0, longest: 0, faulted: 0 };
  afterAll(() => console.info(`triples: ${total.executions} orders, the longest of ${total.longest} operations`));

  describe(`every order of three requests while ${scene.rotating ? "a" : "no"} rotation is due`, () => {
    for (const first of KINDS) {
      test(`${first} and any two others`, async () => {
        const others = KINDS.slice(KINDS.indexOf(first));
        for (const two of combinations(others, 2)) add(total, await exploreScene({ ...scene, kinds: [first, ...two] }));
      });
    }
  });
}
