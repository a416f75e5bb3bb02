import { isSessionError, isStoreFailure, SessionError } from "../errors.ts";
import { storeFailed } from "../events.ts";
import type { Awaitable } from "../platform/awaitable.ts";
import { isPromise } from "../platform/awaitable.ts";
import type { Settings } from "../rules/options.ts";
import type { Entry, EntryMeta, ReadOptions, SessionStore, Version } from "../store.ts";
import { type Budget, spend } from "./arrival.ts";

/**
 * A store whose every fault is a `SessionError`, with an event, and never an unhandled rejection. An operation takes as
 * long as its budget allows, and without one `storeTimeout`.
 */
export interface GuardedStore {
  read(key: string, budget?: Budget, options?: ReadOptions): Awaitable<Entry | undefined>;
  create(key: string, value: string, meta: EntryMeta, budget?: Budget): Awaitable<Version | undefined>;
  update(
    key: string,
    value: string,
    meta: EntryMeta,
    expected: Version,
    budget?: Budget,
  ): Awaitable<Version | undefined>;
  delete(key: string, expected?: Version, budget?: Budget): Awaitable<boolean>;
  touch(key: string, expiresAt: number, expected: Version, budget?: Budget): Awaitable<boolean>;
  keysOf(subject: string, budget?: Budget): Awaitable<string[]>;
  sweep(now: number): Awaitable<number>;
}

type Operation = keyof GuardedStore;

/** Wraps a store. Answers that are not promises stay so. Optional methods that the store lacks must not be called. */
export function guardStore(
  store: SessionStore,
  { storeTimeout, emit }: Pick<Settings, "storeTimeout" | "emit">,
): GuardedStore {
  function guard<T>(operation: Operation, budget: Budget | undefined, call: () => Awaitable<T>): Awaitable<T> {
    try {
      const answer = call();
      return isPromise(answer) ? settle(operation, answer, budget ?? { left: storeTimeout }) : answer;
    } catch (cause) {
      throw failed(operation, cause);
    }
  }

  async function settle<T>(operation: Operation, answer: Promise<T>, budget: Budget): Promise<T> {
    let timer: ReturnType<typeof setTimeout> | undefined;
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(timeout(operation)), Math.max(0, budget.left));
    });
    try {
      // race listens to the loser too: its rejection, if it ever comes, is handled
      return await spend(budget, Promise.race([answer, late]));
    } catch (cause) {
      throw failed(operation, cause);
    } finally {
      clearTimeout(timer);
    }
  }

  function timeout(operation: Operation): SessionError {
    const message = `The session store did not answer "${operation}" within ${storeTimeout} ms, the storeTimeout`;
    return new SessionError("store_timeout", message);
  }

  function failed(operation: Operation, cause: unknown): SessionError {
    const error = isSessionError(cause)
      ? cause
      : new SessionError("store_failed", `The session store failed at "${operation}"`, { cause });
    if (isStoreFailure(error)) emit(storeFailed(operation, error));
    return error;
  }

  return {
    read: (key, budget, options) => guard("read", budget, () => (options ? store.read(key, options) : store.read(key))),
    create: (key, value, meta, budget) => guard("create", budget, () => store.create(key, value, meta)),
    update: (key, value, meta, expected, budget) =>
      guard("update", budget, () => store.update(key, value, meta, expected)),
    delete: (key, expected, budget) => guard("delete", budget, () => store.delete(key, expected)),
    touch: (key, expiresAt, expected, budget) =>
      guard("touch", budget, () => (store as Required<SessionStore>).touch(key, expiresAt, expected)),
    keysOf: (subject, budget) => guard("keysOf", budget, () => (store as Required<SessionStore>).keysOf(subject)),
    sweep: (now) => guard("sweep", undefined, () => (store as Required<SessionStore>).sweep(now)),
  };
}
