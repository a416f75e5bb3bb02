/** Reading and writing one entry, one call after the other. */
import { created, found, holds, hour, missing, newKey, race, racers, type StoreTest, same, updated } from "./tools.ts";

/** Text that encodings, escapers and line-based formats get wrong. */
const awkwardValues: readonly string[] = [
  "",
  " ",
  "0",
  "null",
  '{"a":"b"}',
  'it\'s "quoted" and `ticked` with a \\ backslash',
  "line\nfeed\r\nand\ttab",
  "Zażółć gęślą jaźń ÿ 中文 עברית",
  "\u{1f6d2} \u{10ffff} e\u0301 \u2028 \ufeff",
  "%s ? $1 :name {{x}} #{x} <b> ; -- /*",
];

export const entryTests: readonly StoreTest[] = [
  {
    name: "read() finds nothing under an unknown key",
    async run({ store }) {
      same(await store.read(newKey()), undefined, "read() of an unknown key is not undefined");
    },
  },
  {
    name: "values come back character for character",
    async run({ store, clock }) {
      const meta = { expiresAt: clock.now() + hour };
      await race(awkwardValues.length, async (i) => {
        const value = awkwardValues[i] ?? "";
        const key = newKey();
        const version = await created(store, key, value, meta);
        same((await store.read(key))?.value, value, "read() does not return what create() stored");
        await updated(store, key, `${value}!`, meta, version);
        same((await store.read(key))?.value, `${value}!`, "read() does not return what update() stored");
      });
    },
  },
  {
    name: "text that is not well-formed comes back as it was, or is refused",
    async run({ store, clock }) {
      const key = newKey();
      const value = "a lone surrogate: \ud83d";
      try {
        await store.create(key, value, { expiresAt: clock.now() + hour });
      } catch {
        return;
      }
      same((await store.read(key))?.value, value, "read() does not return what create() stored, and did not refuse");
    },
  },
  {
    name: "a large value is kept whole",
    async run({ store, clock, valueBytes }) {
      const key = newKey();
      // No repetition that a compressing engine could profit from, ASCII so that characters are bytes.
      let value = "";
      while (value.length < valueBytes) value += newKey();
      value = value.slice(0, valueBytes);
      await created(store, key, value, { expiresAt: clock.now() + hour });
      same((await store.read(key))?.value, value, "a large value was cut or changed");
    },
  },
  {
    name: "expiresAt comes back to the millisecond",
    async run({ store, clock }) {
      const key = newKey();
      const soon = Math.floor(clock.now() / 1000) * 1000 + hour + 499;
      const late = soon + 400 * 24 * hour + 252;
      const version = await created(store, key, "x", { expiresAt: soon });
      same((await store.read(key))?.expiresAt, soon, "create() changed expiresAt");
      await updated(store, key, "x", { expiresAt: late }, version);
      same((await store.read(key))?.expiresAt, late, "update() changed expiresAt");
    },
  },
  {
    name: "create() refuses a key that is taken and changes nothing",
    async run({ store, clock }) {
      const key = newKey();
      const expiresAt = clock.now() + hour;
      const version = await created(store, key, "first", { expiresAt });
      const before = await store.read(key);
      same(
        await store.create(key, "second", { expiresAt: expiresAt + 1 }),
        undefined,
        "create() accepted a key that is taken",
      );
      const entry = await found(store, key, "a refused create() removed the entry");
      same(entry.value, "first", "a refused create() changed the value");
      same(entry.expiresAt, before?.expiresAt, "a refused create() changed expiresAt");
      same(entry.version, version, "a refused create() changed the version");
    },
  },
  {
    name: "create() and update() return the version that read() gives",
    async run({ store, clock }) {
      const key = newKey();
      const meta = { expiresAt: clock.now() + hour };
      const first = await created(store, key, "1", meta);
      same((await store.read(key))?.version, first, "create() returned another version than read() gives");
      const second = await updated(store, key, "2", meta, first);
      same((await store.read(key))?.version, second, "update() returned another version than read() gives");
    },
  },
  {
    name: "update() refuses an outdated version and changes nothing",
    async run({ store, clock }) {
      const key = newKey();
      const expiresAt = clock.now() + hour;
      const first = await created(store, key, "1", { expiresAt });
      await updated(store, key, "2", { expiresAt }, first);
      const before = await store.read(key);
      same(
        await store.update(key, "3", { expiresAt: expiresAt + 1 }, first),
        undefined,
        "update() accepted an outdated version",
      );
      const entry = await found(store, key, "a refused update() removed the entry");
      same(entry.value, "2", "a refused update() changed the value");
      same(entry.expiresAt, before?.expiresAt, "a refused update() changed expiresAt");
      same(entry.version, before?.version, "a refused update() changed the version");
    },
  },
  {
    name: "update() never creates, neither an unknown nor a deleted entry",
    async run({ store, clock }) {
      const [key, unknown] = [newKey(), newKey()];
      const meta = { expiresAt: clock.now() + hour };
      const version = await created(store, key, "x", meta);
      same(await store.update(unknown, "y", meta, version), undefined, "update() accepted an unknown key");
      await missing(store, unknown, "update() created an entry under an unknown key");
      await store.delete(key);
      same(await store.update(key, "y", meta, version), undefined, "update() accepted a deleted key");
      await missing(store, key, "update() brought a deleted entry back");
    },
  },
  {
    name: "no two states of a key share a version",
    async run({ store, clock }) {
      const key = newKey();
      const meta = { expiresAt: clock.now() + hour };
      const seen = new Set<unknown>();
      for (let life = 1; life <= 3; life++) {
        let version = await created(store, key, "same", meta);
        seen.add(version);
        for (let state = 2; state <= 4; state++) {
          version = await updated(store, key, "same", meta, version);
          seen.add(version);
        }
        same(
          seen.size,
          life * 4,
          life === 1 ? "update() gave a version again" : "a version came again after delete() and create()",
        );
        await store.delete(key);
      }
    },
  },
  {
    name: "a version from before delete() opens nothing after the key was created anew",
    async run({ store, clock }) {
      const key = newKey();
      const meta = { expiresAt: clock.now() + hour };
      const former = await created(store, key, "same", meta);
      await store.delete(key);
      await created(store, key, "same", meta);
      same(await store.update(key, "late", meta, former), undefined, "update() accepted the version of a former entry");
    },
  },
  {
    name: "delete() removes the entry and says true only then",
    async run({ store, clock }) {
      const key = newKey();
      same(await store.delete(newKey()), false, "delete() of an unknown key said that it removed something");
      await created(store, key, "x", { expiresAt: clock.now() + hour });
      same(await store.delete(key), true, "delete() of an entry did not say that it removed it");
      await missing(store, key, "delete() left the entry");
      same(await store.delete(key), false, "the second delete() said that it removed something");
    },
  },
  {
    name: "delete() with an outdated version removes nothing",
    async run({ store, clock }) {
      const key = newKey();
      const meta = { expiresAt: clock.now() + hour };
      const first = await created(store, key, "1", meta);
      const second = await updated(store, key, "2", meta, first);
      same(await store.delete(key, first), false, "delete() accepted an outdated version");
      await found(store, key, "delete() with an outdated version removed the entry");
      same(await store.delete(key, second), true, "delete() refused the current version");
      await missing(store, key, "delete() with the current version left the entry");
    },
  },
  {
    name: "no entry makes room for others before it ends",
    async run({ store, clock }) {
      const meta = { expiresAt: clock.now() + hour };
      const keys = Array.from({ length: 15 * racers }, newKey);
      for (let start = 0; start < keys.length; start += racers)
        await race(racers, (i) => created(store, keys[start + i] ?? "", "x", meta));
      for (let start = 0; start < keys.length; start += racers)
        await race(racers, (i) => found(store, keys[start + i] ?? "", "an entry was dropped before its end"));
    },
  },
  {
    name: "changing an object that was handed in or out changes nothing that is stored",
    async run({ store, clock }) {
      const key = newKey();
      const meta = { expiresAt: clock.now() + hour };
      await created(store, key, "stored", meta);
      meta.expiresAt = 0;
      const entry = await found(store, key, "the store keeps the caller's meta object");
      const { version, expiresAt } = entry;
      holds(expiresAt !== 0, "the store keeps the caller's meta object");
      for (const [name, value] of [
        ["value", "changed"],
        ["version", "changed"],
        ["expiresAt", 0],
      ] as const) {
        // False where the store hands out frozen entries, which is as good.
        Reflect.set(entry, name, value);
      }
      const again = await found(store, key, "the store hands out the very object that it keeps");
      holds(
        again.value === "stored" && again.version === version && again.expiresAt === expiresAt,
        "the store hands out the very object that it keeps",
      );
    },
  },
];
