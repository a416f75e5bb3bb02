import { type Adoption, adoptionOf, endOld, leave } from "../adoption.ts";
import { type Claim, claimsOf } from "../old-cookies.ts";
import { type Awaitable, after } from "../platform/awaitable.ts";
import { newNonce } from "../platform/random-text.ts";
import type { Arrival } from "./arrival.ts";
import { arrive, FRESH, type Place, type Reuse } from "./chain.ts";
import type { Context } from "./context.ts";
import { type Ending, end } from "./end.ts";
import type { State } from "./found.ts";
import { encodeMark, encodeRecord, type LiveRecord } from "./record.ts";
import { enforceLimit, type Rank, rankOf } from "./subject-limit.ts";
import { digest, successorOf } from "./token.ts";
import { entryMeta, takeBack } from "./token-change.ts";
import { create } from "./write.ts";

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
  const { settings } = context;
  const { source, token } = claim;
  const nonce = newNonce();
  const to = digest(successorOf(token, nonce));
  // To the limit of a user's sessions it is a sign-in: the devices that come last stay
  const rank = await rankOf(context, adoption.subject, true, arrival);
  const record = recordOf(context, adoption, key, rank);
  const meta = entryMeta(settings.clock() + settings.lifetime.idle, record.subject);
  const created = await create(context, to, encodeRecord(record), meta, arrival);
  if (created === undefined) return;
  const forward = { kind: "forward", to, nonce, lasts: adoption.expiresAt, kept: source.keepOld === true } as const;
  const mark = encodeMark(forward);
  if ((await create(context, key, mark, { expiresAt: adoption.expiresAt }, arrival)) === undefined)
    return takeBack(context, to, created, arrival);
  const age = settings.clock() - record.createdAt;
  settings.emit({ type: "migrated", source: source.name, age, handle: to, subject: record.subject });
  if (rank !== undefined) await enforceLimit(context, rank, to, record, arrival);
  if (!source.keepOld) await endOld(settings, claim, adoption.old, arrival);
}

/**
 * What an answer says of old cookies: those of a session that was taken over go, and a logout ends what all of them
 * lead to. What was not taken over yet gets a tombstone instead of a forward. Not beyond the tombstone of a sign-out,
 * which leads to the session that it began.
 */
export function storedAnswer(
  context: Context,
  { loaded, destroyed, signedOut, request }: State,
  deliverable: boolean,
  ours: readonly string[],
): Awaitable<readonly string[]> {
  const { settings } = context;
  const { arrival } = loaded;
  const how: Ending = { type: destroyed ? "destroyed" : "signed_out" };
  const endHere = async (token: string, expiresAt: number | undefined): Promise<void> => {
    const key = digest(token);
    const created = expiresAt && (await create(context, key, encodeMark({ kind: "ended" }), { expiresAt }, arrival));
    if (created === undefined) await end(context, key, how, { budget: arrival, forwardsOnly: true });
  };
  const header = request.headers.get("cookie");
  const gone = destroyed || signedOut ? leave(settings, header, arrival, endHere) : (loaded.removals ?? []);
  return after(gone, (lines) => (deliverable ? [...lines, ...ours] : ours));
}

function recordOf({ settings }: Context, adoption: Adoption, previous: string, rank: Rank | undefined): LiveRecord {
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
    order: rank && (rank.order ?? settings.clock()),
    previous,
  };
}
