import { type Adoption, adoptionOf, type Claim, claimsOf, endOld } from "../adoption.ts";
import { newNonce } from "../platform/nonce.ts";
import type { Arrival } from "./arrival.ts";
import { arrive, FRESH, type Place, type Reuse } from "./chain.ts";
import type { Context } from "./context.ts";
import { encodeMark, encodeRecord, type LiveRecord } from "./record.ts";
import { digest, successorOf } from "./token.ts";
import { entryMeta } from "./token-change.ts";

/** Where an old cookie leads, and the lines that remove it. */
export interface AdoptedPlace {
  readonly place: Place | Reuse;
  readonly removals: readonly string[];
}

/**
 * Takes over the session of another library. An adoption is a rotation whose old token is what the old cookie proves:
 * the new token is derived from it, and a forward is left under its digest. So parallel first requests derive the same
 * successor, a lost response is offered again, and a logout is final for the old cookie too. The forward lives as long
 * as the old cookie could, for where that cookie is the session itself nothing else stops it from signing in again.
 */
export async function adopt(
  context: Context,
  header: string | null,
  arrival: Arrival,
): Promise<AdoptedPlace | undefined> {
  for await (const claim of claimsOf(context.settings, header, arrival)) {
    const adopted = await adoptOne(context, claim, arrival);
    if (adopted) return adopted;
  }
  return undefined;
}

/**
 * Nothing where there is nothing behind the cookie any more. What we took over and is over here counts as something.
 */
async function adoptOne(context: Context, claim: Claim, arrival: Arrival): Promise<AdoptedPlace | undefined> {
  const { settings, store } = context;
  const { token, removals } = claim;
  const key = digest(token);
  const isNew = (await store.read(key, arrival, FRESH)) === undefined;
  const adoption = isNew ? await adoptionOf(settings, claim, arrival) : undefined;
  if (adoption) await takeOver(context, claim, adoption, key, arrival);
  // Without an adoption too: another request may have taken the session over meanwhile, and ended the old record
  const place = await arrive(context, token, arrival);
  return isNew && !adoption && place.status === "none" ? undefined : { place, removals };
}

/** The record under the new token first, then the forward, which decides who of several requests was first. */
async function takeOver(
  context: Context,
  claim: Claim,
  adoption: Adoption,
  key: string,
  arrival: Arrival,
): Promise<void> {
  const { settings, store } = context;
  const { source, token } = claim;
  const nonce = newNonce();
  const to = digest(successorOf(token, nonce));
  const record = recordOf(context, adoption, key);
  const meta = entryMeta(settings.clock() + settings.lifetime.idle, record.subject);
  const created = await store.create(to, encodeRecord(record), meta, arrival);
  if (created === undefined) return;
  const forward = { kind: "forward", to, nonce, lasts: adoption.expiresAt, kept: source.keepOld === true } as const;
  const mark = encodeMark(forward);
  if ((await store.create(key, mark, { expiresAt: adoption.expiresAt }, arrival)) === undefined) {
    await store.delete(to, created, arrival);
    return;
  }
  const age = settings.clock() - record.createdAt;
  settings.emit({ type: "migrated", source: source.name, age, handle: to, subject: record.subject });
  await endOld(settings, claim, adoption, arrival);
}

function recordOf({ settings }: Context, adoption: Adoption, previous: string): LiveRecord {
  const { data, subject, createdAt, authenticatedAt } = adoption;
  return {
    kind: "live",
    data: settings.codec.encode(data),
    // adopt() is written for the shape of today, so no migration is due
    dataVersion: settings.shape?.version,
    createdAt,
    renewedAt: settings.clock(),
    subject,
    authenticatedAt,
    persistent: adoption.persistent ?? settings.persistent,
    idle: settings.lifetime.idle,
    previous,
  };
}
