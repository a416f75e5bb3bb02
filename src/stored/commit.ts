import type { Backend } from "../backend.ts";
import { SessionError } from "../errors.ts";
import { removeCookie, setCookie } from "../http/cookie.ts";
import type { Awaitable } from "../platform/awaitable.ts";
import { after } from "../platform/awaitable.ts";
import { cookieMaxAge } from "../rules/lifetime.ts";
import type { Settings } from "../rules/options.ts";
import { copyOf, jsonCodec } from "../session/codec.ts";
import { isUntouched } from "../session/state.ts";
import type { EntryMeta, SessionStore } from "../store.ts";
import type { Chain, LivePlace, Place } from "./chain.ts";
import { createQueues } from "./commit-queue.ts";
import { createDrafts, type Draft, type Found, type State } from "./draft.ts";
import type { GuardedStore } from "./guarded-store.ts";
import { encodeRecord, type LiveRecord } from "./record.ts";
import type { SubjectIndex } from "./subject-index.ts";
import { digest, newToken } from "./token.ts";
import { createTokenChange, entryMeta } from "./token-change.ts";

/** What one attempt to commit came to: Set-Cookie lines, or the news that another request was first. */
type Outcome = readonly string[] | "refused";

const NO_COOKIE: readonly string[] = [];

/** Attempts that follow at once; only then does it help to let the others pass. */
const EAGER_ATTEMPTS = 3;

/**
 * The commit of the server backend, in short: every write is a compare-and-set on the version that was read. Refused,
 * the session is read again and the request's changes are applied to what is there now; what was ended in between stays
 * ended.
 */
export function createServerCommit(
  given: SessionStore,
  store: GuardedStore,
  chain: Chain,
  index: SubjectIndex,
  settings: Settings,
): Backend<Found>["keep"] {
  const { lifetime, clock, emit, describe } = settings;
  const draftOf = createDrafts(settings);
  const tokens = createTokenChange(store, chain, settings);
  const inTurn = createQueues();

  function keep(state: State, deliverable: boolean): Awaitable<readonly string[]> {
    const { place } = state.loaded;
    if (place.status !== "live") return isUntouched(state) ? NO_COOKIE : commit(state, deliverable, false);
    if (isUntouched(state) && draftOf(state, place, deliverable, state.now).plan === "nothing")
      return offer(place, state, deliverable);
    return inTurn(place.key, (waited) => commit(state, deliverable, waited));
  }

  /** The first attempt is synchronous on a synchronous store: no promise for the common case. */
  function commit(state: State, deliverable: boolean, waited: boolean): Awaitable<readonly string[]> {
    // Somebody of this process was first: what was loaded is old for certain
    const place = waited ? again(state.loaded.place) : state.loaded.place;
    return after(place, (first) =>
      after(carryOut(state, first, deliverable), (outcome) =>
        outcome === "refused" ? retry(state, first, deliverable) : outcome,
      ),
    );
  }

  async function retry(state: State, place: Place, deliverable: boolean): Promise<readonly string[]> {
    const giveUpAt = performance.now() + settings.storeTimeout;
    for (let attempt = 1; performance.now() < giveUpAt; attempt++) {
      if (attempt > EAGER_ATTEMPTS) await pause(attempt);
      emit({ type: "conflict_retried", attempt, handle: state.loaded.handle, subject: state.loaded.subject });
      place = await again(place);
      const outcome = await carryOut(state, place, deliverable);
      if (outcome !== "refused") return outcome;
    }
    const message = `The session was changed by others for ${settings.storeTimeout} ms without a gap; nothing was stored`;
    throw new SessionError("session_conflict", message);
  }

  /** Where the request's token leads by now. Gone altogether is ended too: only what is there may be written to. */
  async function again(place: Place): Promise<Place> {
    if (place.status !== "live") return place;
    const now = await chain.follow(place.token);
    if (now.status === "none") return { status: "ended", key: place.key };
    return now.status === "live" ? { ...now, direct: now.direct && place.direct } : now;
  }

  function carryOut(state: State, place: Place, deliverable: boolean): Awaitable<Outcome> {
    const draft = draftOf(state, place, deliverable, clock());
    const { plan, persistChanged } = draft;
    if (!deliverable && (plan === "create" || plan === "renew" || (plan === "update" && persistChanged))) {
      throw new SessionError(
        "cookie_undeliverable",
        "This response cannot carry the cookie that the session needs: sign in, renew or start a session in another one",
      );
    }
    if (plan === "create") return create(draft);
    if (plan === "drop") {
      emit({
        type: "changes_dropped",
        changes: state.changes.length,
        handle: state.loaded.handle,
        subject: state.loaded.subject,
      });
      return NO_COOKIE;
    }
    if (plan === "destroy" && place.status !== "none") return destroy(state, place, deliverable);
    if (place.status !== "live") return NO_COOKIE;
    if (plan === "rotate" || plan === "renew") return replaceToken(plan, draft, place);
    if (plan === "update") return update(draft, place, deliverable);
    const touched = plan === "touch" ? touch(place) : undefined;
    return after(touched, () => offer(place, state, deliverable));
  }

  async function destroy(
    { cookie }: State,
    place: Exclude<Place, { status: "none" }>,
    deliverable: boolean,
  ): Promise<Outcome> {
    const known = place.status === "live" ? place.seen : undefined;
    const ended = await chain.end(place.key, "destroyed", { known });
    return ended && deliverable ? [removeCookie(cookie)] : NO_COOKIE;
  }

  function create(draft: Draft): Awaitable<Outcome> {
    const token = newToken();
    const record = newRecord(draft);
    const handle = digest(token);
    return after(store.create(handle, encodeRecord(record), metaOf(record)), (version) => {
      if (version === undefined) return "refused";
      emit({ type: "created", handle, subject: record.subject });
      const cookie = cookieFor(token, record, draft.state);
      return draft.state.signedIn ? signedIn(handle, record).then(() => cookie) : cookie;
    });
  }

  function update(
    { state, data, content, persistent }: Draft,
    place: LivePlace,
    deliverable: boolean,
  ): Awaitable<Outcome> {
    const { seen, key, direct } = place;
    const { previous: unconfirmed } = seen.record;
    const confirmed = unconfirmed !== undefined && direct ? tokens.confirm(unconfirmed, key) : undefined;
    return after(confirmed, () => {
      // Field by field: on Node 20 a spread costs more than all the rest
      const { kind, createdAt, renewedAt, subject, authenticatedAt, meta } = seen.record;
      const previous = direct ? undefined : unconfirmed;
      const record = {
        kind,
        data,
        createdAt,
        renewedAt,
        subject,
        authenticatedAt,
        persistent,
        meta,
        previous,
        content,
      };
      const text = encodeRecord(record);
      return after(store.update(key, text, metaOf(record), seen.version), (version) => {
        if (version === undefined) return "refused";
        chain.remember(key, text, record);
        // The lifetime of the browser's cookie follows what is stored
        const resend = persistent !== (seen.record.persistent ?? false) && deliverable;
        return resend ? cookieFor(place.token, record, state) : offer(place, state, deliverable);
      });
    });
  }

  async function replaceToken(plan: "rotate" | "renew", draft: Draft, place: LivePlace): Promise<Outcome> {
    const { state, data, persistent } = draft;
    const { key } = place;
    const { record: stored } = place.seen;
    if (plan === "rotate" && stored.previous !== undefined) await tokens.confirm(stored.previous, key);
    const previous = plan === "rotate" ? key : undefined;
    const record: LiveRecord = state.signedIn
      ? newRecord(draft)
      : { ...stored, data, renewedAt: clock(), persistent, previous };
    const moved = await (plan === "rotate" ? tokens.rotate(place, record) : tokens.renew(place, record));
    if (moved === undefined) return "refused";
    const { token, key: handle } = moved;
    if (state.signedIn) await signedIn(handle, record);
    else emit({ type: plan === "rotate" ? "rotated" : "renewed", handle, subject: record.subject });
    return cookieFor(token, record, state);
  }

  /** Refused is fine: somebody else wrote, which moved the expiry too, or the session was ended. */
  function touch({ key, seen }: LivePlace): Awaitable<unknown> {
    const { record, version } = seen;
    const meta = metaOf(record);
    return given.touch
      ? store.touch(key, meta.expiresAt, version)
      : store.update(key, encodeRecord(record), meta, version);
  }

  async function signedIn(handle: string, record: LiveRecord): Promise<void> {
    emit({ type: "signed_in", handle, subject: record.subject });
    if (record.subject !== undefined) await index.enforceLimit(record.subject);
  }

  function newRecord({ state, data, subject, persistent }: Draft): LiveRecord {
    const now = clock();
    const meta = describe && copyOf(jsonCodec, describe(state.request) ?? null, "describe()");
    return {
      kind: "live",
      data,
      createdAt: now,
      renewedAt: now,
      subject,
      authenticatedAt: state.signedIn ? now : undefined,
      persistent,
      meta,
    };
  }

  function metaOf({ subject }: LiveRecord): EntryMeta {
    return entryMeta(clock() + lifetime.idle, subject);
  }

  /**
   * A request that came with a rotated token is told the live one: each of them the same, so that a late answer does no
   * harm.
   */
  function offer(place: Place, state: State, deliverable: boolean): readonly string[] {
    if (place.status !== "live" || place.direct || !deliverable) return NO_COOKIE;
    return cookieFor(place.token, place.seen.record, state);
  }

  function cookieFor(token: string, record: LiveRecord, { cookie }: State): readonly string[] {
    const now = clock();
    return [
      setCookie(cookie, token, record.persistent ? cookieMaxAge(record.createdAt, now, lifetime) : undefined, now),
    ];
  }

  return keep;
}

function pause(attempt: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, Math.random() * Math.min(2 ** attempt, 64)));
}
