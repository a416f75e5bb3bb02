import { SessionError } from "../errors.ts";
import { storeFailed } from "../events.ts";
import type { Awaitable } from "../platform/awaitable.ts";
import { isPromise } from "../platform/awaitable.ts";
import type { Settings } from "../rules/options.ts";
import type { SessionStore } from "../store.ts";

/**
 * A store whose every fault is a `SessionError`, after `storeTimeout` at the latest, with an event, and never an
 * unhandled rejection.
 */
export type GuardedStore = { [Method in Operation]: NonNullable<SessionStore[Method]> };

type Operation = "read" | "create" | "update" | "delete" | "touch" | "keysOf" | "sweep";

/** Wraps a store. Answers that are not promises stay so. Optional methods that the store lacks must not be called. */
export function guardStore(
  store: SessionStore,
  { storeTimeout, emit }: Pick<Settings, "storeTimeout" | "emit">,
): GuardedStore {
  function guard<T>(operation: Operation, call: () => Awaitable<T>): Awaitable<T> {
    try {
      const answer = call();
      return isPromise(answer) ? settle(operation, answer) : answer;
    } catch (cause) {
      throw failed(operation, cause);
    }
  }

  async function settle<T>(operation: Operation, answer: Promise<T>): Promise<T> {
    let timer: ReturnType<typeof setTimeout> | undefined;
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(timeout(operation)), storeTimeout);
    });
    try {
      // race listens to the loser too: its rejection, if it ever comes, is handled
      return await Promise.race([answer, late]);
    } catch (cause) {
      throw failed(operation, cause);
    } finally {
      clearTimeout(timer);
    }
  }

  function timeout(operation: Operation): SessionError {
    return new SessionError(
      "store_timeout",
      `The session store did not answer "${operation}" within ${storeTimeout} ms`,
    );
  }

  function failed(operation: Operation, cause: unknown): SessionError {
    const error =
      cause instanceof SessionError
        ? cause
        : new SessionError("store_failed", `The session store failed at "${operation}"`, { cause });
    if (error.code === "store_failed" || error.code === "store_timeout") {
      emit(storeFailed(operation, error));
    }
    return error;
  }

  return {
    read: (key) => guard("read", () => store.read(key)),
    create: (key, value, meta) => guard("create", () => store.create(key, value, meta)),
    update: (key, value, meta, expected) => guard("update", () => store.update(key, value, meta, expected)),
    delete: (key, expected) => guard("delete", () => store.delete(key, expected)),
    touch: (key, expiresAt, expected) => guard("touch", () => (store as GuardedStore).touch(key, expiresAt, expected)),
    keysOf: (subject) => guard("keysOf", () => (store as GuardedStore).keysOf(subject)),
    sweep: (now) => guard("sweep", () => (store as GuardedStore).sweep(now)),
  };
}
