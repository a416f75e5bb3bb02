import { type Counts, explore, FAULTS, OrderError, replay } from "./explorer.ts";
import { checkPromises } from "./promises.ts";
import { withRepeatable } from "./repeatable.ts";
import type { Kind } from "./requests.ts";
import { storyOf } from "./story.ts";
import { programOf, type Scene } from "./world.ts";

/** All orders of a scene; a failure is told as a story. */
export function exploreScene(scene: Scene): Promise<Counts> {
  return told(scene, async () => explore(await programOf(scene, checkPromises)));
}

/** The one order of a scene that a story ends with. */
export function replayScene(scene: Scene, order: readonly string[]): Promise<Counts> {
  return told(scene, async () => replay(await programOf(scene, checkPromises), order));
}

/** All orders of a scene with every fault of every operation of every request, one fault at a time. */
export async function exploreFaults(scene: Scene, faults = FAULTS): Promise<Counts> {
  const total: Counts = { executions: 0, redundant: 0, longest: 0, faulted: 0 };
  for (const fault of faults) {
    for (const actor of scene.kinds.keys()) {
      // An operation that is in no order is past the last one
      for (let index = 0, faulted = 1; faulted > 0; index++) {
        const counts = await exploreScene({ ...scene, fault: { actor, index, fault } });
        faulted = counts.faulted;
        if (faulted > 0) add(total, counts);
      }
    }
  }
  return total;
}

/** Sums up. */
export function add(total: Counts, more: Counts): void {
  total.executions += more.executions;
  total.redundant += more.redundant;
  total.longest = Math.max(total.longest, more.longest);
  total.faulted += more.faulted;
}

/** All ways to take `size` of the kinds, each as often as one likes, in no order. */
export function combinations(kinds: readonly Kind[], size: number): Kind[][] {
  if (size === 0) return [[]];
  return kinds.flatMap((kind, index) => combinations(kinds.slice(index), size - 1).map((rest) => [kind, ...rest]));
}

async function told(scene: Scene, run: () => Promise<Counts>): Promise<Counts> {
  try {
    return await withRepeatable(run);
  } catch (error) {
    if (error instanceof OrderError) throw new Error(storyOf(error, scene), { cause: error.cause });
    throw error;
  }
}
