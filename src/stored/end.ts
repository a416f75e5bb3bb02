import { isStoreFailure, SessionError } from "../errors.ts";
import type { SessionEvent } from "../events.ts";
import { tombstoneEnd } from "../rules/lifetime.ts";
import type { Version } from "../store.ts";
import type { Budget } from "./arrival.ts";
import { look, MAX_STEPS, type Reuse, type Seen, who } from "./chain.ts";
import type { Context } from "./context.ts";
import { encodeMark, type LiveRecord } from "./record.ts";
import { overtime } from "./write.ts";

/** Why a session ends, as the event that says so. */
export type Ending =
  | { readonly type: "destroyed" | "signed_out" | "revoked" }
  | { readonly type: "evicted"; readonly by: string }
  | { readonly type: "token_reused"; readonly revoked: true };

interface EndOptions {
  /** What `key` holds, which saves the first read. */
  readonly known?: Seen;
  /** Whether a live record is the one to be ended. Asked again whenever it changed. */
  readonly only?: (key: string, record: LiveRecord) => boolean;
  /** Stop at the tombstone of a sign-in or a renewal, as a reused token must. */
  readonly forwardsOnly?: boolean;
  readonly budget?: Budget;
}

/**
 * Ends the live record that `key` leads to, through forwards and tombstones alike, and says whether there was one.
 * Whoever holds a token of a session may end it, so nothing needs to be proven on the way.
 */
export async function end(context: Context, key: string, how: Ending, options: EndOptions = {}): Promise<boolean> {
  const { known, only, forwardsOnly = false, budget } = options;
  const { clock, emit } = context.settings;
  for (let step = 0; step < MAX_STEPS; step++) {
    const seen: Seen = (step === 0 && known) || (await look(context, key, clock(), budget));
    if (seen?.kind === "live") {
      if (only && !only(key, seen.record)) return false;
      if (await bury(context, key, seen.version, budget)) {
        emit({ ...how, ...who(key, seen.record) } as SessionEvent);
        return true;
      }
      continue; // changed or moved on meanwhile: look again at the same key
    }
    const isLink = seen?.kind === "forward" || (seen?.kind === "ended" && !forwardsOnly);
    if (!isLink || seen.to === undefined) return false;
    key = seen.to;
  }
  throw new SessionError("session_conflict", "The session changed faster than it could be ended; try again");
}

/** Puts a tombstone in the place of a live record. False: it is not at this version any more. */
async function bury(context: Context, key: string, version: Version, budget?: Budget): Promise<boolean> {
  try {
    return await writeTombstone(context, key, version, budget);
  } catch (error) {
    if (!isStoreFailure(error)) throw error;
    return await buryAnyway(context, key, version, error, budget);
  }
}

async function writeTombstone(context: Context, key: string, version: Version, budget?: Budget): Promise<boolean> {
  const { clock, rotation } = context.settings;
  const meta = { expiresAt: tombstoneEnd(clock(), rotation.grace) };
  return (await context.store.update(key, encodeMark({ kind: "ended" }), meta, version, budget)) !== undefined;
}

/**
 * The store failed. If only its answer was lost the session is over already; a fault that passes is tried again; and a
 * store that is full refuses to write and still deletes: nobody must stay signed in for want of room. The answers to
 * these may be lost as well, so that what counts is what is there in the end.
 */
async function buryAnyway(
  context: Context,
  key: string,
  version: Version,
  error: unknown,
  budget?: Budget,
): Promise<boolean> {
  const extra = overtime(context, budget);
  const again = writeTombstone(context, key, version, extra).catch(() => context.store.delete(key, version, extra));
  const answer = await again.catch(() => "lost" as const);
  if (answer === true) return true;
  try {
    const seen = await look(context, key, context.settings.clock(), extra);
    if (seen === undefined || (seen.kind === "ended" && seen.to === undefined)) return true;
  } catch {
    throw error; // the first one says more
  }
  if (answer === "lost") throw error;
  return false;
}

/**
 * A token was replaced, its successor was seen, and the grace is over: two parties hold it, and one of them should not.
 */
export async function endReused(context: Context, { key, forward }: Reuse, budget: Budget): Promise<void> {
  const { rotation, clock, emit } = context.settings;
  if (rotation.onReuse === "revoke") {
    const how = { type: "token_reused", revoked: true } as const;
    if (await end(context, forward.to, how, { forwardsOnly: true, budget })) return;
    emit({ type: "token_reused", revoked: false, handle: key });
    return;
  }
  let to = forward.to;
  let seen = await look(context, to, clock(), budget);
  for (let step = 0; step < MAX_STEPS && seen?.kind === "forward"; step++) {
    to = seen.to;
    seen = await look(context, to, clock(), budget);
  }
  emit({ type: "token_reused", revoked: false, ...(seen?.kind === "live" ? who(to, seen.record) : { handle: key }) });
}
