import type { Settings } from "../rules/options.ts";
import { type Plan, planCommit } from "../rules/plan.ts";
import { applyChanges, type Content, type Loaded, type SessionState } from "../session/state.ts";
import type { Place } from "./chain.ts";

/** What the server backend remembers of a session from load to commit. */
export interface Found extends Loaded {
  readonly place: Place;
}

export type State = SessionState<Found>;

/** What a record is made of at commit: the request's changes applied to what is stored now. */
export interface Draft {
  readonly state: State;
  readonly data: string;
  /** What `data` is the text of. */
  readonly content: Record<string, unknown>;
  readonly subject: string | undefined;
  readonly persistent: boolean;
  /** This request changed whether the cookie outlives the browser. */
  readonly persistChanged: boolean;
  /** What is to be done with it. */
  readonly plan: Plan;
}

/** The request's changes applied to what is stored at `place`, and what to do about them at `now`. */
export function draftOf(settings: Settings, state: State, place: Place, deliverable: boolean, now: number): Draft {
  const { codec, lifetime, rotation } = settings;
  const seen = place.status === "live" ? place.seen : undefined;
  const live = seen?.record;
  const stored = { data: live?.content ?? {}, subject: live?.subject };
  const content = state.changes.length === 0 ? stored : contentAt(settings, state, place, stored);
  const data = live && content === stored ? live.data : codec.encode(content.data);
  // As with data: only what this request changed may overrule what another stored
  const persistChanged = state.persistent !== state.loaded.persistent;
  const persistent = live && !persistChanged ? (live.persistent ?? false) : state.persistent;
  const plan = planCommit(
    {
      status: place.status,
      destroyed: state.destroyed,
      signedIn: state.signedIn,
      renewed: state.renewed,
      changed: live ? data !== live.data || persistent !== (live.persistent ?? false) : state.changes.length > 0,
      empty: live === undefined && Object.keys(content.data).length === 0,
      direct: place.status === "live" && place.direct,
      unconfirmed: live?.previous !== undefined,
      keepsAlive: state.keepsAlive,
      deliverable,
      renewedAt: live?.renewedAt ?? 0,
      idleEnd: seen?.idleEnd ?? 0,
    },
    rotation.every,
    lifetime,
    now,
  );
  return { plan, state, data, content: content.data, subject: content.subject, persistent, persistChanged };
}

/**
 * While nobody came between, what the request sees is the outcome already; else its changes apply anew to what is
 * stored by now.
 */
function contentAt({ codec }: Settings, state: State, place: Place, stored: Content): Content {
  return place === state.loaded.place ? state.content : applyChanges(stored.data, stored.subject, state.changes, codec);
}
