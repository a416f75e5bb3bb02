import type { SessionStore } from "../../../src/store.ts";
import { memoryStore } from "../../../src/stores/memory.ts";

/** What the wrong indexes are told, each after the write that it belongs to succeeded. */
export interface Index {
  /** The entry under `key` was written with this subject, or none. */
  write(key: string, subject: string | undefined, former: string | undefined): void | Promise<void>;
  remove(key: string, former: string | undefined): void | Promise<void>;
  keysOf(subject: string, isLive: (key: string) => boolean): string[] | Promise<string[]>;
}

/** A right store but for its index. */
export function withIndex(clock: () => number, index: Index): SessionStore {
  const inner = memoryStore({ clock });
  const subjects = new Map<string, string | undefined>();
  return {
    ...inner,
    async create(key, value, meta) {
      const version = inner.create(key, value, meta);
      if (version === undefined) return undefined;
      const former = subjects.get(key);
      subjects.set(key, meta.subject);
      await index.write(key, meta.subject, former);
      return version;
    },
    async update(key, value, meta, expected) {
      const version = inner.update(key, value, meta, expected);
      if (version === undefined) return undefined;
      const former = subjects.get(key);
      subjects.set(key, meta.subject);
      await index.write(key, meta.subject, former);
      return version;
    },
    async delete(key, expected) {
      const removed = inner.delete(key, expected);
      if (removed) {
        const former = subjects.get(key);
        subjects.delete(key);
        await index.remove(key, former);
      }
      return removed;
    },
    keysOf: (subject) => index.keysOf(subject, (key) => inner.read(key) !== undefined),
  };
}

/** Sets of keys by subject: what the wrong indexes do all but one thing right with. */
export function keySets(nameOf: (subject: string) => string = (subject) => subject): Index {
  const sets = new Map<string, Set<string>>();
  const of = (subject: string): Set<string> => {
    const name = nameOf(subject);
    const set = sets.get(name) ?? new Set();
    sets.set(name, set);
    return set;
  };
  return {
    write(key, subject, former) {
      if (former !== undefined) of(former).delete(key);
      if (subject !== undefined) of(subject).add(key);
    },
    remove(key, former) {
      if (former !== undefined) of(former).delete(key);
    },
    keysOf: (subject, isLive) => [...of(subject)].filter(isLive),
  };
}
