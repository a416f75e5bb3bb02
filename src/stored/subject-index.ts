import type { SessionInfo } from "../backend.ts";
import { SessionError } from "../errors.ts";
import { endOf } from "../rules/lifetime.ts";
import type { Settings } from "../rules/options.ts";
import { freeze } from "../session/codec.ts";
import { isSubject } from "../session/state.ts";
import type { SessionStore } from "../store.ts";
import type { Chain, Seen } from "./chain.ts";
import type { GuardedStore } from "./guarded-store.ts";
import type { LiveRecord } from "./record.ts";
import { isWellFormed } from "./token.ts";

/** A user's sessions: listed, ended one by one or all at once, and limited in number. */
export interface SubjectIndex {
  list(subject: string, current?: string): Promise<SessionInfo[]>;
  revoke(handle: string): Promise<boolean>;
  revokeAll(subject: string, except?: string): Promise<number>;
  enforceLimit(subject: string): Promise<void>;
}

export function createSubjectIndex(
  given: SessionStore,
  store: GuardedStore,
  chain: Chain,
  settings: Settings,
): SubjectIndex {
  const { lifetime, maxPerSubject } = settings;

  async function keysOf(subject: string): Promise<string[]> {
    if (!given.keysOf)
      throw new SessionError(
        "not_supported",
        "This store keeps no index by subject, so it cannot list or end a user's sessions",
      );
    if (!isSubject(subject)) return []; // nobody can have signed in by it, and an engine may choke on it
    const keys: unknown = await store.keysOf(subject);
    return Array.isArray(keys) ? keys.filter((key) => typeof key === "string") : [];
  }

  async function look(key: string): Promise<Seen | undefined> {
    return chain.judge(key, await store.read(key));
  }

  /** The record of a rotation that has not happened yet, or never will: nobody has its token. */
  async function isPending(key: string, { previous }: LiveRecord): Promise<boolean> {
    if (previous === undefined) return false;
    const before = await look(previous);
    return !(before?.kind === "forward" && before.to === key);
  }

  async function list(subject: string, current?: string): Promise<SessionInfo[]> {
    const currentKey = current === undefined ? undefined : await chain.liveKey(current);
    const infos: SessionInfo[] = [];
    for (const handle of await keysOf(subject)) {
      const seen = await look(handle);
      // An index may be behind its entries; the record has the last word
      if (seen?.kind !== "live" || seen.record.subject !== subject || (await isPending(handle, seen.record))) continue;
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

  async function revoke(handle: string): Promise<boolean> {
    return isWellFormed(handle) && chain.end(handle, "revoked");
  }

  async function revokeAll(subject: string, except?: string): Promise<number> {
    const done = new Set<string>();
    let count = 0;
    // A session that rotates while we walk has a new key: list again until nothing new appears
    for (;;) {
      const keys = (await keysOf(subject)).filter((key) => !done.has(key));
      if (keys.length === 0) return count;
      for (const key of keys) {
        done.add(key);
        if (await chain.end(key, "revoked", { spared: isSpared })) count++;
      }
    }

    /**
     * The excepted session may rotate meanwhile as well, so where it is now is asked each time; its successor may be
     * stored but not yet forwarded to.
     */
    async function isSpared(key: string, record: LiveRecord): Promise<boolean> {
      if (record.subject !== subject) return true;
      if (except === undefined || !isWellFormed(except)) return false;
      const spared = await chain.liveKey(except);
      return spared !== undefined && (key === spared || record.previous === spared);
    }
  }

  /** Sign-ins that race see each other and agree on who is the oldest, so that they converge on the same survivors. */
  async function enforceLimit(subject: string): Promise<void> {
    if (maxPerSubject === Number.POSITIVE_INFINITY) return;
    for (const { handle } of (await list(subject)).slice(maxPerSubject)) await chain.end(handle, "evicted");
  }

  return { list, revoke, revokeAll, enforceLimit };
}

function newestFirst(a: SessionInfo, b: SessionInfo): number {
  return (b.authenticatedAt ?? b.createdAt) - (a.authenticatedAt ?? a.createdAt) || (a.handle < b.handle ? 1 : -1);
}
