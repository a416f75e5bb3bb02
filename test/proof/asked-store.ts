import type { Entry, SessionStore, Version } from "../../src/index.ts";
import type { Ask } from "./behaviour.ts";
import type { Operation } from "./explorer.ts";
import { SUBJECT } from "./requests.ts";

/** Whose store it is, and what is noted. */
interface Asking {
  readonly actor: number;
  /** Every key that somebody tried to write. */
  readonly written: Set<string>;
  /** The store may not do what the contract says: nothing is concluded from what it holds. */
  readonly mayBeWrong: boolean;
}

/**
 * The store as one process sees it: each operation takes effect when the explorer says so. `store` answers without
 * promises.
 */
export function askedStore(store: SessionStore, execution: Ask, { actor, written, mayBeWrong }: Asking): SessionStore {
  const versionOf = (key: string) => (store.read(key) as Entry | undefined)?.version;
  const isListed = (key: string) => (store.keysOf!(SUBJECT) as string[]).includes(key);
  /** A write is only a read where the key is taken, or the version is not the one that was expected. */
  const isRefused = (key: string, expected?: Version) =>
    !mayBeWrong && (versionOf(key) === undefined || (expected !== undefined && versionOf(key) !== expected));

  function ask<T>(operation: Omit<Operation, "actor" | "effect">, effect: () => T): Promise<Awaited<T>> {
    return execution({ ...operation, actor, effect }) as Promise<Awaited<T>>;
  }

  return {
    read: (key, ...rest) => ask({ name: "read", key, ...READ }, () => store.read(key, ...rest)),
    create(key, value, meta) {
      const isRead = () => !mayBeWrong && versionOf(key) !== undefined;
      const changesIndex = () => mayBeWrong || (meta.subject === SUBJECT && !isRead());
      return ask({ name: "create", key, isRead, changesIndex, asked: [value] }, () => {
        written.add(key);
        return store.create(key, value, meta);
      });
    },
    update(key, value, meta, expected) {
      const isRead = () => isRefused(key, expected);
      const changesIndex = () => mayBeWrong || (!isRead() && isListed(key) !== (meta.subject === SUBJECT));
      const operation = { name: "update", key, isRead, changesIndex, asked: [value] };
      return ask(operation, () => store.update(key, value, meta, expected));
    },
    delete(key, expected) {
      const isRead = () => isRefused(key, expected);
      const changesIndex = () => mayBeWrong || (!isRead() && isListed(key));
      return ask({ name: "delete", key, isRead, changesIndex }, () => store.delete(key, expected));
    },
    touch(key, expiresAt, expected) {
      const operation = { name: "touch", key, isRead: () => isRefused(key, expected), changesIndex: () => false };
      return ask(operation, () => store.touch!(key, expiresAt, expected));
    },
    keysOf: (subject) =>
      ask({ name: "keysOf", key: undefined, ...READ, asked: [subject] }, () => store.keysOf!(subject)),
  };
}

const READ = { isRead: () => true, changesIndex: () => false };
