/** More than a handful in a row means that something else is wrong. */
const attempts = 10;

/**
 * Runs a statement again when the engine gave it up for the sake of another (a deadlock, a serialization failure). Such
 * a statement was undone as a whole and would have waited had it come a moment later: that is a race, and no fault.
 */
export async function rerun<T>(run: () => Promise<T>, gaveUp: (error: unknown) => boolean): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await run();
    } catch (error) {
      if (attempt === attempts || !gaveUp(error)) throw error;
    }
  }
}
