import { setCookie } from "../http/cookie.ts";
import type { Awaitable } from "../platform/awaitable.ts";
import { after } from "../platform/awaitable.ts";
import { cookieMaxAge, limitsOf } from "../rules/lifetime.ts";
import { copyOf, jsonCodec } from "../session/codec.ts";
import { isUntouched } from "../session/state.ts";
import type { Version } from "../store.ts";
import { handleOf, type LivePlace, type Place, who } from "./chain.ts";
import type { Context } from "./context.ts";
import type { DecodedRecord } from "./decoder.ts";
import type { Draft } from "./draft.ts";
import type { State } from "./found.ts";
import { encodeRecord, type LiveRecord } from "./record.ts";
import { enforceLimit, type Rank, rankOf } from "./subject-limit.ts";
import { confirm, entryMeta, newIdentity, renew, rotate } from "./token-change.ts";
import { create, update } from "./write.ts";

/* What a commit comes to: the record that is written for each plan, and the cookie that goes with it. */

/** Set-Cookie lines, or the news that another request was first. */
export type Outcome = readonly string[] | "refused";

export const NO_COOKIE: readonly string[] = [];

export function createSession(context: Context, draft: Draft): Awaitable<Outcome> {
  const { state } = draft;
  const { arrival } = state.loaded;
  return after(rankOf(context, draft.subject, state.signedIn, arrival), (rank) => {
    state.identity ??= newIdentity();
    const { token, handle } = state.identity;
    const record = newRecord(context, draft, rank);
    const expiresAt = context.settings.clock() + (record.idle as number);
    const meta = entryMeta(expiresAt, record.subject);
    return after(create(context, handle, encodeRecord(record), meta, arrival), (version) => {
      if (version === undefined) {
        state.identity = undefined; // the key is taken: another token
        return "refused";
      }
      context.settings.emit({ type: "created", handle, subject: record.subject });
      noteNew(draft, { token, key: handle, version, expiresAt }, record);
      const cookie = cookieFor(context, token, record, state);
      return state.signedIn ? signedIn(context, handle, record, rank, state).then(() => cookie) : cookie;
    });
  });
}

export function updateRecord(
  context: Context,
  draft: Draft,
  place: LivePlace,
  deliverable: boolean,
): Awaitable<Outcome> {
  const { previous: unconfirmed } = place.seen.record;
  const { arrival } = draft.state.loaded;
  const confirmed =
    unconfirmed !== undefined && place.direct ? confirm(context, unconfirmed, place.key, arrival) : false;
  return after(confirmed, (isConfirmed) => {
    // The confirmation failed, and was all that there was to do: the next request does it
    const isIdle = unconfirmed !== undefined && place.direct && !isConfirmed && isUntouched(draft.state);
    if (isIdle) return offer(context, place, draft.state, deliverable);
    return writeRecord(context, draft, place, deliverable, isConfirmed ? undefined : unconfirmed);
  });
}

function writeRecord(
  context: Context,
  draft: Draft,
  place: LivePlace,
  deliverable: boolean,
  previous: string | undefined,
): Awaitable<Outcome> {
  const { seen, key } = place;
  const { state, persistent, limits } = draft;
  const { renewedAt, handle } = seen.record;
  const expiresAt = state.keepsAlive ? context.settings.clock() + limits.idle : seen.expiresAt;
  // Two requests that count may store the same data, and the number tells whose write is there. It is no secret
  const isComputed = state.changes.some(({ type }) => type === "update");
  const writeId = isComputed ? Math.floor(Math.random() * 2 ** 40) : undefined;
  const record = nextRecord(draft, seen.record, renewedAt, previous, handle, writeId);
  const text = encodeRecord(record);
  const entry = entryMeta(expiresAt, record.subject);
  return after(update(context, key, text, entry, seen.version, state.loaded.arrival), (version) => {
    if (version === undefined) return "refused";
    context.decoder.remember(key, text, record);
    if (state.kept)
      state.kept.place = { ...place, seen: { kind: "live", record, version, expiresAt, idleEnd: expiresAt } };
    // The lifetime of the browser's cookie follows what is stored
    const isChanged = persistent !== (seen.record.persistent ?? false) || (persistent && state.limits !== undefined);
    const resend = isChanged && deliverable;
    return resend ? cookieFor(context, place.token, record, state) : offer(context, place, state, deliverable);
  });
}

/** A rotation, or the hard cut of a renewal, a sign-in or a sign-out. */
export async function replaceToken(
  context: Context,
  plan: "rotate" | "renew",
  draft: Draft,
  place: LivePlace,
): Promise<Outcome> {
  const { state } = draft;
  const { settings } = context;
  const { arrival } = state.loaded;
  const { record: stored } = place.seen;
  const isNew = state.signedIn || state.signedOut;
  const rank = await rankOf(context, draft.subject, state.signedIn, arrival);
  const record = isNew ? newRecord(context, draft, rank) : movedRecord(context, plan, draft, place);
  const expiresAt = isNew || state.keepsAlive ? settings.clock() + (record.idle as number) : place.seen.expiresAt;
  if (isNew) state.identity ??= newIdentity();
  const moved = await (plan === "rotate"
    ? rotate(context, place, record, expiresAt, arrival)
    : renew(context, place, record, (isNew && state.identity) || newIdentity(), expiresAt, arrival));
  if (moved === "taken") state.identity = undefined;
  if (moved === "taken" || moved === "refused") return "refused";
  // From here on nothing fails: the old token opens nothing any more
  noteNew(draft, moved, record);
  const ended = who(place.key, stored);
  if (state.signedIn) await signedIn(context, moved.key, record, rank, state, ended.handle);
  else if (state.signedOut) {
    settings.emit({ type: "signed_out", ...ended });
    settings.emit({ type: "created", handle: moved.key });
  } else settings.emit({ type: plan === "rotate" ? "rotated" : "renewed", ...who(moved.key, record) });
  return cookieFor(context, moved.token, record, state);
}

function newRecord({ settings }: Context, draft: Draft, rank: Rank | undefined): LiveRecord {
  const { state, data, dataVersion, subject, persistent, persistChanged } = draft;
  const { clock, describe, lifetime } = settings;
  const { signedIn, signedOut } = state;
  const now = clock();
  const meta = describe && copyOf(jsonCodec, describe(state.request) ?? null, "describe()");
  return {
    kind: "live",
    data,
    createdAt: now,
    renewedAt: now,
    subject,
    authenticatedAt: signedIn ? now : undefined,
    // "Remember me" was the user's, not the visitor's who is left
    persistent: signedOut && !signedIn && !persistChanged ? settings.persistent : persistent,
    meta,
    dataVersion,
    idle: limitsOf(state.limits, lifetime).idle,
    limits: state.limits,
    order: rank?.order,
  };
}

/** The record under its next token. */
function movedRecord(
  { settings }: Context,
  plan: "rotate" | "renew",
  draft: Draft,
  { key, seen: { record } }: LivePlace,
): LiveRecord {
  // The clock may be behind that of the server which made the session
  const renewedAt = Math.max(settings.clock(), record.createdAt);
  return nextRecord(draft, record, renewedAt, plan === "rotate" ? key : undefined, handleOf(key, record));
}

/** What is stored of a session after a request. Field by field: on Node 20 a spread costs more than all the rest. */
function nextRecord(
  { state, data, dataVersion, content, persistent, limits }: Draft,
  stored: LiveRecord,
  renewedAt: number,
  previous: string | undefined,
  handle: string | undefined,
  writeId?: number,
): DecodedRecord {
  const { kind, createdAt, subject, authenticatedAt, meta, order, unknown } = stored;
  return {
    kind,
    data,
    createdAt,
    renewedAt,
    subject,
    authenticatedAt,
    persistent,
    meta,
    dataVersion,
    previous,
    handle,
    idle: state.keepsAlive ? limits.idle : stored.idle,
    limits: state.limits ?? stored.limits,
    order,
    writeId,
    unknown,
    content,
  };
}

/** What follows once a sign-in is stored. */
async function signedIn(
  context: Context,
  handle: string,
  record: LiveRecord,
  rank: Rank | undefined,
  { loaded }: State,
  previous?: string,
): Promise<void> {
  const { subject } = record;
  context.settings.emit({ type: "signed_in", handle, subject, ...(previous !== undefined && { previous }) });
  if (rank !== undefined) await enforceLimit(context, rank, handle, record, loaded.arrival);
}

/** For a save: the request goes on with what was made. Its browser is not known to have the token yet. */
function noteNew(
  { state, content }: Draft,
  { token, key, version, expiresAt }: { token: string; key: string; version: Version; expiresAt: number },
  record: LiveRecord,
): void {
  if (!state.kept) return;
  const made: DecodedRecord = { ...record, content };
  const seen = { kind: "live", record: made, version, expiresAt, idleEnd: expiresAt } as const;
  state.kept.place = { status: "live", token, key, direct: false, seen };
}

/**
 * A request that came with a rotated token is told the live one: each of them the same, so that a late answer does no
 * harm.
 */
export function offer(context: Context, place: Place, state: State, deliverable: boolean): readonly string[] {
  if (place.status !== "live" || place.direct || !deliverable) return NO_COOKIE;
  return cookieFor(context, place.token, place.seen.record, state);
}

function cookieFor({ settings }: Context, token: string, record: LiveRecord, { cookie }: State): readonly string[] {
  const now = settings.clock();
  const limits = limitsOf(record.limits, settings.lifetime);
  return [setCookie(cookie, token, record.persistent ? cookieMaxAge(record.createdAt, now, limits) : undefined, now)];
}
