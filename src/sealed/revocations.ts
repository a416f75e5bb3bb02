import type { Awaitable } from "../platform/awaitable.ts";
import { after } from "../platform/awaitable.ts";
import { CLOCK_SKEW } from "../rules/lifetime.ts";
import type { Settings } from "../rules/options.ts";
import type { SessionStore } from "../store.ts";
import type { Budget } from "../stored/arrival.ts";
import { guardStore } from "../stored/guarded-store.ts";

/** The sealed sessions that were ended before their time. */
export interface Revocations {
  /** Why a session opens no more; `undefined` while it does. */
  find(id: string): Awaitable<Revocation | undefined>;
  /**
   * Ends a session; false when that was done already, so that of two requests that race only one wins. `until`: the
   * last moment (epoch ms) at which a copy of its cookie could open; the list keeps it a day longer, for servers whose
   * clocks are behind. `next`: what sign-in or renewal made of it.
   */
  end(
    id: string,
    until: number,
    next?: { readonly id: string; readonly handle: string },
    budget?: Budget,
  ): Awaitable<boolean>;
  sweep(): Promise<number>;
}

export interface Revocation {
  readonly endedAt: number;
  /** The id of the session that sign-in or renewal made of it. */
  readonly to?: string | undefined;
  /** The handle of that session, where it is not its id. */
  readonly handle?: string | undefined;
}

/**
 * A list of ended sessions in any store. A value is `endedAt`, `endedAt to` or `endedAt to handle`; it holds nothing of
 * the session, and damaged it still means that the session was ended.
 */
export function createRevocations(given: SessionStore, settings: Settings): Revocations {
  const store = guardStore(given, settings);
  const { clock } = settings;
  return {
    find: (id) =>
      after(store.read(id), (entry) => {
        if (entry === undefined) return undefined;
        const [endedAt, to, handle] = entry.value.split(" ");
        return { endedAt: Number(endedAt) || 0, to, handle };
      }),
    end: (id, until, next, budget) => {
      const value = [clock(), next?.id, next?.handle !== next?.id && next?.handle].filter(Boolean).join(" ");
      return after(
        store.create(id, value, { expiresAt: until + CLOCK_SKEW, lasting: true }, budget),
        (version) => version !== undefined,
      );
    },
    sweep: async () => (given.sweep ? store.sweep(clock()) : 0),
  };
}
