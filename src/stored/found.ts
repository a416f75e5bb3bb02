import { endOf, limitsOf } from "../rules/lifetime.ts";
import type { Identity, Loaded, SessionState } from "../session/state.ts";
import type { Arrival } from "./arrival.ts";
import { handleOf, type LivePlace, type Place } from "./chain.ts";
import type { Context } from "./context.ts";
import { newIdentity } from "./token-change.ts";

/** What is remembered of a session from load to commit. */
export interface Found extends Loaded {
  place: Place;
  readonly arrival: Arrival;
  /** Further tokens that the request's cookies hold. A logout ends what they open too. */
  readonly others: readonly string[];
  /** The touch that began when the request came, or that it is done. */
  touch: Promise<void> | "done" | undefined;
  readonly newIdentity: () => Identity;
  /** Lines that remove the cookies of another library, whose session was taken over. */
  removals?: readonly string[] | undefined;
}

export type State = SessionState<Found> & {
  /** Only for a save, after which the request goes on: where the session is from then on. */
  readonly kept?: { place: Place };
};

export function liveFound({ settings }: Context, place: LivePlace, arrival: Arrival, others: readonly string[]): Found {
  const { record, idleEnd } = place.seen;
  const { content: data, subject, authenticatedAt, createdAt, persistent = false, dataVersion = 1 } = record;
  return {
    status: "live",
    data,
    version: dataVersion,
    handle: handleOf(place.key, record),
    subject,
    authenticatedAt,
    createdAt,
    expiresAt: endOf(idleEnd, createdAt, limitsOf(record.limits, settings.lifetime)),
    persistent,
    place,
    arrival,
    others,
    touch: undefined,
    newIdentity,
  };
}

export function nothingFound(
  { settings }: Context,
  place: Exclude<Place, LivePlace>,
  arrival: Arrival,
  others: readonly string[],
): Found {
  const { at } = arrival;
  return {
    status: place.status,
    data: {},
    version: settings.shape?.version ?? 1,
    handle: undefined,
    subject: undefined,
    authenticatedAt: undefined,
    createdAt: at,
    expiresAt: at + settings.lifetime.idle,
    persistent: settings.persistent,
    place,
    arrival,
    others,
    touch: undefined,
    newIdentity,
  };
}
