import { SessionError } from "../errors.ts";
import { isPromise } from "../platform/awaitable.ts";
import { limitPassed, tombstoneEnd } from "../rules/lifetime.ts";
import type { Entry, Version } from "../store.ts";
import type { Context } from "./context.ts";
import type { DecodedRecord } from "./decoder.ts";
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

export type Ending = "destroyed" | "revoked" | "evicted" | "reused";

/**
 * With rotation at every request a slow one may be this many behind. Beyond it a walk ends, so that damaged or hostile
 * entries cannot make it endless.
 */
const MAX_STEPS = 100;

/** What the walk of {@link end} may be given. */
interface EndOptions {
  /** What `key` holds, which saves the first read. */
  readonly known?: Seen | undefined;
  /** Whether a live record is to be left alone. */
  readonly spared?: (key: string, record: LiveRecord) => Promise<boolean>;
}

/**
 * What an entry means at `now`, by default the present; `undefined` where it is missing, past a limit, or nothing of
 * ours. Never throws.
 */
export function judge(
  { settings, decoder }: Context,
  key: string,
  entry: Entry | undefined,
  now: number = settings.clock(),
): Seen | undefined {
  if (entry === undefined) return undefined;
  const decoded = decoder.decode(key, entry?.value, now);
  // A store may hand out anything; `null` for an entry is nothing of ours too
  if (decoded === undefined || !Number.isFinite(entry.expiresAt) || entry.version === undefined) {
    settings.emit({ type: "record_rejected", handle: key });
    return undefined;
  }
  const { version, expiresAt: idleEnd } = entry;
  if (decoded.kind !== "live") return now < idleEnd ? { ...decoded, version, idleEnd } : undefined;
  const limit = limitPassed(idleEnd, decoded.createdAt, now, settings.lifetime);
  if (limit === undefined) return { kind: "live", record: decoded, version, idleEnd };
  settings.emit({ type: "expired", limit, handle: key, subject: decoded.subject });
  return undefined;
}

/** What is under a key now. */
export async function look(context: Context, key: string): Promise<Seen | undefined> {
  const entry = context.store.read(key);
  return judge(context, key, isPromise(entry) ? await entry : entry);
}

/**
 * Follows the forwards that the bearer of `token` proves to know, to the live record. `start` is what its own key
 * holds, if that is known.
 */
export async function follow(
  context: Context,
  token: string,
  start?: { readonly key: string; readonly seen: Seen | undefined },
): Promise<Place> {
  const { clock, emit } = context.settings;
  let key = start?.key ?? digest(token);
  for (let step = 0; step < MAX_STEPS; step++) {
    const seen = step === 0 && start ? start.seen : await look(context, key);
    if (seen === undefined) return { status: "none" };
    if (seen.kind === "live") return { status: "live", token, key, seen, direct: step === 0 };
    if (seen.kind === "ended") return { status: "ended", key };
    if (seen.until !== undefined && clock() >= seen.until) return await reused(context, key, seen);
    token = successorOf(token, seen.nonce);
    key = digest(token);
    if (key !== seen.to) {
      emit({ type: "record_rejected", handle: key }); // a store that was tampered with must not lead a token anywhere
      return { status: "none" };
    }
  }
  return { status: "ended", key };
}

/**
 * The token was replaced, its successor was seen, and the grace is over: two parties hold it, and one of them should
 * not.
 */
async function reused(context: Context, key: string, forward: Forward): Promise<Place> {
  const { rotation, emit } = context.settings;
  const revoked = rotation.onReuse === "revoke" && (await end(context, forward.to, "reused"));
  if (!revoked) emit({ type: "token_reused", handle: key, revoked });
  return { status: "ended", key };
}

/**
 * Ends the live record that `key` leads to, through forwards and tombstones alike. False if there is none, or `spared`
 * says to leave it.
 */
export async function end(
  context: Context,
  key: string,
  how: Ending,
  { known, spared }: EndOptions = {},
): Promise<boolean> {
  const { store, settings } = context;
  for (let step = 0; step < MAX_STEPS; step++) {
    const seen: Seen | undefined = (step === 0 && known) || (await look(context, key));
    if (seen === undefined) return false;
    if (seen.kind !== "live") {
      if (seen.to === undefined) return false;
      key = seen.to;
      continue;
    }
    if (await spared?.(key, seen.record)) return false;
    const meta = { expiresAt: tombstoneEnd(settings.clock(), settings.rotation.grace) };
    const ended = await store.update(key, encodeMark({ kind: "ended" }), meta, seen.version);
    if (ended !== undefined) {
      const of = { handle: key, subject: seen.record.subject };
      settings.emit(how === "reused" ? { type: "token_reused", revoked: true, ...of } : { type: how, ...of });
      return true;
    }
    // Changed or moved on meanwhile: look again at the same key
  }
  throw new SessionError("session_conflict", "The session changed faster than it could be ended; try again");
}

/** The key of the live record that `key` leads to. */
export async function liveKey(context: Context, key: string): Promise<string | undefined> {
  for (let step = 0; step < MAX_STEPS; step++) {
    const seen = await look(context, key);
    if (seen === undefined) return undefined;
    if (seen.kind === "live") return key;
    if (seen.to === undefined) return undefined;
    key = seen.to;
  }
  return undefined;
}
