import { newNonce } from "../platform/nonce.ts";
import { tombstoneEnd } from "../rules/lifetime.ts";
import type { EntryMeta } from "../store.ts";
import { type LivePlace, look } from "./chain.ts";
import type { Context } from "./context.ts";
import { encodeMark, encodeRecord, type Forward, type LiveRecord, type Tombstone } from "./record.ts";
import { digest, newToken, successorOf } from "./token.ts";

/*
 * A record moved to a new token. The new record first, then the mark under the old key, which decides: refused,
 * somebody else was first and the new record is taken away again. A crash between the two leaves a record that nobody
 * has the token of.
 */

export interface NewToken {
  readonly token: string;
  readonly key: string;
}

/** Two processes may confirm at once; one of them is refused, looks again and sees that it is done. */
const CONFIRM_ATTEMPTS = 3;

/**
 * Everyone who holds the old token is led to the same new one, which is derived from it. `undefined`: another request
 * was first.
 */
export async function rotate(context: Context, place: LivePlace, record: LiveRecord): Promise<NewToken | undefined> {
  const nonce = newNonce();
  const token = successorOf(place.token, nonce);
  const mark = { kind: "forward", to: digest(token), nonce } as const;
  // Unconfirmed, a forward lives as long as the session may: a lost response costs nothing
  return move(context, place, record, token, mark, record.createdAt + context.settings.lifetime.absolute);
}

/**
 * A hard cut: the new token is random and the old one opens nothing, for whoever planted or stole it must not be led
 * on. `undefined`: another request was first.
 */
export async function renew(context: Context, place: LivePlace, record: LiveRecord): Promise<NewToken | undefined> {
  const { clock, rotation } = context.settings;
  const token = newToken();
  const mark = { kind: "ended", to: digest(token) } as const;
  return move(context, place, record, token, mark, tombstoneEnd(clock(), rotation.grace));
}

async function move(
  { store, settings }: Context,
  { key: from, seen }: LivePlace,
  record: LiveRecord,
  token: string,
  mark: (Forward | Tombstone) & { readonly to: string },
  expiresAt: number,
): Promise<NewToken | undefined> {
  const key = mark.to;
  const meta = entryMeta(settings.clock() + settings.lifetime.idle, record.subject);
  const created = await store.create(key, encodeRecord(record), meta);
  if (created === undefined) return undefined;
  if ((await store.update(from, encodeMark(mark), { expiresAt }, seen.version)) !== undefined) return { token, key };
  await store.delete(key, created);
  return undefined;
}

/**
 * A rotated token was presented, so its browser has it: the grace of its predecessor begins. The caller drops
 * `previous` after that and not before: a crash between the two must not leave a token that works for ever.
 */
export async function confirm(context: Context, previous: string, key: string): Promise<void> {
  const { store, settings } = context;
  for (let attempt = 0; attempt < CONFIRM_ATTEMPTS; attempt++) {
    const seen = await look(context, previous);
    if (seen?.kind !== "forward" || seen.to !== key || seen.until !== undefined) return;
    const until = settings.clock() + settings.rotation.grace;
    const meta = { expiresAt: until + settings.rotation.reuseWindow };
    if ((await store.update(previous, encodeMark({ ...seen, until }), meta, seen.version)) !== undefined) return;
  }
}

/** The meta of a record; without a subject there must be no such key (`exactOptionalPropertyTypes`). */
export function entryMeta(expiresAt: number, subject: string | undefined): EntryMeta {
  return subject === undefined ? { expiresAt } : { expiresAt, subject };
}
