import type { Awaitable } from "../platform/awaitable.ts";
import { after, isPromise } from "../platform/awaitable.ts";
import { limitsOf, touchDue } from "../rules/lifetime.ts";
import type { Budget } from "./arrival.ts";
import type { LivePlace } from "./chain.ts";
import type { Context } from "./context.ts";
import { idleEndFor } from "./draft.ts";
import type { Found, State } from "./found.ts";
import { encodeRecord } from "./record.ts";
import { entryMeta } from "./token-change.ts";

/**
 * Moves the idle limit when a request arrives, if that is due: however long the request takes, its session is there in
 * the end. It is not awaited here, and takes no time of the request's own.
 */
export function keepAlive(context: Context, state: State): void {
  const { loaded, now } = state;
  const { place } = loaded;
  if (place.status !== "live") return;
  const limits = limitsOf(place.seen.record.limits, context.settings.lifetime);
  if (!touchDue(idleEndFor(state, place.seen, limits, now), now, limits)) return;
  const done = (): void => {
    loaded.touch = "done";
  };
  try {
    const touching = touch(context, loaded, place, { left: context.settings.storeTimeout });
    if (isPromise(touching)) loaded.touch = touching.then(done, done);
    else done();
  } catch {
    done(); // an event says so, and the session lives for a while yet
  }
}

/** Refused is fine: somebody else wrote, which moved the limit too, or the session was ended. */
export function touch(context: Context, loaded: Found, place: LivePlace, budget: Budget): Awaitable<void> {
  const { store, can, settings } = context;
  const { key, seen } = place;
  const { record, version } = seen;
  const { idle } = limitsOf(record.limits, settings.lifetime);
  const meta = entryMeta(settings.clock() + idle, record.subject);
  // The record says under which limit its expiry was set, so a change of the limit is written to it
  if (can.touch && record.idle === idle) return after(store.touch(key, meta.expiresAt, version, budget), () => {});
  const text = encodeRecord({ ...record, idle });
  return after(store.update(key, text, meta, version, budget), (next) => {
    if (next === undefined || loaded.place !== place) return;
    const touched = { ...seen, record: { ...record, idle }, version: next, expiresAt: meta.expiresAt };
    loaded.place = { ...place, seen: { ...touched, idleEnd: meta.expiresAt } };
  });
}
