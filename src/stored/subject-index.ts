import type { SessionInfo } from "../backend.ts";
import { SessionError } from "../errors.ts";
import { endOf, limitsOf } from "../rules/lifetime.ts";
import { freeze } from "../session/codec.ts";
import { isSubject } from "../session/state.ts";
import type { Budget } from "./arrival.ts";
import { handleOf, look, type SeenLive } from "./chain.ts";
import type { Context } from "./context.ts";
import { end } from "./end.ts";
import type { LiveRecord } from "./record.ts";
import { isWellFormed } from "./token.ts";

/* A user's sessions: listed, and ended one by one or all at once. */

export async function list(context: Context, subject: string, current?: string): Promise<SessionInfo[]> {
  mustBeSubject(subject);
  if (current !== undefined) mustBeHandle("current", current);
  const infos = new Map<string, SessionInfo>();
  const done = new Set<string>();
  // A session that rotates while we walk has a new key, and nothing live under the old one: list again until all that
  // is new is live
  for (let isWhole = false; !isWhole; ) {
    isWhole = true;
    for (const key of (await keysOf(context, subject)).filter((listed) => !done.has(listed))) {
      done.add(key);
      const found = await liveOf(context, subject, key);
      if (found === undefined) isWhole = false;
      else infos.set(handleOf(key, found.record), infoOf(context, subject, key, found, current));
    }
  }
  return [...infos.values()].sort(newestFirst);
}

function infoOf(
  { settings }: Context,
  subject: string,
  key: string,
  { record, idleEnd, expiresAt }: SeenLive,
  current: string | undefined,
): SessionInfo {
  const { createdAt, authenticatedAt, persistent = false, meta } = record;
  const limits = limitsOf(record.limits, settings.lifetime);
  const handle = handleOf(key, record);
  return {
    handle,
    subject,
    createdAt,
    authenticatedAt,
    // A record of 0.1 does not say under which limit it was written, which may have been a longer one
    lastSeenAt: Math.max(createdAt, Math.min(settings.clock(), expiresAt - (record.idle ?? limits.idle))),
    expiresAt: endOf(idleEnd, createdAt, limits),
    persistent,
    meta: freeze(meta),
    ...(handle === current && { current: true }),
  };
}

/**
 * Looks among the subject's own sessions, so that nobody can end another's by its handle. All of them: a rotation that
 * crashed leaves a record of the same handle that nobody has the token of.
 */
export async function revoke(context: Context, subject: string, handle: string): Promise<boolean> {
  mustBeSubject(subject);
  mustBeHandle("handle", handle);
  const isMeant = (key: string, record: LiveRecord): boolean =>
    record.subject === subject && handleOf(key, record) === handle;
  if ((await endEach(context, subject, isMeant)) > 0) return true;
  // As a logout, it ends what a sign-in has just made of the session, for as long as the tombstone leads there
  const only = (_: string, record: LiveRecord): boolean => record.subject === subject;
  return isWellFormed(handle) && (await end(context, handle, { type: "revoked" }, { only }));
}

export async function revokeAll(context: Context, subject: string, except?: string): Promise<number> {
  mustBeSubject(subject);
  if (except !== undefined) mustBeHandle("except", except);
  const isMeant = (key: string, record: LiveRecord): boolean =>
    record.subject === subject && handleOf(key, record) !== except;
  return endEach(context, subject, isMeant);
}

/**
 * Ends what `isMeant` says, and counts it. A session that rotates while we walk has a new key, so the keys are listed
 * again until nothing new appears.
 */
async function endEach(
  context: Context,
  subject: string,
  isMeant: (key: string, record: LiveRecord) => boolean,
): Promise<number> {
  const done = new Set<string>();
  let count = 0;
  for (;;) {
    const keys = (await keysOf(context, subject)).filter((key) => !done.has(key));
    if (keys.length === 0) return count;
    for (const key of keys) {
      done.add(key);
      if (await end(context, key, { type: "revoked" }, { only: isMeant })) count++;
    }
  }
}

export async function keysOf({ store, can }: Context, subject: string, budget?: Budget): Promise<string[]> {
  if (!can.keysOf)
    throw new SessionError(
      "not_supported",
      "This store keeps no index by subject, so it cannot list or end a user's sessions",
    );
  const keys: unknown = await store.keysOf(subject, budget);
  return Array.isArray(keys) ? keys.filter((key) => typeof key === "string") : [];
}

/**
 * The live record under a key that the index named. An index may be behind its entries; the record has the last word.
 */
export async function liveRecord(
  context: Context,
  subject: string,
  key: string,
  budget?: Budget,
): Promise<LiveRecord | undefined> {
  return (await liveOf(context, subject, key, budget))?.record;
}

async function liveOf(context: Context, subject: string, key: string, budget?: Budget): Promise<SeenLive | undefined> {
  const seen = await look(context, key, context.settings.clock(), budget);
  if (seen?.kind !== "live" || seen.record.subject !== subject) return undefined;
  return (await isPending(context, key, seen.record, budget)) ? undefined : seen;
}

/** The record of a rotation that has not happened yet, or never will: nobody has its token. */
async function isPending(context: Context, key: string, { previous }: LiveRecord, budget?: Budget): Promise<boolean> {
  if (previous === undefined) return false;
  const before = await look(context, previous, context.settings.clock(), budget);
  return !(before?.kind === "forward" && before.to === key);
}

function mustBeSubject(subject: unknown): void {
  if (!isSubject(subject))
    throw new TypeError("The user's id is well-formed text of 1 to 500 characters, without U+0000, as in signIn");
}

function mustBeHandle(name: string, handle: unknown): void {
  if (typeof handle !== "string") throw new TypeError(`${name} is the handle of a session, not ${typeof handle}`);
}

function newestFirst(a: SessionInfo, b: SessionInfo): number {
  return (b.authenticatedAt ?? b.createdAt) - (a.authenticatedAt ?? a.createdAt) || (a.handle < b.handle ? 1 : -1);
}
