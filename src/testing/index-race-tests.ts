/** The index while a write is on its way. */
import { pause } from "../platform/pause.ts";
import type { Entry, SessionStore } from "../store.ts";
import { holds, hour, newKey, type StoreTest, same, sameKeys } from "./tools.ts";

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
  {
    name: "keysOf() lists every entry that stays, and one that moves to another key, while others come and go",
    async run({ store, clock }) {
      const meta = { expiresAt: clock.now() + hour, subject: "anna" };
      // The rows of those that go are before the rows of those that stay
      const leaving = Array.from({ length: ROUNDS }, newKey);
      const staying = Array.from({ length: ROUNDS }, newKey);
      for (const key of [...leaving, ...staying]) await store.create(key, "x", meta);
      const moving = [leaving[0] as string];
      let isOver = false;
      async function churn(): Promise<void> {
        for (const key of leaving) {
          // As in a rotation: the next one is there before the last one goes
          moving.push(newKey());
          await store.create(moving.at(-1) as string, "x", meta);
          await store.delete(moving.at(-2) as string);
          if (key !== leaving[0]) await store.delete(key);
          await pause();
        }
      }
      async function watch(): Promise<void> {
        while (!isOver) {
          const listed = (await store.keysOf?.("anna")) ?? [];
          const missing = staying.filter((key) => !listed.includes(key)).length;
          same(missing, 0, "keysOf() left out entries that were there all the time");
          holds(
            listed.some((key) => moving.includes(key)),
            "keysOf() left out an entry that moved to another key",
          );
          await pause();
        }
      }
      const churned = churn().finally(() => {
        isOver = true;
      });
      await Promise.all([churned, watch()]);
    },
  },
];

/** How many entries stay, and how many leave. Few, for stores whose engine is far away. */
const ROUNDS = 8;

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
