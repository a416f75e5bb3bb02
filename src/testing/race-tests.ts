/** Calls that run at the same time. */
import { pause } from "../platform/pause.ts";
import type { SessionStore } from "../store.ts";
import { created, found, holds, hour, missing, newKey, race, racers, type StoreTest, same } from "./tools.ts";

const rounds = 5;

/** What compare-and-set is for. */
export const raceTests: readonly StoreTest[] = [
  {
    name: "of many create() calls racing for a key exactly one wins",
    async run({ store, clock }) {
      const meta = { expiresAt: clock.now() + hour };
      for (let round = 0; round < rounds; round++) await onlyOneCreates(store, newKey(), meta.expiresAt);
    },
  },
  {
    name: "of many create() calls racing for an expired entry's key exactly one wins",
    async run({ store, clock }) {
      for (let round = 0; round < rounds; round++) {
        const key = newKey();
        await created(store, key, "old", { expiresAt: clock.now() + hour });
        clock.forward(hour);
        await onlyOneCreates(store, key, clock.now() + hour);
      }
    },
  },
  {
    name: "of many update() calls racing at one version exactly one wins",
    async run({ store, clock }) {
      const meta = { expiresAt: clock.now() + hour };
      for (let round = 0; round < rounds; round++) {
        const key = newKey();
        const version = await created(store, key, "start", meta);
        const versions = await race(racers, (i) => store.update(key, `update ${i}`, meta, version));
        const winners = versions.flatMap((won, i) => (won === undefined ? [] : [i]));
        same(winners.length, 1, "not exactly one of the racing update() calls won");
        const entry = await found(store, key, "racing update() calls removed the entry");
        same(entry.value, `update ${winners[0]}`, "read() does not return what the winner of a race wrote");
        same(
          entry.version,
          versions[winners[0] ?? -1],
          "read() does not return the version that the winner of a race got",
        );
      }
    },
  },
  {
    name: "counters lose nothing when read and update() are tried again until accepted",
    async run({ store, clock }) {
      const key = newKey();
      const meta = { expiresAt: clock.now() + hour };
      const [workers, steps] = [5, 3];
      await created(store, key, "0", meta);
      await race(workers, async () => {
        for (let step = 0, tries = 0; step < steps; tries++) {
          holds(tries < 1000, "update() kept refusing although others made progress");
          const { value, version } = await found(store, key, "the entry is gone");
          if ((await store.update(key, String(Number(value) + 1), meta, version)) !== undefined) step++;
        }
      });
      same((await store.read(key))?.value, String(workers * steps), "updates were lost");
    },
  },
  {
    name: "update() racing delete() never brings the entry back",
    async run({ store, clock }) {
      const meta = { expiresAt: clock.now() + hour };
      for (let round = 0; round < 2 * rounds; round++) {
        const key = newKey();
        const version = await created(store, key, "x", meta);
        await race(2, (i) => (i === round % 2 ? store.update(key, "late", meta, version) : store.delete(key)));
        await missing(store, key, "an entry was there after its delete()");
      }
    },
  },
  {
    name: "of update() and delete() racing at one version exactly one wins",
    async run({ store, clock }) {
      const meta = { expiresAt: clock.now() + hour };
      for (let round = 0; round < 2 * rounds; round++) {
        const key = newKey();
        const version = await created(store, key, "x", meta);
        const won = await race(2, async (i) =>
          i === round % 2 ? (await store.update(key, "y", meta, version)) !== undefined : store.delete(key, version),
        );
        same(won[0] !== won[1], true, "update() and delete() at the same version did not exclude each other");
        same((await store.read(key)) !== undefined, won[round % 2], "the loser of update() and delete() had its way");
      }
    },
  },
  {
    name: "of many delete() calls racing exactly one says true",
    async run({ store, clock }) {
      const key = newKey();
      await created(store, key, "x", { expiresAt: clock.now() + hour });
      const removed = await race(racers, () => store.delete(key));
      same(
        removed.filter(Boolean).length,
        1,
        "not exactly one of the racing delete() calls said that it removed the entry",
      );
    },
  },
];

export const touchRaceTests: readonly StoreTest[] = [
  {
    name: "touch() racing delete() never brings the entry back",
    async run({ store, clock }) {
      const expiresAt = clock.now() + hour;
      for (let round = 0; round < 2 * rounds; round++) {
        const key = newKey();
        await created(store, key, "x", { expiresAt });
        await race(2, (i) => (i === round % 2 ? store.touch?.(key, expiresAt + hour) : store.delete(key)));
        await missing(store, key, "an entry was there after its delete()");
      }
    },
  },
  {
    name: "touch() racing update() undoes nothing of it",
    async run({ store, clock }) {
      const meta = { expiresAt: clock.now() + hour };
      for (let round = 0; round < 2 * rounds; round++) {
        const key = newKey();
        let version = await created(store, key, "old", meta);
        await race(2, async (i) => {
          if (i === round % 2) {
            await store.touch?.(key, meta.expiresAt + hour);
            return;
          }
          // The touch may have given the entry a new version first.
          for (let tries = 0; tries < 3; tries++) {
            if ((await store.update(key, "new", meta, version)) !== undefined) return;
            version = (await found(store, key, "touch() racing update() removed the entry")).version;
          }
          throw new Error("update() kept refusing the version that read() gave");
        });
        same((await store.read(key))?.value, "new", "touch() put back the value from before an update()");
      }
    },
  },
];

/** What is left of that without compare-and-set. */
export const eventualRaceTests: readonly StoreTest[] = [
  {
    name: "racing writes leave one whole entry that can be updated",
    async run({ store, clock }) {
      const meta = { expiresAt: clock.now() + hour };
      const key = newKey();
      const versions = await race(racers, (i) => store.create(key, `create ${i}`, meta));
      const values = versions.flatMap((version, i) => (version === undefined ? [] : [`create ${i}`]));
      const entry = await found(store, key, "racing create() calls left no entry");
      holds(values.includes(entry.value), "read() returns what no successful create() wrote");
      await race(racers, (i) => store.update(key, `update ${i}`, meta, entry.version));
      const last = await found(store, key, "racing update() calls left no entry");
      holds(/^update \d+$/.test(last.value), "read() returns what no update() wrote");
      holds(
        (await store.update(key, "end", meta, last.version)) !== undefined,
        "update() refuses the version that read() gave after a race",
      );
    },
  },
];

/** True of every store, since value, version and expiry are written as one. */
export const wholenessTests: readonly StoreTest[] = [
  {
    name: "read() never mixes two writes",
    async run({ store, clock }) {
      const key = newKey();
      // Whole seconds, so that a store that rounds fails the test of that alone.
      const start = Math.floor(clock.now() / 1000) * 1000 + hour;
      let version = await created(store, key, "0", { expiresAt: start });
      let writing = true;
      const write = async (): Promise<void> => {
        for (let i = 1; i <= 10; i++) {
          const next = await store.update(key, String(i), { expiresAt: start + i * 1000 }, version);
          holds(next !== undefined, "update() refused the version that the last update() returned");
          version = next;
        }
      };
      const watch = async (): Promise<void> => {
        for (let reads = 0; writing || reads === 0; reads++) {
          if (reads % 10 === 9) await pause(); // or reads that answer at once leave no time for writes that do not
          const entry = await found(store, key, "read() missed an entry while it was updated");
          same(
            (entry.expiresAt - start) / 1000,
            Number(entry.value),
            "read() returned the value of one write with the expiry of another",
          );
        }
      };
      await Promise.all([
        write().finally(() => {
          writing = false;
        }),
        watch(),
        watch(),
      ]);
    },
  },
];

async function onlyOneCreates(store: SessionStore, key: string, expiresAt: number): Promise<void> {
  const versions = await race(racers, (i) => store.create(key, `create ${i}`, { expiresAt }));
  const winners = versions.flatMap((version, i) => (version === undefined ? [] : [i]));
  same(winners.length, 1, "not exactly one of the racing create() calls won");
  same(
    (await store.read(key))?.value,
    `create ${winners[0]}`,
    "read() does not return what the winner of a race created",
  );
}
