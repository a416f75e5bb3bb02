/** The index while a write is on its way. */
import { pause } from "../platform/pause.ts";
import type { Entry, SessionStore } from "../store.ts";
import { holds, hour, newKey, type StoreTest, sameKeys } from "./tools.ts";

export const watchedIndexTests: readonly StoreTest[] = [
  {
    name: "an entry that can be read is listed, also while its create() or update() is on its way",
    async run({ store, clock }) {
      const expiresAt = clock.now() + hour;
      const key = newKey();
      const version = await whileWatched(
        store,
        key,
        "anna",
        (entry) => entry !== undefined,
        () => store.create(key, "x", { expiresAt, subject: "anna" }),
      );
      holds(version !== undefined, "create() refused a key that was free");
      await whileWatched(
        store,
        key,
        "bert",
        (entry) => entry?.value === "y",
        () => store.update(key, "y", { expiresAt, subject: "bert" }, version),
      );
    },
  },
];

/**
 * What another process sees while `write` is on its way: an entry that `isWritten` must be listed under the subject, or
 * a crash at that moment would leave it where no list shows it.
 */
async function whileWatched<T>(
  store: SessionStore,
  key: string,
  subject: string,
  isWritten: (entry: Entry | undefined) => boolean,
  write: () => T | Promise<T>,
): Promise<T> {
  let writing = true;
  const watch = async (): Promise<void> => {
    do {
      if (isWritten(await store.read(key))) {
        sameKeys(await store.keysOf?.(subject), [key], "an entry could be read before the index listed it");
      } else await pause();
    } while (writing);
  };
  const [written] = await Promise.all([
    (async () => write())().finally(() => {
      writing = false;
    }),
    watch(),
  ]);
  return written;
}
