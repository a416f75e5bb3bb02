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
