/** A near copy of what a far store holds. */
import type { Entry, ReadOptions, SessionStore, Version } from "../store.ts";

/** How old a copy may be. */
export interface CachedStoreOptions {
  /** For how many milliseconds a read may be answered from the near copy. Default 1,000. */
  readonly staleness?: number;
  /** The time in epoch milliseconds. Default `Date.now`. */
  readonly clock?: () => number;
}

/**
 * Answers reads from `near` for at most `staleness` milliseconds after they came from `far`; everything else goes to
 * `far`, which alone decides what is accepted. So no update is ever lost, and what this process writes it also reads.
 *
 * The price: after a change elsewhere, a sign-out included, this process may go on showing the former state until the
 * copy ends. A logout is final in the process that did it at once, and everywhere after `staleness`. That nothing is
 * there is never remembered, and `read(key, { fresh: true })` asks `far`: sessions conclude nothing from what a copy
 * does not show.
 *
 * @param near Usually `memoryStore()`. Used for nothing else: it holds copies, not sessions.
 * @throws {RangeError} when `staleness` is not a number above zero.
 *
 * @example
 * ```ts
 * const store = cachedStore(memoryStore(), redisStore(client), { staleness: 2_000 });
 * ```
 */
export function cachedStore(
  near: Pick<SessionStore, "read" | "create" | "delete">,
  far: SessionStore,
  options: CachedStoreOptions = {},
): SessionStore {
  const { staleness = 1_000, clock = () => Date.now() } = options;
  if (!(Number.isFinite(staleness) && staleness > 0)) {
    throw new RangeError(
      `Cannot keep copies for ${String(staleness)} ms: staleness must be a number of milliseconds above zero`,
    );
  }
  /**
   * The latest read from far of each key that is under way. A write takes its key out, so that what was read before is
   * not kept after.
   */
  const reading = new Map<string, symbol>();

  async function read(key: string, { fresh = false }: ReadOptions = {}): Promise<Entry | undefined> {
    if (fresh) await forget(key);
    const copy = fresh ? undefined : await near.read(key);
    if (copy !== undefined) return unpack(copy.value);
    // Counted from before the read, since what it returns may be as old as that.
    const until = clock() + staleness;
    const mine = Symbol();
    reading.set(key, mine);
    try {
      const entry = await far.read(key);
      if (entry !== undefined && reading.get(key) === mine) {
        await near.create(key, pack(entry), { expiresAt: Math.min(until, entry.expiresAt) });
        // Written while the copy was made, where near takes its time.
        if (reading.get(key) !== mine) await near.delete(key);
      }
      return entry;
    } finally {
      if (reading.get(key) === mine) reading.delete(key);
    }
  }

  async function forget(key: string): Promise<void> {
    reading.delete(key);
    await near.delete(key);
  }

  /** No copy is left by a write, refused or not: a refused one tells that the copy was outdated. */
  async function write<T>(key: string, call: () => T | Promise<T>): Promise<T> {
    await forget(key);
    try {
      return await call();
    } finally {
      await forget(key);
    }
  }

  const { touch, keysOf, sweep, consistency } = far;
  return {
    read,
    create: (key, value, meta) => write(key, () => far.create(key, value, meta)),
    update: (key, value, meta, expected) => write(key, () => far.update(key, value, meta, expected)),
    delete: (key, expected) => write(key, () => far.delete(key, expected)),
    ...(touch && {
      touch: (key: string, expiresAt: number, expected?: Version) =>
        write(key, () => touch.call(far, key, expiresAt, expected)),
    }),
    ...(keysOf && { keysOf: (subject: string) => keysOf.call(far, subject) }),
    ...(sweep && { sweep: (now: number) => sweep.call(far, now) }),
    ...(consistency && { consistency }),
  };
}

function pack({ value, version, expiresAt }: Entry): string {
  return `${JSON.stringify([version, expiresAt])}\n${value}`;
}

function unpack(copy: string): Entry {
  const end = copy.indexOf("\n");
  const [version, expiresAt] = JSON.parse(copy.slice(0, end)) as [Version, number];
  return { value: copy.slice(end + 1), version, expiresAt };
}
