import { MAY_WAIT_FOR_OTHER_REQUESTS } from "#platform";

/** Runs one piece of work per key at a time, in the order of the calls, within this process. */
export type InTurn = <T>(key: string, work: () => Promise<T>) => Promise<T>;

/**
 * How long a call waits for the one before it, in milliseconds. An engine that never answers must not keep a key locked
 * when it is well again, and a call that waited must still be done within a `storeTimeout`.
 */
const PATIENCE = 2_000;

/** All stores on one engine take turns together: two of them may write one key. */
const queues = new WeakMap<object, InTurn>();

/**
 * For engines that cannot compare-and-set: at least calls of one process do not get in between a read and the write
 * that follows from it. On Workers every call goes at once, because a promise that a cut request began never settles.
 */
export function inTurn(engine: object): InTurn {
  if (!MAY_WAIT_FOR_OTHER_REQUESTS) return (_key, work) => work();
  const known = queues.get(engine) ?? newQueue();
  queues.set(engine, known);
  return known;
}

function newQueue(): InTurn {
  const last = new Map<string, Promise<unknown>>();
  return async (key, work) => {
    const previous = last.get(key);
    const mine = previous ? settled(previous).then(work) : work();
    last.set(key, mine);
    try {
      return await mine;
    } finally {
      if (last.get(key) === mine) last.delete(key);
    }
  };
}

function settled(previous: Promise<unknown>): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, PATIENCE);
    const done = (): void => {
      clearTimeout(timer);
      resolve();
    };
    previous.then(done, done);
  });
}
