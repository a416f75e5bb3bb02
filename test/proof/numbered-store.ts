import type { Entry, SessionStore, Version } from "../../src/index.ts";

/** A store whose versions count the writes of an entry: the same ones, whatever happened to other entries. */
export interface NumberedStore extends SessionStore {
  /** Counts from one again. */
  restart(): void;
}

/** `store` answers without promises. Lists are sorted: what a store leaves open makes no difference here. */
export function numberedStore(store: SessionStore): NumberedStore {
  const given = new Map<string, Version[]>();

  function number(key: string, version: Version | undefined): Version | undefined {
    if (version === undefined) return undefined;
    const known = given.get(key) ?? [];
    given.set(key, known);
    if (!known.includes(version)) known.push(version);
    return known.indexOf(version) + 1;
  }

  const versionOf = (key: string, expected: Version) => given.get(key)?.[(expected as number) - 1] as Version;

  return {
    restart: () => given.clear(),
    read(key, ...rest) {
      const entry = store.read(key, ...rest) as Entry | undefined;
      return entry && { ...entry, version: number(key, entry.version) as Version };
    },
    create: (key, value, meta) => number(key, store.create(key, value, meta) as Version | undefined),
    update: (key, value, meta, expected) =>
      number(key, store.update(key, value, meta, versionOf(key, expected)) as Version | undefined),
    delete: (key, expected) => store.delete(key, expected === undefined ? undefined : versionOf(key, expected)),
    touch: (key, expiresAt, expected) => store.touch!(key, expiresAt, versionOf(key, expected as Version)),
    keysOf: (subject) => [...(store.keysOf!(subject) as string[])].sort(),
  };
}
