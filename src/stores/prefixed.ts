/** Several applications on one store. */
import { after } from "../platform/awaitable.ts";
import type { EntryMeta, SessionStore, Version } from "../store.ts";

/**
 * A store inside another: its keys and subjects begin with `prefix`, so that applications that share an engine share
 * nothing else. Give every application on the engine a prefix, or its own table, database or key prefix where the store
 * has an option for that. `sweep` drops what has expired of all of them.
 *
 * @param prefix 1 to 20 letters, digits, `-` and `_`, which every engine takes in a key. No two prefixes get in each
 * other's way.
 * @throws {TypeError} when `prefix` is not such a text.
 */
export function prefixedStore(store: SessionStore, prefix: string): SessionStore {
  if (!/^[\w-]{1,20}$/.test(prefix)) {
    throw new TypeError(`Cannot use the prefix ${JSON.stringify(prefix)}: write 1 to 20 letters, digits, "-" or "_"`);
  }
  // Keys all have one length, so that where the prefix ends is clear; subjects have not, and prefixes have no colon.
  const metaOf = ({ expiresAt, subject }: EntryMeta): EntryMeta =>
    subject === undefined ? { expiresAt } : { expiresAt, subject: `${prefix}:${subject}` };
  const bare = (keys: string[]): string[] => keys.map((key) => key.slice(prefix.length));
  const { touch, keysOf, sweep, consistency } = store;
  return {
    read: (key) => store.read(prefix + key),
    create: (key, value, meta) => store.create(prefix + key, value, metaOf(meta)),
    update: (key, value, meta, expected) => store.update(prefix + key, value, metaOf(meta), expected),
    delete: (key, expected) => store.delete(prefix + key, expected),
    ...(touch && {
      touch: (key: string, ...rest: [expiresAt: number, expected?: Version]) =>
        touch.call(store, prefix + key, ...rest),
    }),
    ...(keysOf && {
      keysOf: (subject: string) => after(keysOf.call(store, `${prefix}:${subject}`), bare),
    }),
    ...(sweep && { sweep: (now: number) => sweep.call(store, now) }),
    ...(consistency && { consistency }),
  };
}
