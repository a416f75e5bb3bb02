import type { SessionInfo } from "../backend.ts";
import { SessionError } from "../errors.ts";
import { endOf } from "../rules/lifetime.ts";
import { freeze } from "../session/codec.ts";
import { isSubject } from "../session/state.ts";
import { end, liveKey, look } from "./chain.ts";
import type { Context } from "./context.ts";
import type { LiveRecord } from "./record.ts";
import { isWellFormed } from "./token.ts";

/* A user's sessions: listed, ended one by one or all at once, and limited in number. */

export async function list(context: Context, subject: string, current?: string): Promise<SessionInfo[]> {
  const { lifetime } = context.settings;
  const currentKey = current === undefined ? undefined : await liveKey(context, current);
  const infos: SessionInfo[] = [];
  for (const handle of await keysOf(context, subject)) {
    const seen = await look(context, handle);
    // An index may be behind its entries; the record has the last word
    if (seen?.kind !== "live" || seen.record.subject !== subject) continue;
    if (await isPending(context, handle, seen.record)) continue;
    const { record, idleEnd } = seen;
    const { createdAt, authenticatedAt, persistent = false, meta } = record;
    const times = {
      createdAt,
      authenticatedAt,
      lastSeenAt: idleEnd - lifetime.idle,
      expiresAt: endOf(idleEnd, createdAt, lifetime),
    };
    infos.push({
      handle,
      subject,
      ...times,
      persistent,
      meta: freeze(meta),
      ...(handle === currentKey && { current: true }),
    });
  }
  return infos.sort(newestFirst);
}

export async function revoke(context: Context, handle: string): Promise<boolean> {
  return isWellFormed(handle) && end(context, handle, "revoked");
}

export async function revokeAll(context: Context, subject: string, except?: string): Promise<number> {
  const done = new Set<string>();
  let count = 0;
  // A session that rotates while we walk has a new key: list again until nothing new appears
  for (;;) {
    const keys = (await keysOf(context, subject)).filter((key) => !done.has(key));
    if (keys.length === 0) return count;
    for (const key of keys) {
      done.add(key);
      if (await end(context, key, "revoked", { spared: isSpared })) count++;
    }
  }

  /**
   * The excepted session may rotate meanwhile as well, so where it is now is asked each time; its successor may be
   * stored but not yet forwarded to.
   */
  async function isSpared(key: string, record: LiveRecord): Promise<boolean> {
    if (record.subject !== subject) return true;
    if (except === undefined || !isWellFormed(except)) return false;
    const spared = await liveKey(context, except);
    return spared !== undefined && (key === spared || record.previous === spared);
  }
}

/** Sign-ins that race see each other and agree on who is the oldest, so that they converge on the same survivors. */
export async function enforceLimit(context: Context, subject: string): Promise<void> {
  const { maxPerSubject } = context.settings;
  if (maxPerSubject === Number.POSITIVE_INFINITY) return;
  for (const { handle } of (await list(context, subject)).slice(maxPerSubject)) await end(context, handle, "evicted");
}

async function keysOf({ store, can }: Context, subject: string): Promise<string[]> {
  if (!can.keysOf)
    throw new SessionError(
      "not_supported",
      "This store keeps no index by subject, so it cannot list or end a user's sessions",
    );
  if (!isSubject(subject)) return []; // nobody can have signed in by it, and an engine may choke on it
  const keys: unknown = await store.keysOf(subject);
  return Array.isArray(keys) ? keys.filter((key) => typeof key === "string") : [];
}

/** The record of a rotation that has not happened yet, or never will: nobody has its token. */
async function isPending(context: Context, key: string, { previous }: LiveRecord): Promise<boolean> {
  if (previous === undefined) return false;
  const before = await look(context, previous);
  return !(before?.kind === "forward" && before.to === key);
}

function newestFirst(a: SessionInfo, b: SessionInfo): number {
  return (b.authenticatedAt ?? b.createdAt) - (a.authenticatedAt ?? a.createdAt) || (a.handle < b.handle ? 1 : -1);
}
