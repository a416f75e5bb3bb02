import { adoptionOf, leave } from "../adoption.ts";
import type { CookieForm } from "../http/cookie.ts";
import { type Claim, claimsOf } from "../old-cookies.ts";
import { type Awaitable, after, isPromise } from "../platform/awaitable.ts";
import type { SessionState } from "../session/state.ts";
import { type Arrival, type Budget, spend } from "../stored/arrival.ts";
import { digest, successorOf } from "../stored/token.ts";
import { newIdentity, type SealedContext, type SealedFound } from "./finder.ts";
import type { SealedRecord } from "./record.ts";

/**
 * Takes over the session of another library into a sealed cookie. Its id is derived from what the old cookie proves, so
 * that parallel first requests seal the same session, and a logout is final for the old cookie too where there is a
 * revocation list. Without one nothing can stop the old cookie from being taken over anew. The old record is left
 * alone: a browser that never got the answer needs it once more.
 */
export async function adoptSealed(
  context: SealedContext,
  header: string | null,
  cookie: CookieForm,
  now: number,
): Promise<SealedFound | undefined> {
  const arrival = { at: now, left: context.settings.storeTimeout };
  for await (const claim of claimsOf(context.settings, header, arrival)) {
    const found = await adoptOne(context, claim, header, cookie, arrival);
    if (found) return found;
  }
  return undefined;
}

/**
 * What an answer says of old cookies: those of a session that was taken over go, and a logout ends what all of them
 * lead to, as far as there is a revocation list. The id stays on the list for as long as the old cookie, or what was
 * sealed for it, could open something.
 */
export function sealedAnswer(
  context: SealedContext,
  state: SessionState<SealedFound>,
  deliverable: boolean,
  keepOurs: () => Awaitable<readonly string[]>,
): Awaitable<readonly string[]> {
  // What the revocation list takes is not there for the old stores
  const budget: Budget = { left: context.settings.storeTimeout };
  const kept = keepOurs();
  return after(isPromise(kept) ? spend(budget, kept) : kept, (ours) =>
    after(goneBy(context, state, budget), (lines) => (deliverable ? [...lines, ...ours] : ours)),
  );
}

/** Lines that remove old cookies; a logout ends first what they lead to. */
function goneBy(
  { settings, revocations }: SealedContext,
  { loaded, destroyed, signedOut }: SessionState<SealedFound>,
  { left }: Budget,
): Awaitable<readonly string[]> {
  if (!destroyed && !signedOut) return loaded.removals ?? [];
  const now = settings.clock();
  const arriving: Arrival = { at: now, left };
  const endHere = (token: string, expiresAt = 0): unknown => {
    const until = Math.max(expiresAt, now + settings.lifetime.absolute);
    return revocations?.end(successorOf(token, "sealed"), until, undefined, arriving);
  };
  return leave(settings, loaded.header, arriving, endHere);
}

async function adoptOne(
  context: SealedContext,
  claim: Claim,
  header: string | null,
  cookie: CookieForm,
  arrival: Arrival,
): Promise<SealedFound | undefined> {
  const { revocations, settings } = context;
  const now = arrival.at;
  const key = digest(claim.token);
  // Under the digest of the old cookie the list says when its session was taken over
  const before = await revocations?.find(key);
  const adoption = await adoptionOf(settings, claim, arrival);
  if (!adoption) return undefined;
  const { lifetime } = settings;
  const createdAt = Math.min(adoption.createdAt, before?.endedAt ?? now);
  const end = createdAt + lifetime.absolute;
  const id = successorOf(claim.token, "sealed");
  if (now >= end || (await revocations?.find(id))) return undefined;
  const { data, subject, authenticatedAt } = adoption;
  const record: SealedRecord = {
    kind: "live",
    data: settings.codec.encode(data),
    // adopt() is written for the shape of today, so no migration is due
    dataVersion: settings.shape?.version,
    createdAt,
    renewedAt: now,
    subject,
    authenticatedAt,
    persistent: adoption.persistent ?? settings.persistent,
    id,
    handle: id,
    idle: lifetime.idle,
    unseen: 0,
    end,
    scope: cookie.scope,
  };
  // Of several first requests one is the first on the list
  const isFirst = !before && (!revocations || (await revocations.end(key, adoption.expiresAt, record)));
  if (isFirst) {
    settings.emit({ type: "migrated", source: claim.source.name, age: now - createdAt, handle: id, subject });
  }
  return {
    status: "live",
    data,
    version: settings.shape?.version ?? 1,
    createdAt,
    subject,
    authenticatedAt,
    handle: id,
    expiresAt: Math.min(end, now + lifetime.idle),
    persistent: record.persistent ?? false,
    record,
    seenAt: now,
    opened: [record],
    header,
    newIdentity,
    removals: claim.removals,
  };
}
