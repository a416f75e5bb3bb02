/** More of them mean that something else is wrong. The pauses between them add up to a second or so, two at most. */
const ATTEMPTS = 11;

/**
 * Runs a statement again when the engine gave it up for the sake of another (a deadlock, a serialization failure, a
 * lock that somebody else has). Such a statement was undone as a whole and would have waited had it come a moment
 * later: that is a race, and no fault. The pauses are random, so that those who met do not meet again.
 */
export async function rerun<T>(run: () => T | Promise<T>, gaveUp: (error: unknown) => boolean): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await run();
    } catch (error) {
      if (attempt === ATTEMPTS || !gaveUp(error)) throw error;
    }
    await new Promise((resume) => setTimeout(resume, Math.random() * 2 ** attempt));
  }
}
