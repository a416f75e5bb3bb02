/**
 * Frozen all the way down: the change that other libraries lose in silence is a type error here, and throws. Primitives
 * stay as they are, branded ones (`string & { [brand]: true }`) among them.
 */
export type DeepReadonly<T> = T extends string | number | boolean | bigint | symbol | null | undefined
  ? T
  : T extends (...args: never[]) => unknown
    ? T
    : T extends object
      ? { readonly [K in keyof T]: DeepReadonly<T[K]> }
      : T;
