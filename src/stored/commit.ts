import { SessionError } from "../errors.ts";
import { removeCookie, setCookie } from "../http/cookie.ts";
import type { Awaitable } from "../platform/awaitable.ts";
import { after } from "../platform/awaitable.ts";
import { cookieMaxAge } from "../rules/lifetime.ts";
import { copyOf, jsonCodec } from "../session/codec.ts";
import { isUntouched } from "../session/state.ts";
import type { EntryMeta } from "../store.ts";
import { end, follow, type LivePlace, type Place } from "./chain.ts";
import type { Context } from "./context.ts";
import { type Draft, draftOf, type State } from "./draft.ts";
import { encodeRecord, type LiveRecord } from "./record.ts";
import { enforceLimit } from "./subject-index.ts";
import { digest, newToken } from "./token.ts";
import { confirm, entryMeta, renew, rotate } from "./token-change.ts";

/*
 * The commit of sessions in a store, in short: every write is a compare-and-set on the version that was read. Refused,
 * the session is read again and the request's changes are applied to what is there now; what was ended in between stays
 * ended.
 */

/** What one attempt to commit came to: Set-Cookie lines, or the news that another request was first. */
type Outcome = readonly string[] | "refused";

const NO_COOKIE: readonly string[] = [];

/** Attempts that follow at once; only then does it help to let the others pass. */
const EAGER_ATTEMPTS = 3;

export function keep(context: Context, state: State, deliverable: boolean): Awaitable<readonly string[]> {
  const { place } = state.loaded;
  if (place.status !== "live") return isUntouched(state) ? NO_COOKIE : commit(context, state, deliverable, false);
  if (isUntouched(state) && draftOf(context.settings, state, place, deliverable, state.now).plan === "nothing")
    return offer(context, place, state, deliverable);
  return context.inTurn(place.key, (waited) => commit(context, state, deliverable, waited));
}

/** The first attempt is synchronous on a synchronous store: no promise for the common case. */
function commit(context: Context, state: State, deliverable: boolean, waited: boolean): Awaitable<readonly string[]> {
  // Somebody of this process was first: what was loaded is old for certain
  const place = waited ? again(context, state.loaded.place) : state.loaded.place;
  return after(place, (first) =>
    after(carryOut(context, state, first, deliverable), (outcome) =>
      outcome === "refused" ? retry(context, state, first, deliverable) : outcome,
    ),
  );
}

async function retry(context: Context, state: State, place: Place, deliverable: boolean): Promise<readonly string[]> {
  const { storeTimeout, emit } = context.settings;
  const giveUpAt = performance.now() + storeTimeout;
  for (let attempt = 1; performance.now() < giveUpAt; attempt++) {
    if (attempt > EAGER_ATTEMPTS) await pause(attempt);
    emit({ type: "conflict_retried", attempt, handle: state.loaded.handle, subject: state.loaded.subject });
    place = await again(context, place);
    const outcome = await carryOut(context, state, place, deliverable);
    if (outcome !== "refused") return outcome;
  }
  const message = `The session was changed by others for ${storeTimeout} ms without a gap; nothing was stored`;
  throw new SessionError("session_conflict", message);
}

/** Where the request's token leads by now. Gone altogether is ended too: only what is there may be written to. */
async function again(context: Context, place: Place): Promise<Place> {
  if (place.status !== "live") return place;
  const now = await follow(context, place.token);
  if (now.status === "none") return { status: "ended", key: place.key };
  return now.status === "live" ? { ...now, direct: now.direct && place.direct } : now;
}

function carryOut(context: Context, state: State, place: Place, deliverable: boolean): Awaitable<Outcome> {
  const draft = draftOf(context.settings, state, place, deliverable, context.settings.clock());
  const { plan, persistChanged } = draft;
  if (!deliverable && (plan === "create" || plan === "renew" || (plan === "update" && persistChanged))) {
    throw new SessionError(
      "cookie_undeliverable",
      "This response cannot carry the cookie that the session needs: sign in, renew or start a session in another one",
    );
  }
  if (plan === "create") return create(context, draft);
  if (plan === "drop") {
    context.settings.emit({
      type: "changes_dropped",
      changes: state.changes.length,
      handle: state.loaded.handle,
      subject: state.loaded.subject,
    });
    return NO_COOKIE;
  }
  if (plan === "destroy" && place.status !== "none") return destroy(context, state, place, deliverable);
  if (place.status !== "live") return NO_COOKIE;
  if (plan === "rotate" || plan === "renew") return replaceToken(context, plan, draft, place);
  if (plan === "update") return update(context, draft, place, deliverable);
  const touched = plan === "touch" ? touch(context, place) : undefined;
  return after(touched, () => offer(context, place, state, deliverable));
}

async function destroy(
  context: Context,
  { cookie }: State,
  place: Exclude<Place, { status: "none" }>,
  deliverable: boolean,
): Promise<Outcome> {
  const known = place.status === "live" ? place.seen : undefined;
  const ended = await end(context, place.key, "destroyed", { known });
  return ended && deliverable ? [removeCookie(cookie)] : NO_COOKIE;
}

function create(context: Context, draft: Draft): Awaitable<Outcome> {
  const token = newToken();
  const record = newRecord(context, draft);
  const handle = digest(token);
  return after(context.store.create(handle, encodeRecord(record), metaOf(context, record)), (version) => {
    if (version === undefined) return "refused";
    context.settings.emit({ type: "created", handle, subject: record.subject });
    const cookie = cookieFor(context, token, record, draft.state);
    return draft.state.signedIn ? signedIn(context, handle, record).then(() => cookie) : cookie;
  });
}

function update(
  context: Context,
  { state, data, content, persistent }: Draft,
  place: LivePlace,
  deliverable: boolean,
): Awaitable<Outcome> {
  const { seen, key, direct } = place;
  const { previous: unconfirmed } = seen.record;
  const confirmed = unconfirmed !== undefined && direct ? confirm(context, unconfirmed, key) : undefined;
  return after(confirmed, () => {
    // Field by field: on Node 20 a spread costs more than all the rest
    const { kind, createdAt, renewedAt, subject, authenticatedAt, meta } = seen.record;
    const previous = direct ? undefined : unconfirmed;
    const record = {
      kind,
      data,
      createdAt,
      renewedAt,
      subject,
      authenticatedAt,
      persistent,
      meta,
      previous,
      content,
    };
    const text = encodeRecord(record);
    return after(context.store.update(key, text, metaOf(context, record), seen.version), (version) => {
      if (version === undefined) return "refused";
      context.decoder.remember(key, text, record);
      // The lifetime of the browser's cookie follows what is stored
      const resend = persistent !== (seen.record.persistent ?? false) && deliverable;
      return resend ? cookieFor(context, place.token, record, state) : offer(context, place, state, deliverable);
    });
  });
}

async function replaceToken(
  context: Context,
  plan: "rotate" | "renew",
  draft: Draft,
  place: LivePlace,
): Promise<Outcome> {
  const { state, data, persistent } = draft;
  const { key } = place;
  const { record: stored } = place.seen;
  if (plan === "rotate" && stored.previous !== undefined) await confirm(context, stored.previous, key);
  const previous = plan === "rotate" ? key : undefined;
  const record: LiveRecord = state.signedIn
    ? newRecord(context, draft)
    : { ...stored, data, renewedAt: context.settings.clock(), persistent, previous };
  const moved = await (plan === "rotate" ? rotate(context, place, record) : renew(context, place, record));
  if (moved === undefined) return "refused";
  const { token, key: handle } = moved;
  if (state.signedIn) await signedIn(context, handle, record);
  else context.settings.emit({ type: plan === "rotate" ? "rotated" : "renewed", handle, subject: record.subject });
  return cookieFor(context, token, record, state);
}

/** Refused is fine: somebody else wrote, which moved the expiry too, or the session was ended. */
function touch(context: Context, { key, seen }: LivePlace): Awaitable<unknown> {
  const { record, version } = seen;
  const meta = metaOf(context, record);
  return context.can.touch
    ? context.store.touch(key, meta.expiresAt, version)
    : context.store.update(key, encodeRecord(record), meta, version);
}

async function signedIn(context: Context, handle: string, record: LiveRecord): Promise<void> {
  context.settings.emit({ type: "signed_in", handle, subject: record.subject });
  if (record.subject !== undefined) await enforceLimit(context, record.subject);
}

function newRecord({ settings }: Context, { state, data, subject, persistent }: Draft): LiveRecord {
  const { clock, describe } = settings;
  const now = clock();
  const meta = describe && copyOf(jsonCodec, describe(state.request) ?? null, "describe()");
  return {
    kind: "live",
    data,
    createdAt: now,
    renewedAt: now,
    subject,
    authenticatedAt: state.signedIn ? now : undefined,
    persistent,
    meta,
  };
}

function metaOf({ settings }: Context, { subject }: LiveRecord): EntryMeta {
  return entryMeta(settings.clock() + settings.lifetime.idle, subject);
}

/**
 * A request that came with a rotated token is told the live one: each of them the same, so that a late answer does no
 * harm.
 */
function offer(context: Context, place: Place, state: State, deliverable: boolean): readonly string[] {
  if (place.status !== "live" || place.direct || !deliverable) return NO_COOKIE;
  return cookieFor(context, place.token, place.seen.record, state);
}

function cookieFor({ settings }: Context, token: string, record: LiveRecord, { cookie }: State): readonly string[] {
  const { clock, lifetime } = settings;
  const now = clock();
  return [setCookie(cookie, token, record.persistent ? cookieMaxAge(record.createdAt, now, lifetime) : undefined, now)];
}

function pause(attempt: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, Math.random() * Math.min(2 ** attempt, 64)));
}
