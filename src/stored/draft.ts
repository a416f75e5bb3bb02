import { type Lifetime, limitsOf } from "../rules/lifetime.ts";
import type { Settings } from "../rules/options.ts";
import { type Plan, planCommit } from "../rules/plan.ts";
import { applyChanges, type Content, changedKeys, contentOf, noData } from "../session/content.ts";
import type { Place, SeenLive } from "./chain.ts";
import type { DecodedRecord } from "./decoder.ts";
import type { State } from "./found.ts";

/** What a record is made of at commit: the request's changes applied to what is stored now. */
export interface Draft {
  readonly state: State;
  readonly data: string;
  /** The version of its shape. */
  readonly dataVersion: number;
  /** What `data` is the text of. */
  readonly content: Record<string, unknown>;
  readonly subject: string | undefined;
  readonly persistent: boolean;
  /** This request changed whether the cookie outlives the browser. */
  readonly persistChanged: boolean;
  /** The limits of the session as it is stored. */
  readonly limits: Lifetime;
  /** What is to be done with it. */
  readonly plan: Plan;
}

/**
 * The request's changes applied to what is stored at `place`, and what to do about them at `now`. Throws `data_invalid`
 * where data that does not fit the schema would be stored.
 */
export function draftOf(
  settings: Settings,
  state: State,
  place: Place,
  deliverable: boolean,
  now: number,
  mayRotate = true,
): Draft {
  const { codec, lifetime, rotation, shape } = settings;
  const seen = place.status === "live" ? place.seen : undefined;
  const live = seen?.record;
  const stored = storedAt(state, live, shape);
  const content = state.changes.length === 0 ? stored : contentAt(settings, state, place, stored);
  const data = live && content === stored ? live.data : codec.encode(content.data);
  // Migrated data may be written with the text that the old data had, and another meaning
  const isChanged = data !== live?.data || content.version !== stored.version;
  // As with data: only what this request changed may overrule what another stored
  const persistChanged = state.persistent !== state.loaded.persistent;
  const persistent = live && !persistChanged ? (live.persistent ?? false) : state.persistent;
  const limits = limitsOf(state.limits ?? live?.limits, lifetime);
  const plan = planCommit(
    {
      status: place.status,
      destroyed: state.destroyed,
      signedIn: state.signedIn,
      signedOut: state.signedOut,
      renewed: state.renewed,
      changed: live
        ? isChanged || persistent !== (live.persistent ?? false) || state.limits !== undefined
        : state.changes.length > 0,
      empty: (live === undefined || state.signedOut) && Object.keys(content.data).length === 0,
      direct: place.status === "live" && place.direct,
      unconfirmed: live?.previous !== undefined,
      keepsAlive: state.keepsAlive,
      deliverable,
      renewedAt: live?.renewedAt ?? 0,
      idleEnd: seen ? idleEndFor(state, seen, limits, now) : 0,
    },
    mayRotate && rotation.every,
    limits,
    now,
  );
  if (isChanged && WRITES.has(plan)) shape?.check(content.data, content.version, changedKeys(state.changes));
  return {
    plan,
    state,
    data,
    dataVersion: isChanged ? content.version : stored.version,
    content: live && !isChanged ? live.content : content.data,
    subject: content.subject,
    persistent,
    persistChanged,
    limits,
  };
}

/** The plans that store data. */
const WRITES: ReadonlySet<Plan> = new Set(["create", "update", "rotate", "renew"]);

function storedAt({ loaded }: State, live: DecodedRecord | undefined, shape: Settings["shape"]): Content {
  if (live === undefined) return contentOf(noData(shape));
  const { content: data, dataVersion = 1, subject } = live;
  return contentOf({ data, version: dataVersion, handle: loaded.handle, subject });
}

/** When the session reaches its idle limit, as far as the decision about a touch is concerned. */
export function idleEndFor(
  { keepsAlive, loaded }: State,
  { record, idleEnd }: SeenLive,
  { idle }: Lifetime,
  now: number,
): number {
  // Not a sign of life, or it was one already
  if (!keepsAlive || loaded.touch !== undefined) return now + idle;
  // Version 0.1 wrote it under a longer limit and did not note which: from this request on the present one holds
  if (record.idle === undefined && idleEnd > now + idle) return now;
  return idleEnd;
}

/**
 * While nobody came between, what the request sees is the outcome already; else its changes apply anew to what is
 * stored by now.
 */
function contentAt(settings: Settings, state: State, place: Place, stored: Content): Content {
  return place === state.loaded.place ? state.content : applyChanges(stored, state.changes, settings);
}
