import { memoryStore, type SessionStore } from "@sojourn/session";

/** A store whose writes wait at a gate, so that a test sees what happens meanwhile. */
export interface HeldStore extends SessionStore {
  /** The next writes wait. */
  hold(): void;
  /** Resolves when a write waits. */
  reached(): Promise<void>;
  /** Lets the waiting writes and all later ones go, or makes the waiting ones fail. */
  release(error?: Error): void;
  /** How many writes there were. */
  readonly writes: number;
}

export function heldStore(): HeldStore {
  const store = memoryStore();
  let gate: { arrive(): void; arrived: Promise<void>; open(error?: Error): void; opened: Promise<void> } | undefined;
  let writes = 0;

  function through<Args extends unknown[], T>(
    operation: (...args: Args) => T | Promise<T>,
  ): (...args: Args) => Promise<T> {
    return async (...args) => {
      writes++;
      gate?.arrive();
      await gate?.opened;
      return await operation(...args);
    };
  }

  return {
    ...store,
    create: through(store.create),
    update: through(store.update),
    delete: through(store.delete),
    get writes() {
      return writes;
    },
    hold() {
      let arrive = (): void => {};
      const arrived = new Promise<void>((resolve) => {
        arrive = resolve;
      });
      let open: (error?: Error) => void = () => {};
      const opened = new Promise<void>((resolve, reject) => {
        open = (error) => (error ? reject(error) : resolve());
      });
      opened.catch(() => {});
      gate = { arrive, arrived, open, opened };
    },
    reached: () => gate?.arrived ?? Promise.reject(new Error("The store is not held")),
    release(error) {
      gate?.open(error);
      gate = undefined;
    },
  };
}
