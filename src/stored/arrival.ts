/** A request as the protocol sees it: everything about it is judged by when it arrived. */
export interface Arrival extends Budget {
  /** Epoch ms. */
  readonly at: number;
}

/** How long a request may still be kept waiting, in ms: by the store, by other requests, by retries. All count. */
export interface Budget {
  left: number;
}

/** Measures a wait. */
export async function spend<T>(budget: Budget, waiting: Promise<T>): Promise<T> {
  const from = performance.now();
  try {
    return await waiting;
  } finally {
    budget.left -= performance.now() - from;
  }
}

/**
 * Waits for what may as well fail or hang, such as another request: for half of the time that is left at most, so that
 * there is time to go on without it.
 */
export async function waitFor(other: Promise<unknown>, budget: Budget): Promise<void> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const enough = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, Math.max(0, budget.left / 2));
  });
  await spend(budget, Promise.race([other.catch(() => {}), enough]));
  clearTimeout(timer);
}
