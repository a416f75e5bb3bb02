import type { Awaitable } from "../platform/awaitable.ts";
import { after } from "../platform/awaitable.ts";
import type { Settings } from "../rules/options.ts";
import type { SessionStore } from "../store.ts";
import { guardStore } from "../stored/guarded-store.ts";

/** The sealed sessions that were ended before their time. */
export interface Revocations {
  /** Why a session opens no more; `undefined` while it does. */
  find(handle: string): Awaitable<Revocation | undefined>;
  /**
   * Ends a session; false when that was done already, so that of two requests that race only one wins. `until`: the
   * last moment (epoch ms) at which a copy of its cookie could open.
   */
  end(handle: string, until: number, to?: string): Awaitable<boolean>;
  sweep(): Promise<number>;
}

export interface Revocation {
  readonly endedAt: number;
  /** The handle of the session that sign-in or renewal made of it. */
  readonly to?: string | undefined;
}

/**
 * A list of ended sessions in any store. A value is `endedAt`, or `endedAt to`; it holds nothing of the session, and
 * damaged it still means that the session was ended.
 */
export function createRevocations(given: SessionStore, settings: Settings): Revocations {
  const store = guardStore(given, settings);
  const { clock } = settings;
  return {
    find: (handle) =>
      after(store.read(handle), (entry) => {
        if (entry === undefined) return undefined;
        const [endedAt, to] = entry.value.split(" ");
        return { endedAt: Number(endedAt) || 0, to };
      }),
    end: (handle, until, to) =>
      after(
        store.create(handle, `${clock()}${to ? ` ${to}` : ""}`, { expiresAt: until }),
        (version) => version !== undefined,
      ),
    sweep: async () => (given.sweep ? store.sweep(clock()) : 0),
  };
}
