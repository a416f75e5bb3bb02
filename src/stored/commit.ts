import { isSessionError, isStoreFailure, SessionError } from "../errors.ts";
import { removeCookie } from "../http/cookie.ts";
import type { Awaitable } from "../platform/awaitable.ts";
import { after, isPromise } from "../platform/awaitable.ts";
import { wait } from "../platform/pause.ts";
import { isUntouched } from "../session/state.ts";
import type { storedAnswer } from "./adopt.ts";
import { spend, waitFor } from "./arrival.ts";
import { follow, type LivePlace, type Place } from "./chain.ts";
import type { Context } from "./context.ts";
import { type Draft, draftOf } from "./draft.ts";
import { end } from "./end.ts";
import { type Found, liveFound, nothingFound, type State } from "./found.ts";
import { createSession, NO_COOKIE, type Outcome, offer, replaceToken, updateRecord } from "./outcomes.ts";
import { digest } from "./token.ts";
import { confirm } from "./token-change.ts";
import { touch } from "./touch.ts";

/*
 * The commit of sessions in a store, in short: every write is a compare-and-set on the version that was read. Refused,
 * the session is read again and the request's changes are applied to what is there now; what was ended in between stays
 * ended.
 */

/** Attempts that follow at once; only then does it help to let the others pass. */
const EAGER_ATTEMPTS = 3;

export function keep(context: Context, state: State, deliverable: boolean): Awaitable<readonly string[]> {
  const answer = context.settings.migrateFrom[0]?.takeOver.storedAnswer as typeof storedAnswer | undefined;
  const lines = keepOurs(context, state, deliverable);
  return answer ? after(lines, (ours) => answer(context, state, deliverable, ours)) : lines;
}

function keepOurs(context: Context, state: State, deliverable: boolean): Awaitable<readonly string[]> {
  const { touch: touching, arrival } = state.loaded;
  // For a while at most: a touch that fails or hangs is no reason to fail the request
  if (touching !== undefined && touching !== "done")
    return waitFor(touching, arrival).then(() => keepNow(context, state, deliverable));
  return keepNow(context, state, deliverable);
}

function keepNow(context: Context, state: State, deliverable: boolean): Awaitable<readonly string[]> {
  const { place, arrival } = state.loaded;
  const isRead = isUntouched(state);
  if (place.status !== "live") return isRead ? NO_COOKIE : commit(context, state, deliverable, false);
  if (isRead && draftOf(context.settings, state, place, deliverable, state.now).plan === "nothing")
    return offer(context, place, state, deliverable);
  const commitNow = (waited: boolean): Awaitable<readonly string[]> => commit(context, state, deliverable, waited);
  if (!isRead) return context.inTurn(place.key, arrival, commitNow);
  try {
    const lines = context.inTurn(place.key, arrival, commitNow);
    return isPromise(lines) ? lines.catch((error) => putOff(context, state, deliverable, error)) : lines;
  } catch (error) {
    return putOff(context, state, deliverable, error);
  }
}

/** A request that changed nothing does not fail for what can be done at the next one: a touch, a rotation. */
function putOff(context: Context, state: State, deliverable: boolean, error: unknown): readonly string[] {
  if (!isSessionError(error, "session_conflict", "store_failed", "store_timeout")) throw error;
  return offer(context, state.loaded.place, state, deliverable);
}

/** {@link keep}, and where the session is from then on. It is judged anew: a save is not the end of its request. */
export async function save(
  context: Context,
  state: State,
  deliverable: boolean,
): Promise<{ cookies: readonly string[]; loaded: Found }> {
  const { settings } = context;
  const arrival = { at: settings.clock(), left: settings.storeTimeout };
  const kept = { place: state.loaded.place };
  const loaded = { ...state.loaded, arrival };
  const cookies = await keep(context, { ...state, loaded, kept }, deliverable);
  const { touch: touched, others } = loaded;
  const next =
    kept.place.status === "live"
      ? liveFound(context, kept.place, arrival, others)
      : nothingFound(context, kept.place, arrival, others);
  next.touch = touched;
  next.removals = loaded.removals;
  return { cookies, loaded: next };
}

/** The session as others have left it by now. Its token was good when the request came, so it is followed only. */
export async function reload(context: Context, state: State): Promise<Found> {
  const { settings } = context;
  const arrival = { at: settings.clock(), left: settings.storeTimeout };
  const { place, others, touch: touched, removals } = state.loaded;
  const now = place.status === "live" ? await follow(context, place.token, arrival) : place;
  // A token that the request did not come with is still to be offered
  const isDirect = place.status === "live" && place.direct;
  const found =
    now.status === "live"
      ? liveFound(context, { ...now, direct: now.direct && isDirect }, arrival, others)
      : nothingFound(context, now, arrival, others);
  found.touch = touched;
  found.removals = removals;
  return found;
}

/** The first attempt is synchronous on a synchronous store: no promise for the common case. */
function commit(context: Context, state: State, deliverable: boolean, waited: boolean): Awaitable<readonly string[]> {
  // Somebody of this process was first: what was loaded is old for certain
  const place = waited ? again(context, state, state.loaded.place) : state.loaded.place;
  return after(place, (first) =>
    after(carryOut(context, state, first, deliverable), (outcome) =>
      outcome === "refused" ? retry(context, state, first, deliverable) : outcome,
    ),
  );
}

async function retry(context: Context, state: State, place: Place, deliverable: boolean): Promise<readonly string[]> {
  const { storeTimeout, emit } = context.settings;
  const { arrival, touch: touched, handle, subject } = state.loaded;
  const giveUpAt = performance.now() + arrival.left;
  for (let attempt = 1; performance.now() < giveUpAt; attempt++) {
    if (attempt > EAGER_ATTEMPTS) await spend(arrival, letOthersPass(attempt));
    // In some stores a touch makes a new version: then the first refusal is of our own making
    if (touched === undefined || attempt > 1) emit({ type: "conflict_retried", attempt, handle, subject });
    place = await again(context, state, place);
    const outcome = await carryOut(context, state, place, deliverable);
    if (outcome !== "refused") return outcome;
  }
  const message = `The session was changed by others for ${storeTimeout} ms without a gap; nothing was stored`;
  throw new SessionError("session_conflict", message);
}

/** Where the request's token leads by now. Gone altogether is ended too: only what is there may be written to. */
async function again(context: Context, state: State, place: Place): Promise<Place> {
  if (place.status !== "live") return place;
  const now = await follow(context, place.token, state.loaded.arrival);
  if (now.status === "none") return { status: "ended", key: place.key };
  return now.status === "live" ? { ...now, direct: now.direct && place.direct } : now;
}

function carryOut(
  context: Context,
  state: State,
  place: Place,
  deliverable: boolean,
  mayRotate = true,
): Awaitable<Outcome> {
  const { settings } = context;
  const draft = draftOf(settings, state, place, deliverable, settings.clock(), mayRotate);
  const { plan, persistChanged } = draft;
  if (!deliverable && (plan === "create" || plan === "renew" || (plan === "update" && persistChanged))) {
    throw new SessionError(
      "cookie_undeliverable",
      "This response cannot carry the cookie that the session needs: change the session in another one",
    );
  }
  if (state.kept) state.kept.place = place;
  if (plan === "create") return createSession(context, draft);
  if (plan === "drop") {
    const { handle, subject } = state.loaded;
    settings.emit({ type: "changes_dropped", changes: state.changes.length, handle, subject });
    return NO_COOKIE;
  }
  if (plan === "destroy" && place.status !== "none") return destroy(context, state, place, deliverable);
  if (place.status !== "live") return NO_COOKIE;
  if (plan === "renew") return afterOthers(context, state, () => replaceToken(context, "renew", draft, place));
  if (plan === "rotate") return rotateIfPossible(context, draft, place, deliverable);
  if (plan === "update") return updateRecord(context, draft, place, deliverable);
  const touched = plan === "touch" ? touch(context, state.loaded, place, state.loaded.arrival) : undefined;
  return after(touched, () => offer(context, place, state, deliverable));
}

/**
 * A rotation that cannot be stored is put off, as where an entry would be too large with what it adds, and the request
 * goes on without it.
 */
async function rotateIfPossible(
  context: Context,
  draft: Draft,
  place: LivePlace,
  deliverable: boolean,
): Promise<Outcome> {
  const { state } = draft;
  const { previous } = place.seen.record;
  try {
    // Else two predecessors would be alive, and only one of them known
    const isConfirmed = previous === undefined || (await confirm(context, previous, place.key, state.loaded.arrival));
    if (isConfirmed) return await replaceToken(context, "rotate", draft, place);
  } catch (error) {
    if (!isStoreFailure(error) || isUntouched(state)) throw error;
  }
  return carryOut(context, state, await again(context, state, place), deliverable, false);
}

/** A sign-out ends whatever the request's cookies open, first what is not the request's own session. */
async function afterOthers<T>(context: Context, state: State, next: () => Promise<T>): Promise<T> {
  if (state.signedOut && !state.signedIn) await endOthers(context, state);
  return next();
}

async function endOthers(context: Context, state: State): Promise<boolean> {
  const { others, arrival: budget } = state.loaded;
  let isAny = false;
  for (const token of others) {
    const ended = await end(context, digest(token), { type: endingOf(state) }, { budget });
    isAny ||= ended;
  }
  return isAny;
}

async function destroy(
  context: Context,
  state: State,
  place: Exclude<Place, { status: "none" }>,
  deliverable: boolean,
): Promise<Outcome> {
  const others = await endOthers(context, state);
  const known = place.status === "live" ? place.seen : undefined;
  const budget = state.loaded.arrival;
  const ended = await end(context, place.key, { type: endingOf(state) }, { known, budget });
  if (state.kept) state.kept.place = { status: "none" };
  return (ended || others) && deliverable ? [removeCookie(state.cookie)] : NO_COOKIE;
}

function endingOf({ destroyed }: State): "destroyed" | "signed_out" {
  return destroyed ? "destroyed" : "signed_out";
}

/**
 * Lets others pass: longer with each attempt, and for a random time, so that those who met do not meet again. Turns of
 * the event loop are too short for that: with 30 writers of one session on Redis, an answer 20 ms away, they took 1.3
 * times the CPU and 1.2 times the attempts, and twice as many writers gave up.
 */
function letOthersPass(attempt: number): Promise<void> {
  return wait(Math.random() * Math.min(2 ** attempt, 64));
}
