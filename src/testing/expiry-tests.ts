/** An expired entry is a missing entry; `touch` moves the expiry; `sweep` drops what has expired. */
import { created, found, hour, missing, newKey, type StoreTest, same, updated } from "./tools.ts";

export const expiryTests: readonly StoreTest[] = [
  {
    name: "an entry lives until the last millisecond before expiresAt",
    async run({ store, clock }) {
      const key = newKey();
      const expiresAt = Math.floor(clock.now() / 1000) * 1000 + hour + 501;
      await created(store, key, "x", { expiresAt });
      clock.forward(expiresAt - 1 - clock.now());
      await found(store, key, "an entry was gone before its expiresAt");
    },
  },
  {
    name: "read() does not return an expired entry",
    async run({ store, clock }) {
      const key = newKey();
      const expiresAt = Math.floor(clock.now() / 1000) * 1000 + hour + 499;
      await created(store, key, "x", { expiresAt });
      clock.forward(expiresAt - clock.now());
      await missing(store, key, "read() returned an entry at its expiresAt");
      clock.forward(24 * hour);
      await missing(store, key, "read() returned an entry a day after its expiresAt");
    },
  },
  {
    name: "update() refuses an expired entry",
    async run({ store, clock }) {
      const key = newKey();
      const version = await created(store, key, "x", { expiresAt: clock.now() + hour });
      clock.forward(hour);
      same(
        await store.update(key, "y", { expiresAt: clock.now() + hour }, version),
        undefined,
        "update() accepted an expired entry",
      );
      await missing(store, key, "update() brought an expired entry back");
    },
  },
  {
    name: "delete() of an expired entry says that there was none",
    async run({ store, clock }) {
      const key = newKey();
      await created(store, key, "x", { expiresAt: clock.now() + hour });
      clock.forward(hour);
      same(await store.delete(key), false, "delete() of an expired entry said that it removed something");
    },
  },
  {
    name: "delete() of an expired entry at its version says that there was none",
    async run({ store, clock }) {
      const key = newKey();
      const version = await created(store, key, "x", { expiresAt: clock.now() + hour });
      clock.forward(hour);
      same(
        await store.delete(key, version),
        false,
        "delete() of an expired entry at its version said that it removed something",
      );
    },
  },
  {
    name: "an entry lives by the clock given, also where the engine's own is half a minute ahead",
    async run({ store, clock }) {
      clock.forward(-30_000);
      const [made, changed] = [newKey(), newKey()];
      const soon = { expiresAt: clock.now() + 20_000 };
      await created(store, made, "x", soon);
      const version = await created(store, changed, "x", { expiresAt: clock.now() + hour });
      await updated(store, changed, "y", soon, version);
      clock.forward(19_000);
      await found(store, made, "an entry was gone before its expiresAt");
      await found(store, changed, "an updated entry was gone before its expiresAt");
    },
  },
  {
    name: "create() takes the key of an expired entry",
    async run({ store, clock }) {
      const key = newKey();
      await created(store, key, "old", { expiresAt: clock.now() + hour });
      clock.forward(hour);
      await created(store, key, "new", { expiresAt: clock.now() + hour });
      same((await store.read(key))?.value, "new", "create() on an expired entry's key did not store the new value");
    },
  },
  {
    name: "a version from before the expiry opens nothing after the key was created anew",
    async run({ store, clock }) {
      const key = newKey();
      const former = await created(store, key, "same", { expiresAt: clock.now() + hour });
      clock.forward(hour);
      await created(store, key, "same", { expiresAt: clock.now() + hour });
      same(
        await store.update(key, "late", { expiresAt: clock.now() + hour }, former),
        undefined,
        "update() accepted the version of an entry that had expired",
      );
    },
  },
  {
    name: "update() moves the expiry, to later and to sooner",
    async run({ store, clock }) {
      const key = newKey();
      const first = await created(store, key, "x", { expiresAt: clock.now() + hour });
      const second = await updated(store, key, "x", { expiresAt: clock.now() + 5 * hour }, first);
      clock.forward(2 * hour);
      await found(store, key, "an entry ended at the expiry that it had before update()");
      await updated(store, key, "x", { expiresAt: clock.now() + hour }, second);
      clock.forward(2 * hour);
      await missing(store, key, "an entry outlived the sooner expiry that update() gave it");
    },
  },
  {
    name: "an entry may live for thirty seconds only",
    async run({ store, clock }) {
      // The ends of sessions are kept that long; some engines refuse times to live below a minute.
      const key = newKey();
      const version = await created(store, key, "x", { expiresAt: clock.now() + hour });
      await updated(store, key, "ended", { expiresAt: clock.now() + 30_000 }, version);
      same((await store.read(key))?.value, "ended", "an entry of thirty seconds was not kept");
      clock.forward(30_000);
      await missing(store, key, "an entry of thirty seconds lived longer");
    },
  },
  {
    name: "an expiry in the past is neither an error nor a live entry",
    async run({ store, clock }) {
      const [key, other] = [newKey(), newKey()];
      await store.create(key, "x", { expiresAt: clock.now() - 1000 });
      await missing(store, key, "create() with an expiry in the past made a live entry");
      const version = await created(store, other, "x", { expiresAt: clock.now() + hour });
      await store.update(other, "y", { expiresAt: clock.now() - 1000 }, version);
      await missing(store, other, "update() with an expiry in the past left a live entry");
    },
  },
];

export const touchTests: readonly StoreTest[] = [
  {
    name: "touch() moves the expiry, to later and to sooner",
    async run({ store, clock }) {
      const key = newKey();
      const later = Math.floor(clock.now() / 1000) * 1000 + 5 * hour + 501;
      await created(store, key, "x", { expiresAt: clock.now() + hour });
      same(await store.touch?.(key, later), true, "touch() of a live entry did not say true");
      clock.forward(2 * hour);
      same((await store.read(key))?.expiresAt, later, "touch() did not move the expiry to later");
      same(await store.touch?.(key, clock.now() + hour), true, "the second touch() did not say true");
      clock.forward(2 * hour);
      await missing(store, key, "an entry outlived the sooner expiry that touch() gave it");
    },
  },
  {
    name: "touch() at a version moves the expiry, to later and to sooner",
    async run({ store, clock }) {
      const key = newKey();
      const version = await created(store, key, "x", { expiresAt: clock.now() + hour });
      same(await store.touch?.(key, clock.now() + 5 * hour, version), true, "touch() refused the current version");
      clock.forward(2 * hour);
      const entry = await found(store, key, "touch() at a version did not move the expiry to later");
      same(await store.touch?.(key, clock.now() + hour, entry.version), true, "touch() refused the current version");
      clock.forward(2 * hour);
      await missing(store, key, "an entry outlived the sooner expiry that touch() at a version gave it");
    },
  },
  {
    name: "touch() keeps the value and leaves a version that update() accepts",
    async run({ store, clock }) {
      const key = newKey();
      const version = await created(store, key, "x", { expiresAt: clock.now() + hour });
      same(await store.touch?.(key, clock.now() + 2 * hour, version), true, "touch() refused the current version");
      const entry = await found(store, key, "touch() removed the entry");
      same(entry.value, "x", "touch() changed the value");
      await updated(store, key, "y", { expiresAt: clock.now() + hour }, entry.version);
    },
  },
  {
    name: "touch() never creates, neither an unknown nor a deleted entry",
    async run({ store, clock }) {
      const [key, unknown] = [newKey(), newKey()];
      same(await store.touch?.(unknown, clock.now() + hour), false, "touch() of an unknown key said true");
      await missing(store, unknown, "touch() created an entry under an unknown key");
      const version = await created(store, key, "x", { expiresAt: clock.now() + hour });
      await store.delete(key);
      same(await store.touch?.(key, clock.now() + hour), false, "touch() of a deleted entry said true");
      same(
        await store.touch?.(key, clock.now() + hour, version),
        false,
        "touch() of a deleted entry at its version said true",
      );
      await missing(store, key, "touch() brought a deleted entry back");
    },
  },
  {
    name: "touch() refuses an outdated version and changes nothing",
    async run({ store, clock }) {
      const key = newKey();
      const expiresAt = clock.now() + hour;
      const first = await created(store, key, "1", { expiresAt });
      await updated(store, key, "2", { expiresAt }, first);
      const before = await store.read(key);
      same(await store.touch?.(key, expiresAt + hour, first), false, "touch() accepted an outdated version");
      same((await store.read(key))?.expiresAt, before?.expiresAt, "a refused touch() moved the expiry");
    },
  },
  {
    name: "touch() does not bring an expired entry back",
    async run({ store, clock }) {
      const key = newKey();
      const version = await created(store, key, "x", { expiresAt: clock.now() + hour });
      clock.forward(hour);
      same(await store.touch?.(key, clock.now() + hour), false, "touch() of an expired entry said true");
      same(
        await store.touch?.(key, clock.now() + hour, version),
        false,
        "touch() of an expired entry at its version said true",
      );
      await missing(store, key, "touch() brought an expired entry back");
    },
  },
];

export const sweepTests: readonly StoreTest[] = [
  {
    name: "sweep() drops what has expired, nothing else, and says how many",
    async run({ store, clock }) {
      const start = clock.now();
      const live = [newKey(), newKey()];
      for (const key of live) await created(store, key, "live", { expiresAt: start + 9 * hour });
      for (const hours of [1, 1, 2]) await created(store, newKey(), "old", { expiresAt: start + hours * hour });
      clock.forward(3 * hour);
      same(await store.sweep?.(start + hour), 2, "sweep() did not drop exactly what had expired by the time given");
      same(await store.sweep?.(clock.now()), 1, "sweep() did not drop exactly what had expired since");
      same(await store.sweep?.(clock.now()), 0, "sweep() dropped something twice, or something live");
      for (const key of live) await found(store, key, "sweep() dropped a live entry");
    },
  },
];
