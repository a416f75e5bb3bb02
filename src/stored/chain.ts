import { SessionError } from "../errors.ts";
import { isPromise } from "../platform/awaitable.ts";
import { limitPassed, tombstoneEnd } from "../rules/lifetime.ts";
import type { Settings } from "../rules/options.ts";
import type { Entry, Version } from "../store.ts";
import { createDecoder, type DecodedRecord, type Decoder } from "./decoder.ts";
import type { GuardedStore } from "./guarded-store.ts";
import { encodeMark, type Forward, type LiveRecord, type Tombstone } from "./record.ts";
import { digest, successorOf } from "./token.ts";

/** A stored thing that is in force, with what is needed to change it. */
export type Seen = SeenLive | (At & (Forward | Tombstone));
export type SeenLive = At & { readonly kind: "live"; readonly record: DecodedRecord };

interface At {
  readonly version: Version;
  readonly idleEnd: number;
}

/** Where a token leads. */
export type Place = LivePlace | { readonly status: "ended"; readonly key: string } | { readonly status: "none" };

export interface LivePlace {
  readonly status: "live";
  readonly token: string;
  readonly key: string;
  readonly seen: SeenLive;
  /** The token that was presented is this record's own, not one that leads to it. */
  readonly direct: boolean;
}

/** Walks the chains that rotation, renewal and logout leave behind in a store. */
export interface Chain {
  /**
   * What an entry means at `now`, by default the present; `undefined` where it is missing, past a limit, or nothing of
   * ours. Never throws.
   */
  judge(key: string, entry: Entry | undefined, now?: number): Seen | undefined;
  readonly remember: Decoder["remember"];
  /**
   * Follows the forwards that the bearer of `token` proves to know, to the live record. `start` is what its own key
   * holds, if that is known.
   */
  follow(token: string, start?: { readonly key: string; readonly seen: Seen | undefined }): Promise<Place>;
  /**
   * Ends the live record that `key` leads to, through forwards and tombstones alike. False if there is none, or
   * `spared` says to leave it. `known` saves the first read.
   */
  end(
    key: string,
    how: Ending,
    options?: { known?: Seen | undefined; spared?: (key: string, record: LiveRecord) => Promise<boolean> },
  ): Promise<boolean>;
  /** The key of the live record that `key` leads to. */
  liveKey(key: string): Promise<string | undefined>;
}

export type Ending = "destroyed" | "revoked" | "evicted" | "reused";

/**
 * With rotation at every request a slow one may be this many behind. Beyond it a walk ends, so that damaged or hostile
 * entries cannot make it endless.
 */
const MAX_STEPS = 100;

export function createChain(store: GuardedStore, settings: Settings): Chain {
  const { codec, lifetime, rotation, clock, emit } = settings;
  const { decode, remember } = createDecoder(codec);

  function judge(key: string, entry: Entry | undefined, now = clock()): Seen | undefined {
    if (entry === undefined) return undefined;
    const decoded = decode(key, entry?.value, now);
    // A store may hand out anything; `null` for an entry is nothing of ours too
    if (decoded === undefined || !Number.isFinite(entry.expiresAt) || entry.version === undefined) return reject(key);
    const { version, expiresAt: idleEnd } = entry;
    if (decoded.kind !== "live") return now < idleEnd ? { ...decoded, version, idleEnd } : undefined;
    const limit = limitPassed(idleEnd, decoded.createdAt, now, lifetime);
    if (limit === undefined) return { kind: "live", record: decoded, version, idleEnd };
    emit({ type: "expired", limit, handle: key, subject: decoded.subject });
    return undefined;
  }

  function reject(handle: string): undefined {
    emit({ type: "record_rejected", handle });
  }

  async function read(key: string): Promise<Seen | undefined> {
    const entry = store.read(key);
    return judge(key, isPromise(entry) ? await entry : entry);
  }

  async function follow(token: string, start?: Parameters<Chain["follow"]>[1]): Promise<Place> {
    let key = start?.key ?? digest(token);
    for (let step = 0; step < MAX_STEPS; step++) {
      const seen = step === 0 && start ? start.seen : await read(key);
      if (seen === undefined) return { status: "none" };
      if (seen.kind === "live") return { status: "live", token, key, seen, direct: step === 0 };
      if (seen.kind === "ended") return { status: "ended", key };
      if (seen.until !== undefined && clock() >= seen.until) return await reused(key, seen);
      token = successorOf(token, seen.nonce);
      key = digest(token);
      if (key !== seen.to) {
        reject(key); // a store that was tampered with must not lead a token anywhere
        return { status: "none" };
      }
    }
    return { status: "ended", key };
  }

  /**
   * The token was replaced, its successor was seen, and the grace is over: two parties hold it, and one of them should
   * not.
   */
  async function reused(key: string, forward: Forward): Promise<Place> {
    const revoked = rotation.onReuse === "revoke" && (await end(forward.to, "reused"));
    if (!revoked) emit({ type: "token_reused", handle: key, revoked });
    return { status: "ended", key };
  }

  async function end(key: string, how: Ending, { known, spared }: Parameters<Chain["end"]>[2] = {}): Promise<boolean> {
    for (let step = 0; step < MAX_STEPS; step++) {
      const seen: Seen | undefined = (step === 0 && known) || (await read(key));
      if (seen === undefined) return false;
      if (seen.kind !== "live") {
        if (seen.to === undefined) return false;
        key = seen.to;
        continue;
      }
      if (await spared?.(key, seen.record)) return false;
      const ended = await store.update(
        key,
        encodeMark({ kind: "ended" }),
        { expiresAt: tombstoneEnd(clock(), rotation.grace) },
        seen.version,
      );
      if (ended !== undefined) {
        const of = { handle: key, subject: seen.record.subject };
        emit(how === "reused" ? { type: "token_reused", revoked: true, ...of } : { type: how, ...of });
        return true;
      }
      // Changed or moved on meanwhile: look again at the same key
    }
    throw new SessionError("session_conflict", "The session changed faster than it could be ended; try again");
  }

  async function liveKey(key: string): Promise<string | undefined> {
    for (let step = 0; step < MAX_STEPS; step++) {
      const seen = await read(key);
      if (seen === undefined) return undefined;
      if (seen.kind === "live") return key;
      if (seen.to === undefined) return undefined;
      key = seen.to;
    }
    return undefined;
  }

  return { judge, remember, follow, end, liveKey };
}
