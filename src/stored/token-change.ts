import { newNonce } from "../platform/nonce.ts";
import { tombstoneEnd } from "../rules/lifetime.ts";
import type { Settings } from "../rules/options.ts";
import type { EntryMeta } from "../store.ts";
import type { Chain, LivePlace } from "./chain.ts";
import type { GuardedStore } from "./guarded-store.ts";
import { encodeMark, encodeRecord, type Forward, type LiveRecord, type Tombstone } from "./record.ts";
import { digest, newToken, successorOf } from "./token.ts";

/**
 * A record moved to a new token. The new record first, then the mark under the old key, which decides: refused,
 * somebody else was first and the new record is taken away again. A crash between the two leaves a record that nobody
 * has the token of.
 */
export interface TokenChange {
  /**
   * Everyone who holds the old token is led to the same new one, which is derived from it. `undefined`: another request
   * was first.
   */
  rotate(place: LivePlace, record: LiveRecord): Promise<NewToken | undefined>;
  /**
   * A hard cut: the new token is random and the old one opens nothing, for whoever planted or stole it must not be led
   * on.
   */
  renew(place: LivePlace, record: LiveRecord): Promise<NewToken | undefined>;
  /**
   * A rotated token was presented, so its browser has it: the grace of its predecessor begins. The caller drops
   * `previous` after that and not before: a crash between the two must not leave a token that works for ever.
   */
  confirm(previous: string, key: string): Promise<void>;
}

export interface NewToken {
  readonly token: string;
  readonly key: string;
}

/** Two processes may confirm at once; one of them is refused, looks again and sees that it is done. */
const CONFIRM_ATTEMPTS = 3;

export function createTokenChange(
  store: GuardedStore,
  chain: Chain,
  { lifetime, rotation, clock }: Settings,
): TokenChange {
  async function rotate(place: LivePlace, record: LiveRecord): Promise<NewToken | undefined> {
    const nonce = newNonce();
    const token = successorOf(place.token, nonce);
    // Unconfirmed, a forward lives as long as the session may: a lost response costs nothing
    return move(
      place,
      record,
      token,
      { kind: "forward", to: digest(token), nonce },
      record.createdAt + lifetime.absolute,
    );
  }

  async function renew(place: LivePlace, record: LiveRecord): Promise<NewToken | undefined> {
    const token = newToken();
    return move(place, record, token, { kind: "ended", to: digest(token) }, tombstoneEnd(clock(), rotation.grace));
  }

  async function move(
    { key: from, seen }: LivePlace,
    record: LiveRecord,
    token: string,
    mark: (Forward | Tombstone) & { readonly to: string },
    expiresAt: number,
  ): Promise<NewToken | undefined> {
    const key = mark.to;
    const created = await store.create(key, encodeRecord(record), entryMeta(clock() + lifetime.idle, record.subject));
    if (created === undefined) return undefined;
    if ((await store.update(from, encodeMark(mark), { expiresAt }, seen.version)) !== undefined) return { token, key };
    await store.delete(key, created);
    return undefined;
  }

  async function confirm(previous: string, key: string): Promise<void> {
    for (let attempt = 0; attempt < CONFIRM_ATTEMPTS; attempt++) {
      const seen = chain.judge(previous, await store.read(previous));
      if (seen?.kind !== "forward" || seen.to !== key || seen.until !== undefined) return;
      const until = clock() + rotation.grace;
      const meta = { expiresAt: until + rotation.reuseWindow };
      if ((await store.update(previous, encodeMark({ ...seen, until }), meta, seen.version)) !== undefined) return;
    }
  }

  return { rotate, renew, confirm };
}

/** The meta of a record; without a subject there must be no such key (`exactOptionalPropertyTypes`). */
export function entryMeta(expiresAt: number, subject: string | undefined): EntryMeta {
  return subject === undefined ? { expiresAt } : { expiresAt, subject };
}
