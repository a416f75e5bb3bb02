/** Two stores on one engine, as two servers have them; and an engine that cannot be reached. */
import type { SessionStore } from "../store.ts";
import { created, holds, hour, newKey, race, racers, type StoreTest, same, sameKeys, updated } from "./tools.ts";

/** For makers that give a second store on the same engine. */
export const sharedTests: readonly StoreTest[] = [
  {
    name: "what one store writes, another on the same engine goes on with",
    async run({ store, other = store, clock }) {
      const key = newKey();
      const meta = { expiresAt: clock.now() + hour };
      const first = await created(store, key, "1", meta);
      same((await fresh(other, key))?.value, "1", "another store does not see what create() wrote");
      const second = await updated(other, key, "2", meta, first);
      same((await fresh(store, key))?.value, "2", "a store does not see what another's update() wrote");
      same(
        await store.update(key, "3", meta, first),
        undefined,
        "update() accepted a version that another store ended",
      );
      same(await store.delete(key, first), false, "delete() accepted a version that another store ended");
      same(await store.delete(key, second), true, "delete() refused the version that another store wrote");
      same((await fresh(other, key))?.value, undefined, "another store still sees an entry after its delete()");
    },
  },
  {
    name: "read() with fresh is not answered from a copy",
    async run({ store, other = store, clock }) {
      const [key, later] = [newKey(), newKey()];
      const meta = { expiresAt: clock.now() + hour };
      const version = await created(store, key, "old", meta);
      for (const copied of [key, later]) for (let reads = 0; reads < 3; reads++) await store.read(copied);
      await updated(other, key, "new", meta, version);
      await created(other, later, "new", meta);
      for (const changed of [key, later])
        same((await fresh(store, changed))?.value, "new", "read() with fresh does not see what another store wrote");
      await other.delete(key);
      same((await fresh(store, key))?.value, undefined, "read() with fresh sees what another store deleted");
    },
  },
  {
    name: "of create() calls racing on two stores exactly one wins",
    async run({ store, other = store, clock }) {
      const meta = { expiresAt: clock.now() + hour };
      const key = newKey();
      const versions = await race(racers, (i) => (i % 2 ? store : other).create(key, `create ${i}`, meta));
      const winners = versions.flatMap((version, i) => (version === undefined ? [] : [i]));
      same(winners.length, 1, "not exactly one of the racing create() calls won");
      for (const each of [store, other])
        same((await fresh(each, key))?.value, `create ${winners[0]}`, "read() does not return what the winner created");
    },
  },
];

export const sharedIndexTests: readonly StoreTest[] = [
  {
    name: "keysOf() lists what another store on the same engine wrote, and not what it ended",
    async run({ store, other = store, clock }) {
      const meta = { expiresAt: clock.now() + hour, subject: "anna" };
      const [mine, theirs] = [newKey(), newKey()];
      await created(store, mine, "x", meta);
      sameKeys(await store.keysOf?.("anna"), [mine], "keysOf() does not list exactly the subject's keys");
      await created(other, theirs, "x", meta);
      for (const each of [store, other])
        sameKeys(await each.keysOf?.("anna"), [mine, theirs], "keysOf() does not list what two stores wrote");
      await other.delete(mine);
      sameKeys(await store.keysOf?.("anna"), [theirs], "keysOf() lists what another store deleted");
    },
  },
];

/** For makers that can cut the engine off. */
export const faultTests: readonly StoreTest[] = [
  {
    name: "every method throws when the engine cannot be reached",
    async run({ store, clock, cut }) {
      const key = newKey();
      const meta = { expiresAt: clock.now() + hour, subject: "anna" };
      const version = await created(store, key, "x", meta);
      await cut?.();
      const calls: Record<string, () => unknown> = {
        read: () => store.read(key),
        create: () => store.create(newKey(), "x", meta),
        update: () => store.update(key, "y", meta, version),
        delete: () => store.delete(key),
        ...(store.touch && { touch: () => store.touch?.(key, meta.expiresAt + hour) }),
        ...(store.keysOf && { keysOf: () => store.keysOf?.("anna") }),
      };
      for (const [name, call] of Object.entries(calls)) {
        const answered = await (async () => call())().then(
          () => true,
          () => false,
        );
        holds(!answered, `${name}() answered although the engine cannot be reached`);
      }
    },
  },
];

function fresh(store: SessionStore, key: string): ReturnType<SessionStore["read"]> {
  return store.read(key, { fresh: true });
}
