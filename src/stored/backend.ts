import type { Backend } from "../backend.ts";
import { cookieValues } from "../http/cookie.ts";
import type { Awaitable } from "../platform/awaitable.ts";
import { after } from "../platform/awaitable.ts";
import type { Settings } from "../rules/options.ts";
import type { Entry, SessionStore } from "../store.ts";
import type { adopt } from "./adopt.ts";
import type { Arrival } from "./arrival.ts";
import { arrive, judge, type LivePlace, type Place, type Reuse, type Seen } from "./chain.ts";
import { keep, reload, save } from "./commit.ts";
import { type Context, createContext } from "./context.ts";
import { endReused } from "./end.ts";
import { type Found, liveFound, nothingFound } from "./found.ts";
import { list, revoke, revokeAll } from "./subject-index.ts";
import { digest, isWellFormed } from "./token.ts";
import { keepAlive } from "./touch.ts";

/**
 * Sessions behind a token: the cookie holds the token, the store holds the record under its digest. Here they are
 * found; `commit.ts` keeps them.
 */
export function createServerBackend(given: SessionStore, settings: Settings): Backend<Found> {
  checkStore(given, settings);
  const context = createContext(given, settings);
  const { store, can } = context;
  return {
    find: (cookieHeader, cookie, now) => find(context, cookieHeader, cookie.name, now),
    keep: (state, deliverable) => keep(context, state, deliverable),
    save: (state, deliverable) => save(context, state, deliverable),
    reload: (state) => reload(context, state),
    keepAlive: (state) => keepAlive(context, state),
    list: (subject, current) => list(context, subject, current),
    revoke: (subject, handle) => revoke(context, subject, handle),
    revokeAll: (subject, except) => revokeAll(context, subject, except),
    sweep: async () => (can.sweep ? store.sweep(settings.clock()) : 0),
  };
}

const NONE: Exclude<Place, LivePlace> = { status: "none" };
const NO_OTHERS: readonly string[] = [];

function find(context: Context, cookieHeader: string | null, name: string, now: number): Awaitable<Found> {
  const candidates = cookieValues(cookieHeader, name, isWellFormed);
  const arrival: Arrival = { at: now, left: context.settings.storeTimeout };
  const [token] = candidates;
  if (token === undefined)
    return nothingOfOurs(context, cookieHeader, arrival, nothingFound(context, NONE, arrival, NO_OTHERS));
  const key = digest(token);
  return after(context.store.read(key, arrival), (entry) => {
    const seen = judge(context, key, entry, now);
    if (seen?.kind !== "live") {
      return after(search(context, candidates, { key, seen, entry }, arrival), (found) =>
        found.status === "none" ? nothingOfOurs(context, cookieHeader, arrival, found) : found,
      );
    }
    const others = candidates.length === 1 ? NO_OTHERS : candidates.slice(1);
    return liveFound(context, { status: "live", token, key, seen, direct: true }, arrival, others);
  });
}

/** `nothing` is there of ours: perhaps a session of another library, to be taken over. */
function nothingOfOurs(
  context: Context,
  cookieHeader: string | null,
  arrival: Arrival,
  nothing: Found,
): Awaitable<Found> {
  const [source] = context.settings.migrateFrom;
  if (source === undefined || cookieHeader === null) return nothing;
  const takeOver = source.takeOver.stored as typeof adopt;
  return after(takeOver(context, cookieHeader, arrival), async (adopted) => {
    if (!adopted) return nothing;
    const { place, removals } = adopted;
    if (place.status === "live") return { ...liveFound(context, place, arrival, NO_OTHERS), removals };
    if (place.status === "reused") await endReused(context, place, arrival);
    const ended = place.status === "none" ? NONE : ({ status: "ended", key: place.key } as const);
    return { ...nothingFound(context, ended, arrival, NO_OTHERS), removals };
  });
}

/**
 * The first cookie does not lead straight to a live record: follow what it left behind, and try the others. What is
 * suspicious about one of them counts only if none is live.
 */
async function search(
  context: Context,
  candidates: readonly string[],
  { key, seen, entry }: { key: string; seen: Seen; entry: Entry | undefined },
  arrival: Arrival,
): Promise<Found> {
  // Past a limit, or damaged: that may be an old copy, so it is read again
  const isConclusive = entry === undefined || seen?.kind === "forward" || seen?.kind === "ended";
  const places: (Exclude<Place, LivePlace> | Reuse)[] = [];
  for (const [index, token] of candidates.entries()) {
    const place = await arrive(context, token, arrival, index === 0 && isConclusive ? { key, seen } : undefined);
    if (place.status !== "live") places.push(place);
    else
      return liveFound(
        context,
        place,
        arrival,
        candidates.filter((other) => other !== token),
      );
  }
  for (const place of places) {
    if (place.status === "reused") await endReused(context, place, arrival);
    else if (place.status === "none" && place.unknown !== undefined)
      context.settings.emit({ type: "unknown", handle: place.unknown });
  }
  const ended = places.find(({ status }) => status === "ended" || status === "reused") as { key: string } | undefined;
  const best = ended ? ({ status: "ended", key: ended.key } as const) : ({ status: "none" } as const);
  return nothingFound(context, best, arrival, candidates.slice(1));
}

/** Rejects options that the store cannot support, at construction rather than at the first sign-in. */
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
