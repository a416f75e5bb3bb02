import type { CookieForm } from "../http/cookie.ts";
import type { Awaitable } from "../platform/awaitable.ts";
import { after, all } from "../platform/awaitable.ts";
import { endOf, limitPassed, limitsOf, tombstoneEnd } from "../rules/lifetime.ts";
import type { Settings } from "../rules/options.ts";
import { decodeData } from "../session/codec.ts";
import type { Identity, Loaded } from "../session/state.ts";
import { newToken } from "../stored/token.ts";
import type { adoptSealed } from "./adopt.ts";
import { unpack } from "./packing.ts";
import { joinedValues } from "./pieces.ts";
import { decodeSealed, type SealedRecord } from "./record.ts";
import type { Revocations } from "./revocations.ts";
import type { Sealer } from "./seal.ts";
import { findTouches } from "./touch.ts";

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
  /** When the session was last in use, epoch ms; for `live` only. */
  readonly seenAt: number;
  /**
   * All sessions that the cookies open, whether or not they were ended; the newest first. None for `none`. With a
   * revocation list a session may be `ended` so short a time ago that its requests are on their way.
   */
  readonly opened: readonly SealedRecord[];
  /** The Cookie header, for the pieces in it. */
  readonly header: string | null;
  /** Of a session of another library that was taken over and is not sealed yet: lines that remove its cookies. */
  readonly removals?: readonly string[] | undefined;
}

interface Opened {
  readonly record: SealedRecord;
  readonly data: Record<string, unknown>;
  readonly seenAt: number;
}

/** What one search is about. */
interface Search {
  readonly header: string;
  readonly cookie: CookieForm;
  /** Epoch ms of the request. */
  readonly now: number;
  readonly touches: ReadonlyMap<string, number>;
}

/**
 * Finds the session in a Cookie header: opens what may be ours, judges it by the limits, and asks the revocation list
 * if there is one.
 */
export function findSealed(
  context: SealedContext,
  header: string | null,
  cookie: CookieForm,
  now: number,
): Awaitable<SealedFound> {
  if (!header?.includes(cookie.name)) return nothingOfOurs(context, header, cookie, now);
  const { sealer } = context;
  const values = joinedValues(header, cookie.name, sealer.recognizes);
  if (values.length === 0) return nothingOfOurs(context, header, cookie, now);
  return after(findTouches(sealer, header, cookie.name, now), (touches) => {
    const search = { header, cookie, now, touches };
    return after(all(values.map((value) => open(context, value, search))), (opened) => {
      const sessions = opened.filter((session) => session !== undefined).sort(newestFirst(now));
      return after(firstInForce(context, sessions, search), (found) =>
        found.status === "none" ? nothingOfOurs(context, header, cookie, now) : found,
      );
    });
  });
}

/** No session of ours: perhaps one of another library, to be taken over. */
function nothingOfOurs(
  context: SealedContext,
  header: string | null,
  cookie: CookieForm,
  now: number,
): Awaitable<SealedFound> {
  const [source] = context.settings.migrateFrom;
  if (source === undefined || header === null) return nothing(context, header, now);
  const takeOver = source.takeOver.sealed as typeof adoptSealed;
  return after(takeOver(context, header, cookie, now), (found) => found ?? nothing(context, header, now));
}

function open(context: SealedContext, value: string, search: Search): Awaitable<Opened | undefined> {
  return after(context.sealer.open(value, search.cookie.name), (bytes) =>
    after(bytes && unpack(bytes), (text) => judge(context, text, search)),
  );
}

function judge(
  { settings: { codec, lifetime, emit } }: SealedContext,
  text: string | undefined,
  { cookie, now, touches }: Search,
): Opened | undefined {
  const record = decodeSealed(text, now);
  const data = record && decodeData(codec, record.data);
  // A cookie whose path or domain was changed since is still sent, and no response could remove it any more
  if (!record || !data || (record.scope !== undefined && record.scope !== cookie.scope)) {
    // It names a key of ours and is not whole (altered, torn, made for another cookie), or whole and not a session
    emit({ type: "record_rejected", ...(record && who(record)) });
    return undefined;
  }
  const seenAt = Math.max(record.renewedAt - record.unseen, touches.get(record.id) ?? 0);
  const limits = limitsOf(record.limits, lifetime);
  // A shorter limit than it was sealed with holds at once
  const idleEnd = seenAt + Math.min(record.idle, limits.idle);
  const limit = now < record.end ? limitPassed(idleEnd, record.createdAt, now, limits) : "absolute";
  if (limit) emit({ type: "expired", limit, ...who(record) });
  return limit ? undefined : { record, data, seenAt };
}

/**
 * The order in which several cookies of the name count. The newest, so that a response never puts an older session in
 * its place; but not by a clock that is ahead of ours, which would count for hours. Then the later sign-in; and what is
 * left must not depend on the order in the header, which others can choose.
 */
function newestFirst(now: number): (a: Opened, b: Opened) => number {
  const isAhead = ({ record }: Opened): number => Number(record.renewedAt > now + SMALL_SKEW);
  return (a, b) =>
    isAhead(a) - isAhead(b) ||
    b.record.renewedAt - a.record.renewedAt ||
    (b.record.authenticatedAt ?? 0) - (a.record.authenticatedAt ?? 0) ||
    (a.record.id < b.record.id ? -1 : 1);
}

/** How far apart (ms) clocks that are kept may be. */
const SMALL_SKEW = 60_000;

function firstInForce(
  context: SealedContext,
  sessions: readonly Opened[],
  search: Search,
  at = 0,
  isRecent = false,
): Awaitable<SealedFound> {
  const { revocations, settings } = context;
  const { header, now } = search;
  const session = sessions[at];
  if (session === undefined) return nothing(context, header, now, isRecent ? sessions : []);
  if (revocations === undefined) return live(context, session, sessions, header);
  return after(revocations.find(session.record.id), (revoked) => {
    if (revoked === undefined) return live(context, session, sessions, header);
    const wasJustEnded = settings.clock() < tombstoneEnd(revoked.endedAt, settings.rotation.grace);
    return firstInForce(context, sessions, search, at + 1, isRecent || wasJustEnded);
  });
}

function live(
  { settings: { lifetime } }: SealedContext,
  { record, data, seenAt }: Opened,
  sessions: readonly Opened[],
  header: string,
): SealedFound {
  const { createdAt, subject, authenticatedAt, persistent = false, idle, end, dataVersion = 1 } = record;
  const limits = limitsOf(record.limits, lifetime);
  return {
    status: "live",
    data,
    version: dataVersion,
    createdAt,
    subject,
    authenticatedAt,
    handle: record.handle,
    expiresAt: Math.min(end, endOf(seenAt + Math.min(idle, limits.idle), createdAt, limits)),
    persistent,
    record,
    seenAt,
    opened: sessions.map((session) => session.record),
    header,
    newIdentity,
  };
}

function nothing(
  { settings }: SealedContext,
  header: string | null,
  now: number,
  ended: readonly Opened[] = NONE,
): SealedFound {
  return {
    status: ended.length > 0 ? "ended" : "none",
    data: {},
    version: settings.shape?.version ?? 1,
    handle: undefined,
    subject: undefined,
    authenticatedAt: undefined,
    createdAt: now,
    expiresAt: now + settings.lifetime.idle,
    persistent: settings.persistent,
    seenAt: now,
    opened: ended.map((session) => session.record),
    header,
    newIdentity,
  };
}

/** The id of a new session is its handle. */
export function newIdentity(): Identity {
  const id = newToken();
  return { handle: id, token: id };
}

const NONE: readonly Opened[] = [];

/** For events. */
export function who({ handle, subject }: SealedRecord): { handle: string; subject: string | undefined } {
  return { handle, subject };
}
