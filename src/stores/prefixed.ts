/** Several applications on one store. */
import { after } from "../platform/awaitable.ts";
import type { EntryMeta, SessionStore, Version } from "../store.ts";

/**
 * A store inside another: its keys and subjects begin with `prefix`, so that applications that share an engine share
 * nothing else. Give every application on the engine a prefix, or its own table, database or key prefix where the store
 * has an option for that. `sweep` drops what has expired of all of them.
 *
 * @param prefix 1 to 20 letters, digits, `-` and `_`, which every engine takes in a key. No two prefixes get in each
 * other's way, because all keys have one length. So a store has one prefix: one inside another could name the same.
 * @throws {TypeError} when `prefix` is not such a text, or the store has a prefix already; each method for a key that
 * does not have 43 characters.
 */
export function prefixedStore(store: SessionStore, prefix: string): SessionStore {
  if (!/^[\w-]{1,20}$/.test(prefix)) {
    throw new TypeError(`Cannot use the prefix ${JSON.stringify(prefix)}: write 1 to 20 letters, digits, "-" or "_"`);
  }
  if (prefixed.has(store)) {
    throw new TypeError(
      `Cannot put the prefix ${JSON.stringify(prefix)} inside another one: write one prefix, on the store that has none`,
    );
  }
  // Subjects have any length, and prefixes have no colon.
  const metaOf = (meta: EntryMeta): EntryMeta =>
    meta.subject === undefined ? meta : { ...meta, subject: `${prefix}:${meta.subject}` };
  const bare = (keys: string[]): string[] => keys.map((key) => key.slice(prefix.length));
  const { touch, keysOf, sweep, consistency } = store;
  const at = (key: string): string => prefix + whole(key);
  const made: SessionStore = {
    read: (key, ...rest) => store.read(at(key), ...rest),
    create: (key, value, meta) => store.create(at(key), value, metaOf(meta)),
    update: (key, value, meta, expected) => store.update(at(key), value, metaOf(meta), expected),
    delete: (key, expected) => store.delete(at(key), expected),
    ...(touch && {
      touch: (key: string, ...rest: [expiresAt: number, expected?: Version]) => touch.call(store, at(key), ...rest),
    }),
    ...(keysOf && {
      keysOf: (subject: string) => after(keysOf.call(store, `${prefix}:${subject}`), bare),
    }),
    ...(sweep && { sweep: (now: number) => sweep.call(store, now) }),
    ...(consistency && { consistency }),
  };
  prefixed.add(made);
  return made;
}

/** Stores that have a prefix. */
const prefixed = new WeakSet<SessionStore>();

const KEY_LENGTH = 43;

/** Keys have one length, so that where the prefix ends is clear. */
function whole(key: string): string {
  if (key.length !== KEY_LENGTH) {
    throw new TypeError(`Cannot use a key of ${key.length} characters: under a prefix it could name another's`);
  }
  return key;
}
