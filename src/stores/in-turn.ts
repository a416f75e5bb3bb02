/** Runs one piece of work per key at a time, in the order of the calls, within this process. */
export type InTurn = <T>(key: string, work: () => Promise<T>) => Promise<T>;

/**
 * How long a call waits for the one before it, in milliseconds. An engine that never answers must not keep a key locked
 * when it is well again.
 */
const PATIENCE = 10_000;

/**
 * For engines that cannot compare-and-set: at least calls of one process do not get in between a read and the write
 * that follows from it.
 */
export function inTurn(): InTurn {
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
