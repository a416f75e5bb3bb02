import { isPromise } from "../platform/awaitable.ts";

/** What is called of a store of express-session, and of @fastify/session. */
export interface CallbackStore {
  /** Calls back with what was set; nothing, or an ENOENT, when there is nothing. */
  get(id: string, done: (error?: unknown, session?: unknown) => void): unknown;
  /** Removes it, if it is there. */
  destroy(id: string, done: (error?: unknown) => void): unknown;
}

export function checkStore(what: string, store: unknown): void {
  const { get, destroy } = (store ?? {}) as Partial<CallbackStore>;
  if (typeof get !== "function" || typeof destroy !== "function") {
    throw new TypeError(`${what} must be the store that the old sessions are in, with get() and destroy()`);
  }
}

/** What a store answers by its callback. One that is made of promises may reject instead. */
export function answer<T>(call: (done: (error?: unknown, result?: T) => void) => unknown): Promise<T | undefined> {
  return new Promise((resolve, reject) => {
    const returned = call((error, result) => (isMissing(error) ? resolve(result) : reject(error)));
    if (isPromise(returned)) returned.then(undefined, reject);
  });
}

/** No error, or the way of some stores to say that there is nothing. */
function isMissing(error: unknown): boolean {
  return !error || (error as { code?: unknown }).code === "ENOENT";
}
