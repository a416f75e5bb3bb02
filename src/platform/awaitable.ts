/**
 * A value, or a promise of it. A store that answers synchronously stays synchronous all the way: no promise is made for
 * it.
 */
export type Awaitable<T> = T | Promise<T>;

/** `then` without a promise where there is none: what is synchronous stays so. */
export function after<T, U>(value: Awaitable<T>, next: (value: T) => Awaitable<U>): Awaitable<U> {
  return isPromise(value) ? value.then(next) : next(value);
}

/** `Promise.all` in the same manner. */
export function all<T>(values: readonly Awaitable<T>[]): Awaitable<T[]> {
  return values.some(isPromise) ? Promise.all(values) : (values as T[]);
}

export function isPromise<T>(value: Awaitable<T>): value is Promise<T> {
  return typeof (value as { then?: unknown } | undefined | null)?.then === "function";
}

/**
 * The answer of a callback that must not be asynchronous. A promise would pass for the answer itself; it is refused,
 * and its rejection ends nobody's process.
 */
export function atOnce<T>(name: string, value: T): T {
  if (!isPromise(value)) return value;
  ignoreRejection(value);
  throw new TypeError(`${name} must answer at once; it returned a promise`);
}

/** For a promise that nobody waits for: its rejection is heard by nobody, and is no unhandled one. */
export function ignoreRejection(value: unknown): void {
  // Any thenable, whose then() may throw as well: resolve() turns that into a rejection
  if (isPromise(value)) Promise.resolve(value).catch(() => {});
}
