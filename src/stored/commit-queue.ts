import { MAY_WAIT_FOR_OTHER_REQUESTS } from "#platform";
import type { Awaitable } from "../platform/awaitable.ts";
import { isPromise } from "../platform/awaitable.ts";
import { type Budget, waitFor } from "./arrival.ts";

/**
 * Runs a task when the earlier ones of its key are done, or have taken half of the time that this one has; `waited`
 * says whether there were any.
 */
export type InTurn = <T>(key: string, budget: Budget, task: (waited: boolean) => Awaitable<T>) => Awaitable<T>;

/**
 * Commits of one key in one process wait for each other, so that only other processes are ever raced. A task that fails
 * lets the next one go on, and so does one that hangs. The queue spares the store refused writes and no more: that
 * nothing is lost rests on compare-and-set.
 */
export function createQueues(): InTurn {
  const tails = new Map<string, Promise<unknown>>();

  return (key, budget, task) => {
    if (!MAY_WAIT_FOR_OTHER_REQUESTS) return task(false);
    const before = tails.get(key);
    const mine = before ? waitFor(before, budget).then(() => task(true)) : task(false);
    if (!isPromise(mine)) return mine; // done already: there is nothing to wait for
    const tail = mine.then(leave, leave);
    tails.set(key, tail);
    return mine;

    function leave(): void {
      if (tails.get(key) === tail) tails.delete(key);
    }
  };
}
