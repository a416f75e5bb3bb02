import type { Backend } from "../backend.ts";
import { cookieValues } from "../http/cookie.ts";
import type { Awaitable } from "../platform/awaitable.ts";
import { after } from "../platform/awaitable.ts";
import { endOf } from "../rules/lifetime.ts";
import type { Settings } from "../rules/options.ts";
import type { SessionStore } from "../store.ts";
import { follow, judge, type LivePlace, type Place, type Seen } from "./chain.ts";
import { keep } from "./commit.ts";
import { type Context, createContext } from "./context.ts";
import type { Found } from "./draft.ts";
import { list, revoke, revokeAll } from "./subject-index.ts";
import { digest, isWellFormed } from "./token.ts";

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
    list: (subject, current) => list(context, subject, current),
    revoke: (handle) => revoke(context, handle),
    revokeAll: (subject, except) => revokeAll(context, subject, except),
    sweep: async () => (can.sweep ? store.sweep(settings.clock()) : 0),
  };
}

function find(context: Context, cookieHeader: string | null, name: string, now: number): Awaitable<Found> {
  const candidates = cookieValues(cookieHeader, name, isWellFormed);
  const [token] = candidates;
  if (token === undefined) return nothingFound(context, now);
  const key = digest(token);
  return after(context.store.read(key), (entry) => {
    const seen = judge(context, key, entry, now);
    return seen?.kind === "live"
      ? liveFound(context, { status: "live", token, key, seen, direct: true })
      : search(context, candidates, { key, seen }, now);
  });
}

/** The first cookie does not lead straight to a live record: follow what it left behind, and try the others. */
async function search(
  context: Context,
  candidates: string[],
  first: { key: string; seen: Seen | undefined },
  now: number,
): Promise<Found> {
  let best: Found | undefined;
  for (const [index, token] of candidates.entries()) {
    const place = await follow(context, token, index === 0 ? first : undefined);
    if (place.status === "live") return liveFound(context, place);
    if (place.status === "ended") best ??= nothingFound(context, now, place);
  }
  return best ?? nothingFound(context, now);
}

function liveFound({ settings }: Context, place: LivePlace): Found {
  const { record, idleEnd } = place.seen;
  const { content: data, subject, authenticatedAt, createdAt, persistent = false } = record;
  const expiresAt = endOf(idleEnd, createdAt, settings.lifetime);
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

function nothingFound(
  { settings }: Context,
  now: number,
  place: Exclude<Place, LivePlace> = { status: "none" },
): Found {
  return {
    status: place.status,
    data: {},
    handle: undefined,
    subject: undefined,
    authenticatedAt: undefined,
    createdAt: now,
    expiresAt: now + settings.lifetime.idle,
    persistent: settings.persistent,
    place,
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
