import type { Backend } from "./backend.ts";
import { createChain, type Place, tombstoneEnd } from "./chain.ts";
import { copyOf, jsonCodec } from "./codec.ts";
import { type Plan, planCommit } from "./commit-plan.ts";
import { cookieValues, removeCookie, setCookie } from "./cookie.ts";
import { SessionError } from "./errors.ts";
import { guardStore, isPromise } from "./guarded-store.ts";
import { cookieMaxAge, endOf } from "./lifetime.ts";
import type { Settings } from "./options.ts";
import { encodeMark, encodeRecord, type LiveRecord } from "./record.ts";
import { applyChanges, isUntouched, type Loaded, type SessionState } from "./session.ts";
import type { Awaitable, EntryMeta, SessionStore, Version } from "./store.ts";
import { createSubjectIndex } from "./subject-index.ts";
import { digest, isWellFormed, newNonce, newToken, successorOf } from "./token.ts";

interface Found extends Loaded {
  readonly place: Place;
}

type State = SessionState<Found>;
type Live = Extract<Place, { status: "live" }>;

/** What one attempt to commit came to: Set-Cookie lines, or the news that another request was first. */
type Outcome = readonly string[] | "refused";

const NO_COOKIE: readonly string[] = [];

/** Attempts that follow at once; only then does it help to let the others pass. */
const EAGER_ATTEMPTS = 3;

/**
 * Sessions behind a token: token → key → store. The protocol, in short: every write is a compare-and-set on the version that was read;
 * refused, the session is read again and the
 * request's changes are applied to what is there now; what was ended in between stays ended.
 */
export function createServerBackend(given: SessionStore, settings: Settings): Backend<Found> {
  checkStore(given, settings);
  const store = guardStore(given, settings);
  const chain = createChain(store, settings);
  const { codec, lifetime, rotation, clock, emit, describe } = settings;
  const index = createSubjectIndex(given, store, chain, settings);
  const queues = new Map<string, Promise<unknown>>();

  function find(cookieHeader: string | null, cookie: { name: string }): Awaitable<Found> {
    const tokens = cookieValues(cookieHeader, cookie.name, isWellFormed);
    const [token] = tokens;
    if (token === undefined) return nothingFound();
    const key = digest(token);
    const entry = store.read(key);
    // The common case without a single promise on a synchronous store (a fifth of the cost of a read): the first cookie's own record, live
    if (!isPromise(entry)) {
      const seen = chain.judge(key, entry);
      if (seen?.kind === "live") return liveFound({ status: "live", token, key, seen, direct: true });
    }
    return search(tokens, key, entry);
  }

  async function search(tokens: string[], firstKey: string, firstEntry: ReturnType<typeof store.read>): Promise<Found> {
    let best: Found | undefined;
    for (const token of tokens) {
      const place = token === tokens[0] ? await chain.follow(token, firstKey, firstEntry) : await chain.follow(token);
      if (place.status === "live") return liveFound(place);
      if (place.status === "ended") best ??= nothingFound(place);
    }
    return best ?? nothingFound();
  }

  function liveFound(place: Live): Found {
    const { content: data, subject, authenticatedAt, createdAt, persistent = false, idleEnd } = place.seen;
    const expiresAt = endOf(idleEnd, createdAt, lifetime);
    return { status: "live", data, handle: place.key, subject, authenticatedAt, createdAt, expiresAt, persistent, place };
  }

  function nothingFound(place: Exclude<Place, Live> = { status: "none" }): Found {
    const now = clock();
    return {
      status: place.status,
      data: {},
      handle: undefined,
      subject: undefined,
      authenticatedAt: undefined,
      createdAt: now,
      expiresAt: now + lifetime.idle,
      persistent: settings.persistent,
      place,
    };
  }

  function keep(state: State, deliverable: boolean): Awaitable<readonly string[]> {
    const { place } = state.loaded;
    if (isUntouched(state) && planFor(state, place, deliverable).plan === "nothing") return offer(place, state, deliverable);
    return place.status === "live" ? queued(place.key, (waited) => commit(state, deliverable, waited)) : commit(state, deliverable, false);
  }

  /** Commits of one key in one process wait for each other, so that only other processes are ever raced. */
  function queued<T>(key: string, task: (waited: boolean) => Promise<T>): Promise<T> {
    const before = queues.get(key);
    const mine = before ? before.then(() => task(true)) : task(false);
    const tail = mine.then(ignore, ignore).then(() => {
      if (queues.get(key) === tail) queues.delete(key);
    });
    queues.set(key, tail);
    return mine;
  }

  async function commit(state: State, deliverable: boolean, waited: boolean): Promise<readonly string[]> {
    const giveUpAt = performance.now() + settings.storeTimeout;
    let { place } = state.loaded;
    // Somebody of this process was first: what was loaded is old for certain
    if (waited) place = await again(place);
    for (let attempt = 1; ; attempt++) {
      const outcome = await carryOut(state, place, deliverable);
      if (outcome !== "refused") return outcome;
      if (performance.now() > giveUpAt) {
        throw new SessionError(
          "session_conflict",
          `The session was changed by others for ${settings.storeTimeout} ms without a gap; nothing was stored`,
        );
      }
      if (attempt >= EAGER_ATTEMPTS) await pause(attempt);
      emit({ type: "conflict_retried", attempt, handle: state.loaded.handle, subject: state.loaded.subject });
      place = await again(place);
    }
  }

  /** Where the request's token leads by now. Gone altogether is ended too: only what is there may be written to. */
  async function again(place: Place): Promise<Place> {
    if (place.status !== "live") return place;
    const now = await chain.follow(place.token, place.key);
    if (now.status === "none") return { status: "ended", key: place.key };
    return now.status === "live" ? { ...now, direct: now.direct && place.direct } : now;
  }

  function planFor(state: State, place: Place, deliverable: boolean): { plan: Plan; data: string; subject: string | undefined } {
    const live = place.status === "live" ? place.seen : undefined;
    const base = live?.content ?? {};
    const content =
      state.changes.length > 0 ? applyChanges(base, live?.subject, state.changes, codec) : { data: base, subject: live?.subject };
    const data = state.changes.length > 0 || !live ? codec.encode(content.data) : live.data;
    const plan = planCommit(
      {
        status: place.status,
        destroyed: state.destroyed,
        signedIn: state.signedIn,
        renewed: state.renewed,
        changed: live ? data !== live.data || state.persistent !== (live.persistent ?? false) : state.changes.length > 0,
        empty: Object.keys(content.data).length === 0,
        direct: place.status === "live" && place.direct,
        unconfirmed: live?.previous !== undefined,
        deliverable,
        renewedAt: live?.renewedAt ?? 0,
        idleEnd: live?.idleEnd ?? 0,
      },
      rotation.every,
      lifetime,
      clock(),
    );
    return { plan, data, subject: content.subject };
  }

  async function carryOut(state: State, place: Place, deliverable: boolean): Promise<Outcome> {
    const { plan, data, subject } = planFor(state, place, deliverable);
    if (!deliverable && (plan === "create" || plan === "renew" || (plan === "update" && state.persistent !== state.loaded.persistent))) {
      throw new SessionError(
        "cookie_undeliverable",
        "This response cannot carry the cookie that the session needs: sign in, renew or start a session in another one",
      );
    }
    const draft = { state, data, subject };
    if (plan === "create") return create(draft);
    if (plan === "drop") {
      emit({ type: "changes_dropped", changes: state.changes.length });
      return NO_COOKIE;
    }
    if (plan === "destroy" && place.status !== "none") {
      const live = place.status === "live";
      const ended = await chain.end(place.key, "destroyed", { known: live ? place.seen : undefined });
      return ended && deliverable ? [removeCookie(state.cookie)] : NO_COOKIE;
    }
    if (place.status !== "live") return NO_COOKIE;
    if (plan === "rotate" || plan === "renew") return replaceToken(plan, draft, place);
    if (plan === "update") return update(draft, place, deliverable);
    if (plan === "touch") await touch(place);
    return offer(place, state, deliverable);
  }

  interface Draft {
    readonly state: State;
    readonly data: string;
    readonly subject: string | undefined;
  }

  async function create(draft: Draft): Promise<Outcome> {
    const token = newToken();
    const record = newRecord(draft);
    if (!(await write(record, (value, meta) => store.create(digest(token), value, meta)))) return "refused";
    const at = { handle: digest(token), subject: record.subject };
    emit({ type: "created", ...at });
    if (draft.state.signedIn) await signedIn(at.handle, record);
    return cookieFor(token, record, draft.state);
  }

  async function update({ state, data }: Draft, place: Live, deliverable: boolean): Promise<Outcome> {
    const { seen, key } = place;
    const { previous } = seen;
    if (previous !== undefined && place.direct) await confirm(previous, key);
    const record: LiveRecord = { ...seen, data, persistent: state.persistent, previous: place.direct ? undefined : previous };
    if (!(await write(record, (value, meta) => store.update(key, value, meta, seen.version)))) return "refused";
    // The lifetime of the browser's cookie follows what is stored
    if (state.persistent !== (seen.persistent ?? false) && deliverable) return cookieFor(place.token, record, state);
    return offer(place, state, deliverable);
  }

  /**
   * Rotation and renewal. The new record first, then the mark under the old key, which decides: refused, somebody else was first and the
   * new record is taken away again. A crash
   * between the two leaves a record that nobody has the token of.
   */
  async function replaceToken(plan: "rotate" | "renew", draft: Draft, { seen, token, key }: Live): Promise<Outcome> {
    const now = clock();
    const { state } = draft;
    if (plan === "rotate" && seen.previous !== undefined) await confirm(seen.previous, key);
    const nonce = newNonce();
    const next = plan === "rotate" ? successorOf(token, nonce) : newToken();
    const to = digest(next);
    const record: LiveRecord = state.signedIn
      ? newRecord(draft)
      : { ...seen, data: draft.data, renewedAt: now, persistent: state.persistent, previous: plan === "rotate" ? key : undefined };
    const created = await write(record, (value, meta) => store.create(to, value, meta));
    if (!created) return "refused";
    const mark = plan === "rotate" ? encodeMark({ kind: "forward", to, nonce }) : encodeMark({ kind: "ended", to });
    // Unconfirmed, a forward lives as long as the session may: a lost response costs nothing
    const expiresAt = plan === "rotate" ? record.createdAt + lifetime.absolute : tombstoneEnd(now, settings);
    if ((await store.update(key, mark, { expiresAt }, seen.version)) === undefined) {
      await store.delete(to, created);
      return "refused";
    }
    if (state.signedIn) await signedIn(to, record);
    else emit({ type: plan === "rotate" ? "rotated" : "renewed", handle: to, subject: record.subject });
    return cookieFor(next, record, state);
  }

  /**
   * A rotated token was presented, so its browser has it: now the grace of its predecessor begins. The forward first, and only then (by the
   * caller) `previous`: a
   * crash between the two must not leave a token that works for ever.
   */
  async function confirm(previous: string, key: string): Promise<void> {
    for (let attempt = 0; attempt < EAGER_ATTEMPTS; attempt++) {
      const seen = chain.judge(previous, await store.read(previous));
      if (seen?.kind !== "forward" || seen.to !== key || seen.until !== undefined) return;
      const until = clock() + rotation.grace;
      const meta = { expiresAt: until + rotation.reuseWindow };
      if ((await store.update(previous, encodeMark({ ...seen, until }), meta, seen.version)) !== undefined) return;
    }
  }

  async function touch({ key, seen }: Live): Promise<void> {
    const expiresAt = clock() + lifetime.idle;
    // Refused is fine: somebody else wrote, which moved the expiry too, or the session was ended
    if (given.touch) await store.touch(key, expiresAt, seen.version);
    else
      await store.update(
        key,
        encodeRecord(seen),
        { expiresAt, ...(seen.subject !== undefined && { subject: seen.subject }) },
        seen.version,
      );
  }

  async function signedIn(handle: string, record: LiveRecord): Promise<void> {
    emit({ type: "signed_in", handle, subject: record.subject });
    if (record.subject !== undefined) await index.enforceLimit(record.subject);
  }

  function newRecord({ state, data, subject }: Draft): LiveRecord {
    const now = clock();
    const meta = describe && copyOf(jsonCodec, describe(state.request) ?? null, "describe()");
    return {
      kind: "live",
      data,
      createdAt: now,
      renewedAt: now,
      subject,
      authenticatedAt: state.signedIn ? now : undefined,
      persistent: state.persistent,
      meta,
    };
  }

  async function write(
    record: LiveRecord,
    into: (value: string, meta: EntryMeta) => Awaitable<Version | undefined>,
  ): Promise<Version | undefined> {
    const expiresAt = clock() + lifetime.idle;
    return into(encodeRecord(record), record.subject === undefined ? { expiresAt } : { expiresAt, subject: record.subject });
  }

  /** A request that came with a rotated token is told the live one: each of them the same, so that a late answer does no harm. */
  function offer(place: Place, state: State, deliverable: boolean): readonly string[] {
    if (place.status !== "live" || place.direct || !deliverable) return NO_COOKIE;
    return cookieFor(place.token, place.seen, state);
  }

  function cookieFor(token: string, record: LiveRecord, { cookie }: State): readonly string[] {
    const now = clock();
    return [setCookie(cookie, token, record.persistent ? cookieMaxAge(record.createdAt, now, lifetime) : undefined, now)];
  }

  return {
    find,
    keep,
    list: index.list,
    revoke: index.revoke,
    revokeAll: index.revokeAll,
    sweep: async () => (given.sweep ? store.sweep(clock()) : 0),
  };
}

/** What is asked of the sessions must be in the power of the store; better said at construction than at the first sign-in. */
function checkStore(store: SessionStore, { maxPerSubject, rotation }: Settings): void {
  for (const method of ["read", "create", "update", "delete"] as const) {
    if (typeof store?.[method] !== "function")
      throw new TypeError(`store must be a session store, such as memoryStore(); this one has no ${method}()`);
  }
  if (maxPerSubject !== Number.POSITIVE_INFINITY && !store.keysOf)
    throw new TypeError("maxPerSubject needs a store with an index by subject (keysOf)");
  if (rotation.every !== false && store.consistency === "eventual") {
    throw new TypeError("rotation.every needs a strongly consistent store: elsewhere the new token may not be readable yet; leave it out");
  }
}

function pause(attempt: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, Math.random() * Math.min(2 ** attempt, 64)));
}

function ignore(): void {}
