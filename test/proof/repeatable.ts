import { AsyncLocalStorage } from "node:async_hooks";

/** Pauses between two attempts are shorter than this many milliseconds, limits of time are longer. */
const LONGEST_PAUSE = 100;

/** How many random values were drawn, by whom nothing else is said for. */
let shared = { drawn: 0 };
const own = new AsyncLocalStorage<{ drawn: number }>();

/** Numbers from 0 to below 1 that a seed repeats (Park and Miller, 1988). */
export function chance(seed: number): () => number {
  let state = seed % 2_147_483_647 || 1;
  return () => {
    state = (state * 48_271) % 2_147_483_647;
    return state / 2_147_483_647;
  };
}

/** What `body` does draws random bytes of its own: the same with each call with this number. */
export function withChance<T>(number: number, body: () => T): T {
  return own.run({ drawn: 2 ** 31 + number * 2 ** 20 }, body);
}

/**
 * Runs `body` with timers and random bytes that an exploration can repeat. A pause between two attempts is over at
 * once; a limit of time never passes, since whether an answer comes too late is for the explorer to choose.
 */
export async function withRepeatable<T>(body: () => Promise<T>): Promise<T> {
  const { setTimeout, clearTimeout, MessageChannel } = globalThis;
  const { stackTraceLimit } = Error;
  const { random } = Math;
  shared = { drawn: 0 };
  Object.assign(globalThis, {
    setTimeout(callback: () => void, delay = 0) {
      if (delay < LONGEST_PAUSE) queueMicrotask(callback);
      return 0;
    },
    clearTimeout() {},
    // A turn of the event loop is a timer then
    MessageChannel: undefined,
  });
  Object.defineProperty(crypto, "getRandomValues", { configurable: true, value: fill });
  Math.random = () => fill(new Int32Array(1))[0]! / 2 ** 25;
  // Thousands of executions are given up by an error
  Error.stackTraceLimit = 0;
  try {
    return await body();
  } finally {
    Object.assign(globalThis, { setTimeout, clearTimeout, MessageChannel });
    delete (crypto as Partial<Crypto>).getRandomValues; // what the prototype has shows again
    Error.stackTraceLimit = stackTraceLimit;
    Math.random = random;
  }
}

/** Each call another value, and all of them spread well: the steps of a multiplicative generator. */
function fill(array: Uint8Array | Int32Array): Uint8Array | Int32Array {
  let state = ++(own.getStore() ?? shared).drawn;
  for (let index = 0; index < array.length; index++) {
    state = (Math.imul(state ^ (state >>> 15), 0x2c1b3c6d) + index) | 0;
    array[index] = state >>> 7;
  }
  return array;
}
