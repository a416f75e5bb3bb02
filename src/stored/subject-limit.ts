import { type Arrival, spend } from "./arrival.ts";
import { handleOf } from "./chain.ts";
import type { Context } from "./context.ts";
import { end } from "./end.ts";
import type { LiveRecord } from "./record.ts";
import { keysOf, liveRecord } from "./subject-index.ts";
import { overtime } from "./write.ts";

/**
 * The place of a sign-in among those of its user. It comes after all that it found, whatever the clocks of the servers
 * say, so that sign-ins that race agree on who is the oldest, and the one just made is never it.
 */
export interface Rank {
  readonly subject: string;
  /** What was there before, by key. */
  readonly before: ReadonlyMap<string, LiveRecord>;
  /** Stored where the time of the sign-in would put it before one of them. */
  readonly order: number | undefined;
}

/** Looked up before a sign-in is stored, where the number of a user's sessions is limited. */
export function rankOf(
  context: Context,
  subject: string | undefined,
  signedIn: boolean,
  arrival: Arrival,
): undefined | Promise<Rank | undefined> {
  if (!signedIn || subject === undefined || context.settings.maxPerSubject === Number.POSITIVE_INFINITY)
    return undefined;
  // A store that cannot list must not keep anybody from signing in. An event says so, and the limit has to wait
  return spend(
    arrival,
    lookAround(context, subject, { left: arrival.left / 2 }).catch(() => undefined),
  );
}

async function lookAround(context: Context, subject: string, budget: { left: number }): Promise<Rank> {
  const before = new Map<string, LiveRecord>();
  for (const key of await keysOf(context, subject, budget)) {
    const record = await liveRecord(context, subject, key, budget);
    if (record !== undefined) before.set(key, record);
  }
  const latest = Math.max(...[...before.values()].map(orderOf));
  return { subject, before, order: context.settings.clock() > latest ? undefined : latest + 1 };
}

/** Ends the oldest beyond `maxPerSubject`. Never fails: the sign-in is stored, and its user must get the cookie. */
export async function enforceLimit(
  context: Context,
  { subject, before }: Rank,
  own: string,
  ownRecord: LiveRecord,
  arrival: Arrival,
): Promise<void> {
  const budget = overtime(context, arrival);
  try {
    const all: { key: string; record: LiveRecord }[] = [{ key: own, record: ownRecord }];
    for (const key of await keysOf(context, subject, budget)) {
      if (key === own) continue;
      const record = before.get(key) ?? (await liveRecord(context, subject, key, budget));
      if (record !== undefined) all.push({ key, record });
    }
    all.sort(
      (a, b) =>
        orderOf(b.record) - orderOf(a.record) || (handleOf(a.key, a.record) < handleOf(b.key, b.record) ? 1 : -1),
    );
    for (const { key, record } of all.slice(context.settings.maxPerSubject)) {
      const handle = handleOf(key, record);
      const only = (at: string, found: LiveRecord): boolean =>
        handleOf(at, found) === handle && orderOf(found) === orderOf(record);
      await end(context, key, { type: "evicted", by: own }, { only, budget });
    }
  } catch {
    // The store's fault is an event already; the next sign-in ends what is left over
  }
}

function orderOf({ order, authenticatedAt, createdAt }: LiveRecord): number {
  return order ?? authenticatedAt ?? createdAt;
}
