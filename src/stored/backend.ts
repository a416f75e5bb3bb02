import type { Backend } from "../backend.ts";
import { cookieValues } from "../http/cookie.ts";
import type { Awaitable } from "../platform/awaitable.ts";
import { after } from "../platform/awaitable.ts";
import { endOf } from "../rules/lifetime.ts";
import type { Settings } from "../rules/options.ts";
import type { SessionStore } from "../store.ts";
import { createChain, type LivePlace, type Place, type Seen } from "./chain.ts";
import { createServerCommit } from "./commit.ts";
import type { Found } from "./draft.ts";
import { guardStore } from "./guarded-store.ts";
import { createSubjectIndex } from "./subject-index.ts";
import { digest, isWellFormed } from "./token.ts";

/**
 * Sessions behind a token: the cookie holds the token, the store holds the record under its digest. Here they are
 * found; `commit.ts` keeps them.
 */
export function createServerBackend(given: SessionStore, settings: Settings): Backend<Found> {
  checkStore(given, settings);
  const store = guardStore(given, settings);
  const chain = createChain(store, settings);
  const index = createSubjectIndex(given, store, chain, settings);
  const { lifetime, clock } = settings;

  function find(cookieHeader: string | null, cookie: { name: string }, now: number): Awaitable<Found> {
    const candidates = cookieValues(cookieHeader, cookie.name, isWellFormed);
    const [token] = candidates;
    if (token === undefined) return nothingFound(now);
    const key = digest(token);
    return after(store.read(key), (entry) => {
      const seen = chain.judge(key, entry, now);
      return seen?.kind === "live"
        ? liveFound({ status: "live", token, key, seen, direct: true })
        : search(candidates, { key, seen }, now);
    });
  }

  /** The first cookie does not lead straight to a live record: follow what it left behind, and try the others. */
  async function search(
    candidates: string[],
    first: { key: string; seen: Seen | undefined },
    now: number,
  ): Promise<Found> {
    let best: Found | undefined;
    for (const [index, token] of candidates.entries()) {
      const place = await chain.follow(token, index === 0 ? first : undefined);
      if (place.status === "live") return liveFound(place);
      if (place.status === "ended") best ??= nothingFound(now, place);
    }
    return best ?? nothingFound(now);
  }

  function liveFound(place: LivePlace): Found {
    const { record, idleEnd } = place.seen;
    const { content: data, subject, authenticatedAt, createdAt, persistent = false } = record;
    const expiresAt = endOf(idleEnd, createdAt, lifetime);
    return {
      status: "live",
      data,
      handle: place.key,
      subject,
      authenticatedAt,
      createdAt,
      expiresAt,
      persistent,
      place,
    };
  }

  function nothingFound(now: number, place: Exclude<Place, LivePlace> = { status: "none" }): Found {
    return {
      status: place.status,
      data: {},
      handle: undefined,
      subject: undefined,
      authenticatedAt: undefined,
      createdAt: now,
      expiresAt: now + lifetime.idle,
      persistent: settings.persistent,
      place,
    };
  }

  return {
    find,
    keep: createServerCommit(given, store, chain, index, settings),
    list: index.list,
    revoke: index.revoke,
    revokeAll: index.revokeAll,
    sweep: async () => (given.sweep ? store.sweep(clock()) : 0),
  };
}

/**
 * What is asked of the sessions must be in the power of the store; better said at construction than at the first
 * sign-in.
 */
function checkStore(store: SessionStore, { maxPerSubject, rotation }: Settings): void {
  for (const method of ["read", "create", "update", "delete"] as const) {
    if (typeof store?.[method] !== "function")
      throw new TypeError(`store must be a session store, such as memoryStore(); this one has no ${method}()`);
  }
  if (maxPerSubject !== Number.POSITIVE_INFINITY && !store.keysOf)
    throw new TypeError("maxPerSubject needs a store with an index by subject (keysOf)");
  if (rotation.every !== false && store.consistency === "eventual") {
    throw new TypeError(
      "rotation.every needs a strongly consistent store: elsewhere the new token may not be readable yet; leave it out",
    );
  }
}
