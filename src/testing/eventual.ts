/** What an eventually consistent store is put through: each test goes on when a read shows what was written. */

import type { Awaitable } from "../platform/awaitable.ts";
import { pause } from "../platform/pause.ts";
import type { SessionStore } from "../store.ts";

/** Milliseconds after which a replica should have caught up. A test that needed more fails by what it reads then. */
const PATIENCE = 3_000;

/**
 * The store, of which each successful write is awaited until a read shows it: one that is answered by a replica does
 * not see it at once. `now` is the clock by which entries end.
 */
export function settling(store: SessionStore, now: () => number): SessionStore {
  const subjects = new Map<string, string>();

  async function listed(key: string, subject: string | undefined): Promise<void> {
    const former = subjects.get(key);
    if (subject === undefined) subjects.delete(key);
    else subjects.set(key, subject);
    if (!store.keysOf) return;
    if (subject !== undefined) await until(async () => (await store.keysOf?.(subject))?.includes(key));
    if (former !== undefined && former !== subject)
      await until(async () => !(await store.keysOf?.(former))?.includes(key));
  }

  return {
    ...store,
    async create(key, value, meta) {
      const version = await store.create(key, value, meta);
      if (version === undefined || meta.expiresAt <= now()) return version;
      await until(async () => (await store.read(key)) !== undefined);
      await listed(key, meta.subject);
      return version;
    },
    async update(key, value, meta, expected) {
      const version = await store.update(key, value, meta, expected);
      if (version === undefined) return version;
      await until(async () => (await store.read(key))?.version !== expected);
      if (meta.expiresAt > now()) await listed(key, meta.subject);
      return version;
    },
    async delete(key, expected) {
      const removed = await store.delete(key, expected);
      if (!removed) return removed;
      await until(async () => (await store.read(key)) === undefined);
      await listed(key, undefined);
      return removed;
    },
    ...(store.touch && {
      async touch(key: string, expiresAt: number, ...expected: []) {
        const touched = await store.touch?.(key, expiresAt, ...expected);
        if (touched) await until(async () => ((await store.read(key))?.expiresAt ?? expiresAt) === expiresAt);
        return touched ?? false;
      },
    }),
  };
}

async function until(holds: () => Awaitable<boolean | undefined>): Promise<void> {
  const end = performance.now() + PATIENCE;
  while (!(await holds()) && performance.now() < end) await pause();
}
