/** The index: which keys belong to a subject. */
import {
  created,
  hour,
  newKey,
  race,
  racers,
  type StoreTest,
  type StoreTestTools,
  same,
  sameKeys,
  updated,
} from "./tools.ts";

/**
 * Subjects come from the application. Each of these is a subject of its own, whatever a collation, pattern or path
 * thinks.
 */
const awkwardSubjects: readonly string[] = [
  "anna",
  "Anna",
  "anna ",
  " anna",
  "änna",
  "a\u0308nna",
  "ann",
  "ann%",
  "ann_",
  "ann*",
  "ann?",
  "ann>",
  "anna:1",
  "anna/1",
  "anna.1",
  "../anna",
  "{anna}",
  "anna'; --",
  'anna"',
  "anna\\",
  "anna\n",
  "__proto__",
  "constructor",
  "undefined",
  "0",
  "中文 \u{1f6d2}",
  "x".repeat(499),
  `${"x".repeat(499)}y`,
  `${"x".repeat(499)}Y`,
];

export const indexTests: readonly StoreTest[] = [
  {
    name: "keysOf() lists the keys of a subject and no others",
    async run({ store, clock }) {
      const expiresAt = clock.now() + hour;
      const [first, second, other, nobody] = [newKey(), newKey(), newKey(), newKey()];
      await created(store, first, "x", { expiresAt, subject: "anna" });
      await created(store, second, "x", { expiresAt, subject: "anna" });
      await created(store, other, "x", { expiresAt, subject: "bert" });
      await created(store, nobody, "x", { expiresAt });
      sameKeys(await store.keysOf?.("anna"), [first, second], "keysOf() does not list exactly the subject's keys");
      sameKeys(await store.keysOf?.("bert"), [other], "keysOf() does not list exactly the other subject's keys");
      sameKeys(await store.keysOf?.("carl"), [], "keysOf() of an unknown subject lists something");
      sameKeys(await store.keysOf?.("undefined"), [], "an entry without a subject is listed");
    },
  },
  {
    name: "keysOf() tells subjects apart, whatever they look like",
    async run({ store, clock }) {
      const expiresAt = clock.now() + hour;
      const keys = new Map<string, string>();
      for (const subject of awkwardSubjects) keys.set(subject, newKey());
      const pairs = [...keys];
      await race(pairs.length, (i) => {
        const [subject = "", key = ""] = pairs[i] ?? [];
        return created(store, key, "x", { expiresAt, subject });
      });
      await race(pairs.length, async (i) => {
        const [subject = "", key = ""] = pairs[i] ?? [];
        sameKeys(
          await store.keysOf?.(subject),
          [key],
          `keysOf(${JSON.stringify(subject)}) does not list exactly that subject's key`,
        );
      });
    },
  },
  {
    name: "keysOf() lists every key of a subject that has hundreds",
    async run({ store, clock }) {
      const meta = { expiresAt: clock.now() + hour, subject: "anna" };
      const keys = Array.from({ length: 240 }, newKey);
      for (let start = 0; start < keys.length; start += racers) {
        await race(racers, (i) => created(store, keys[start + i] ?? "", "x", meta));
      }
      sameKeys(await store.keysOf?.("anna"), keys, "keysOf() does not list all of many keys");
    },
  },
  {
    name: "an entry is listed when its create() was one of many at once",
    async run({ store, clock }) {
      const meta = { expiresAt: clock.now() + hour, subject: "anna" };
      const keys = Array.from({ length: racers }, newKey);
      await race(racers, (i) => store.create(keys[i] ?? "", "x", meta));
      sameKeys(await store.keysOf?.("anna"), keys, "keysOf() misses entries that were created at the same time");
    },
  },
  {
    name: "update() moves an entry in the index",
    async run({ store, clock }) {
      const expiresAt = clock.now() + hour;
      const key = newKey();
      const first = await created(store, key, "x", { expiresAt });
      const second = await updated(store, key, "x", { expiresAt, subject: "anna" }, first);
      sameKeys(await store.keysOf?.("anna"), [key], "an entry is not listed under the subject that update() gave it");
      await updated(store, key, "x", { expiresAt, subject: "bert" }, second);
      sameKeys(
        await store.keysOf?.("bert"),
        [key],
        "an entry is not listed under the new subject that update() gave it",
      );
      sameKeys(
        await store.keysOf?.("anna"),
        [],
        "an entry is still listed under the subject that it had before update()",
      );
    },
  },
  {
    name: "update() with the same subject keeps the entry listed, once",
    async run({ store, clock }) {
      const key = newKey();
      const first = await created(store, key, "x", { expiresAt: clock.now() + hour, subject: "anna" });
      await updated(store, key, "y", { expiresAt: clock.now() + 3 * hour, subject: "anna" }, first);
      sameKeys(await store.keysOf?.("anna"), [key], "an updated entry is not listed exactly once");
      clock.forward(2 * hour);
      sameKeys(await store.keysOf?.("anna"), [key], "an updated entry left the index at the expiry that it had before");
    },
  },
  {
    name: "update() without a subject takes the entry out of the index",
    async run({ store, clock }) {
      const expiresAt = clock.now() + hour;
      const key = newKey();
      const version = await created(store, key, "x", { expiresAt, subject: "anna" });
      await updated(store, key, "x", { expiresAt }, version);
      sameKeys(await store.keysOf?.("anna"), [], "an entry is still listed under the subject that update() took away");
    },
  },
  {
    name: "delete() takes its entry out of the index, and only that",
    async run({ store, clock }) {
      const meta = { expiresAt: clock.now() + hour, subject: "anna" };
      const [gone, kept] = [newKey(), newKey()];
      await created(store, gone, "x", meta);
      await created(store, kept, "x", meta);
      await store.delete(gone);
      sameKeys(await store.keysOf?.("anna"), [kept], "after delete() the index does not list exactly what is left");
    },
  },
  {
    name: "keysOf() does not list an expired entry",
    async run({ store, clock }) {
      const [short, long] = [newKey(), newKey()];
      await created(store, long, "x", { expiresAt: clock.now() + 3 * hour, subject: "anna" });
      await created(store, short, "x", { expiresAt: clock.now() + hour, subject: "anna" });
      clock.forward(hour);
      sameKeys(await store.keysOf?.("anna"), [long], "keysOf() does not list exactly the live entries");
    },
  },
  {
    name: "a refused create() or update() leaves the index as it was",
    async run({ store, clock }) {
      const expiresAt = clock.now() + hour;
      const key = newKey();
      const first = await created(store, key, "1", { expiresAt, subject: "anna" });
      await updated(store, key, "2", { expiresAt, subject: "anna" }, first);
      same(
        await store.create(key, "x", { expiresAt, subject: "bert" }),
        undefined,
        "create() accepted a key that is taken",
      );
      same(
        await store.update(key, "x", { expiresAt, subject: "bert" }, first),
        undefined,
        "update() accepted an outdated version",
      );
      sameKeys(await store.keysOf?.("bert"), [], "a refused create() or update() put the entry into the index");
      sameKeys(await store.keysOf?.("anna"), [key], "a refused create() or update() took the entry out of the index");
    },
  },
  {
    name: "a key that is created anew is not listed under its former subject",
    async run({ store, clock }) {
      const [deleted, expired] = [newKey(), newKey()];
      await created(store, deleted, "x", { expiresAt: clock.now() + hour, subject: "anna" });
      await created(store, expired, "x", { expiresAt: clock.now() + hour, subject: "anna" });
      await store.delete(deleted);
      clock.forward(hour);
      await created(store, deleted, "y", { expiresAt: clock.now() + hour });
      await created(store, expired, "y", { expiresAt: clock.now() + hour, subject: "bert" });
      sameKeys(await store.keysOf?.("anna"), [], "an entry is listed under the subject of a former entry of its key");
      sameKeys(await store.keysOf?.("bert"), [expired], "an entry in the place of an expired one is not listed");
    },
  },
];

export const touchedIndexTests: readonly StoreTest[] = [
  {
    name: "touch() keeps the entry listed beyond its former expiry",
    run: (tools) => staysListed(tools, false),
  },
  {
    name: "touch() at a version keeps the entry listed beyond its former expiry",
    run: (tools) => staysListed(tools, true),
  },
];

async function staysListed({ store, clock }: StoreTestTools, atVersion: boolean): Promise<void> {
  const key = newKey();
  const version = await created(store, key, "x", { expiresAt: clock.now() + hour, subject: "anna" });
  await store.touch?.(key, clock.now() + 3 * hour, ...(atVersion ? [version] : []));
  sameKeys(await store.keysOf?.("anna"), [key], "touch() took the entry out of the index");
  clock.forward(2 * hour);
  sameKeys(await store.keysOf?.("anna"), [key], "a touched entry left the index at the expiry that it had before");
}
