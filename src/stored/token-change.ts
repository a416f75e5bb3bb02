import { isStoreFailure } from "../errors.ts";
import { newNonce } from "../platform/random-text.ts";
import { CLOCK_LEEWAY, limitsOf, tombstoneEnd } from "../rules/lifetime.ts";
import type { Identity } from "../session/state.ts";
import type { EntryMeta, Version } from "../store.ts";
import type { Arrival } from "./arrival.ts";
import { type LivePlace, look } from "./chain.ts";
import type { Context } from "./context.ts";
import { encodeMark, encodeRecord, type Forward, type LiveRecord, type Tombstone } from "./record.ts";
import { digest, newToken, successorOf } from "./token.ts";
import { create, overtime, update } from "./write.ts";

/*
 * A record moved to a new token. The new record first, then the mark under the old key, which decides: refused,
 * somebody else was first and the new record is taken away again. A crash between the two leaves a record that nobody
 * has the token of. Once the mark is there nothing may fail any more, for the old token opens nothing from then on.
 */

export interface NewToken {
  readonly token: string;
  readonly key: string;
  readonly version: Version;
  /** Epoch ms; of the new entry. */
  readonly expiresAt: number;
}

/** `refused`: another request was first. `taken`: there is something under the new key already. */
type Move = NewToken | "refused" | "taken";

/** Two processes may confirm at once; one of them is refused, looks again and sees that it is done. */
const CONFIRM_ATTEMPTS = 3;

/** A token and its key. The key is the handle of the session that begins with it. */
export function newIdentity(): Identity {
  const token = newToken();
  return { token, handle: digest(token) };
}

/** Everyone who holds the old token is led to the same new one, which is derived from it. */
export async function rotate(
  context: Context,
  place: LivePlace,
  record: LiveRecord,
  expiresAt: number,
  arrival: Arrival,
): Promise<Move> {
  const nonce = newNonce();
  const token = successorOf(place.token, nonce);
  const mark = { kind: "forward", to: digest(token), nonce } as const;
  // Unconfirmed, a forward lives as long as the session may: a lost response costs nothing
  const markEnd = record.createdAt + limitsOf(record.limits, context.settings.lifetime).absolute;
  return move(context, place, { token, record, expiresAt }, mark, markEnd, arrival);
}

/**
 * A hard cut: the new token is random and the old one opens nothing, for whoever planted or stole it must not be led
 * on.
 */
export async function renew(
  context: Context,
  place: LivePlace,
  record: LiveRecord,
  { token, handle: to }: Identity,
  expiresAt: number,
  arrival: Arrival,
): Promise<Move> {
  const { clock, rotation } = context.settings;
  const markEnd = tombstoneEnd(clock(), rotation.grace);
  return move(context, place, { token, record, expiresAt }, { kind: "ended", to }, markEnd, arrival);
}

async function move(
  context: Context,
  place: LivePlace,
  { token, record, expiresAt }: { token: string; record: LiveRecord; expiresAt: number },
  mark: (Forward | Tombstone) & { readonly to: string },
  markEnd: number,
  arrival: Arrival,
): Promise<Move> {
  const key = mark.to;
  const version = await create(context, key, encodeRecord(record), entryMeta(expiresAt, record.subject), arrival);
  if (version === undefined) return "taken";
  if (await isMarked(context, place, encodeMark(mark), markEnd, { key, version }, arrival))
    return { token, key, version, expiresAt };
  await takeBack(context, key, version, arrival);
  return "refused";
}

/** The write that decides. False: somebody else was first. */
async function isMarked(
  context: Context,
  { key, seen }: LivePlace,
  mark: string,
  expiresAt: number,
  next: { readonly key: string; readonly version: Version },
  arrival: Arrival,
): Promise<boolean> {
  try {
    return (await update(context, key, mark, { expiresAt }, seen.version, arrival)) !== undefined;
  } catch (error) {
    // The mark is not there, and may still come: a write that ran out of time is not one that was given up. So the old
    // record is written once more, as it is, after which a late mark is refused. If that fails too, both records stay.
    const fence = entryMeta(seen.expiresAt, seen.record.subject);
    const extra = overtime(context, arrival);
    try {
      const fenced = await context.store.update(key, encodeRecord(seen.record), fence, seen.version, extra);
      const now = fenced === undefined ? await look(context, key, arrival.at, extra) : undefined;
      if (now !== undefined && now.kind !== "live" && "to" in now && now.to === next.key) return true;
      await takeBack(context, next.key, next.version, extra);
    } catch {
      // The first error says more
    }
    throw error;
  }
}

/** If this fails, the record stays that nobody has the token of. */
export async function takeBack(
  context: Context,
  key: string,
  version: Version,
  budget: { left: number },
): Promise<void> {
  try {
    await context.store.delete(key, version, budget);
  } catch (error) {
    if (!isStoreFailure(error)) throw error;
  }
}

/**
 * A rotated token was presented, so its browser has it: the grace of its predecessor begins. True: it runs, or nobody
 * can follow the predecessor any more, and the caller may drop `previous`. Not before: a crash between the two must not
 * leave a token that works for ever.
 */
export async function confirm(context: Context, previous: string, key: string, arrival: Arrival): Promise<boolean> {
  const { clock, rotation } = context.settings;
  try {
    for (let attempt = 0; attempt < CONFIRM_ATTEMPTS; attempt++) {
      const seen = await look(context, previous, arrival.at, arrival);
      if (seen?.kind === "live") return false;
      if (seen?.kind !== "forward" || seen.to !== key || seen.until !== undefined || seen.kept) return true;
      const until = clock() + rotation.grace;
      const { to, nonce, lasts } = seen;
      const meta = { expiresAt: Math.max(until + CLOCK_LEEWAY + rotation.reuseWindow, lasts ?? 0) };
      const mark = encodeMark({ kind: "forward", to, nonce, until, lasts });
      if ((await update(context, previous, mark, meta, seen.version, arrival)) !== undefined) return true;
    }
  } catch (error) {
    if (!isStoreFailure(error)) throw error;
  }
  return false;
}

/** The meta of a record; without a subject there must be no such key (`exactOptionalPropertyTypes`). */
export function entryMeta(expiresAt: number, subject: string | undefined): EntryMeta {
  return subject === undefined ? { expiresAt } : { expiresAt, subject };
}
