import type { Awaitable } from "../platform/awaitable.ts";
import { after, all } from "../platform/awaitable.ts";
import { endOf, limitPassed, tombstoneEnd } from "../rules/lifetime.ts";
import type { Settings } from "../rules/options.ts";
import { decodeData } from "../session/codec.ts";
import type { Loaded } from "../session/state.ts";
import { unpack } from "./packing.ts";
import { joinedValues } from "./pieces.ts";
import { decodeSealed, type SealedRecord } from "./record.ts";
import type { Revocations } from "./revocations.ts";
import type { Sealer } from "./seal.ts";

/** What all steps share: what `sealedCookies` was given, checked, and the settings of the sessions. */
export interface SealedContext {
  readonly sealer: Sealer;
  readonly maxCookies: number;
  readonly compress: boolean;
  readonly revocations: Revocations | undefined;
  readonly settings: Settings;
}

export interface SealedFound extends Loaded {
  readonly status: "none" | "live" | "ended";
  /** What the cookie held; for `live` only. */
  readonly record?: SealedRecord;
  /**
   * The handle of a session that was ended so short a time ago that its requests may be on their way; for `ended` only,
   * which needs a revocation list.
   */
  readonly ended?: string | undefined;
  /** The Cookie header, for the pieces in it. */
  readonly header: string | null;
}

interface Opened {
  readonly record: SealedRecord;
  readonly data: Record<string, unknown>;
}

/**
 * Finds the session in a Cookie header: opens what may be ours, judges it by the limits, and asks the revocation list
 * if there is one.
 */
export function findSealed(
  context: SealedContext,
  header: string | null,
  { name }: { readonly name: string },
  now: number,
): Awaitable<SealedFound> {
  if (!header?.includes(name)) return nothing(context, header, now);
  const values = joinedValues(header, name, context.maxCookies, context.sealer.recognizes);
  if (values.length === 0) return nothing(context, header, now);
  return after(all(values.map((value) => open(context, value, name, now))), (opened) => {
    // Of several the newest, so that a response never puts an older session in its place
    const sessions = opened
      .filter((session) => session !== undefined)
      .sort((a, b) => b.record.renewedAt - a.record.renewedAt);
    return firstInForce(context, sessions, header, now);
  });
}

function open(context: SealedContext, value: string, name: string, now: number): Awaitable<Opened | undefined> {
  return after(context.sealer.open(value, name), (bytes) =>
    after(bytes && unpack(bytes), (text) => judge(context, text, now)),
  );
}

function judge(
  { settings: { codec, lifetime, emit } }: SealedContext,
  text: string | undefined,
  now: number,
): Opened | undefined {
  const record = decodeSealed(text, now, lifetime.idle);
  const data = record && decodeData(codec, record.data);
  if (!record || !data) {
    // It names a key of ours and is not whole (altered, torn, made for another cookie), or whole and not a session
    emit({ type: "record_rejected", ...(record && who(record)) });
    return undefined;
  }
  const limit = now < record.end ? limitPassed(record.idleEnd, record.createdAt, now, lifetime) : "absolute";
  if (limit) emit({ type: "expired", limit, ...who(record) });
  return limit ? undefined : { record, data };
}

function firstInForce(
  context: SealedContext,
  sessions: readonly Opened[],
  header: string | null,
  now: number,
  at = 0,
  ended?: string,
): Awaitable<SealedFound> {
  const { revocations, settings } = context;
  const session = sessions[at];
  if (session === undefined) return nothing(context, header, now, ended);
  if (revocations === undefined) return live(context, session, header);
  const { id } = session.record;
  return after(revocations.find(id), (revoked) => {
    if (revoked === undefined) return live(context, session, header);
    const isRecent = settings.clock() < tombstoneEnd(revoked.endedAt, settings.rotation.grace);
    return firstInForce(context, sessions, header, now, at + 1, isRecent ? id : ended);
  });
}

function live({ settings }: SealedContext, { record, data }: Opened, header: string | null): SealedFound {
  const { createdAt, subject, authenticatedAt, persistent = false, idleEnd, end } = record;
  return {
    status: "live",
    data,
    createdAt,
    subject,
    authenticatedAt,
    handle: record.id,
    expiresAt: Math.min(end, endOf(idleEnd, createdAt, settings.lifetime)),
    persistent,
    record,
    header,
  };
}

function nothing({ settings }: SealedContext, header: string | null, now: number, ended?: string): SealedFound {
  return {
    status: ended === undefined ? "none" : "ended",
    data: {},
    handle: undefined,
    subject: undefined,
    authenticatedAt: undefined,
    createdAt: now,
    expiresAt: now + settings.lifetime.idle,
    persistent: settings.persistent,
    ended,
    header,
  };
}

/** For events. The handle is the id itself: without the key of the seal it opens nothing. */
export function who({ id, subject }: SealedRecord): { handle: string; subject: string | undefined } {
  return { handle: id, subject };
}
