import { SessionError } from "../errors.ts";
import type { Awaitable } from "../platform/awaitable.ts";
import { after, all } from "../platform/awaitable.ts";
import { CLOCK_SKEW, cookieMaxAge, limitsOf } from "../rules/lifetime.ts";
import type { Settings } from "../rules/options.ts";
import { type Plan, planCommit } from "../rules/plan.ts";
import { applyChanges, type Content, changedKeys, noData } from "../session/content.ts";
import { isUntouched, type SessionState } from "../session/state.ts";
import { newToken } from "../stored/token.ts";
import type { sealedAnswer } from "./adopt.ts";
import { findSealed, newIdentity, type SealedContext, type SealedFound, who } from "./finder.ts";
import { pack } from "./packing.ts";
import { removePieces, splitIntoCookies, withCookies } from "./pieces.ts";
import { encodeSealed, type SealedRecord } from "./record.ts";
import type { Revocation } from "./revocations.ts";
import { touchCookie } from "./touch.ts";

type State = SessionState<SealedFound>;
type Cookies = Awaitable<readonly string[]>;

const NO_COOKIE: readonly string[] = [];

/** Carries out what was done to a session: the Set-Cookie lines, and the entries of the revocation list. */
export function keepSealed(context: SealedContext, state: State, deliverable: boolean): Cookies {
  const answer = context.settings.migrateFrom[0]?.takeOver.sealedAnswer as typeof sealedAnswer | undefined;
  const ours = (): Cookies => keepOurs(context, state, deliverable);
  return answer ? answer(context, state, deliverable, ours) : ours();
}

function keepOurs(context: SealedContext, state: State, deliverable: boolean): Cookies {
  const { status, record, removals } = state.loaded;
  if (isUntouched(state) && (status === "none" || (removals && !deliverable))) return NO_COOKIE;
  return commit(context, state, deliverable, status, record);
}

/** {@link keepSealed}, and what the browser's cookies open from then on, if it gets those of the save. */
export async function saveSealed(
  context: SealedContext,
  state: State,
  deliverable: boolean,
): Promise<{ cookies: readonly string[]; loaded: SealedFound }> {
  const { cookie, loaded } = state;
  const cookies = await keepSealed(context, state, deliverable);
  const header = withCookies(loaded.header, cookies);
  const found = await findSealed(context, header, cookie, context.settings.clock());
  return { cookies, loaded: { ...found, removals: loaded.removals } };
}

function commit(
  context: SealedContext,
  state: State,
  deliverable: boolean,
  status: SealedFound["status"],
  before?: SealedRecord,
  content = state.content,
): Cookies {
  const { revocations, settings } = context;
  const { codec, lifetime, clock, emit, shape } = settings;
  const { changes, destroyed, signedIn, signedOut, renewed, persistent, loaded, keepsAlive } = state;
  const data = before && changes.length === 0 ? before.data : codec.encode(content.data);
  const limits = limitsOf(before?.limits, lifetime);
  // Migrated data may be sealed with the text that the old data had, and another meaning
  const isChanged = data !== before?.data || (changes.length > 0 && content.version !== loaded.version);
  const plan = planCommit(
    {
      status,
      destroyed,
      signedIn,
      signedOut,
      renewed,
      changed: before
        ? loaded.removals !== undefined || isChanged || persistent !== loaded.persistent
        : changes.length > 0,
      empty: Object.keys(content.data).length === 0,
      direct: true,
      unconfirmed: false,
      keepsAlive,
      deliverable,
      renewedAt: 0,
      idleEnd: loaded.seenAt + Math.min(before?.idle ?? 0, limits.idle),
    },
    false,
    limits,
    clock(),
  );
  if (plan === "drop") emit({ type: "changes_dropped", changes: changes.length });
  if (plan === "nothing" || plan === "drop" || (plan === "touch" && !deliverable)) return NO_COOKIE;
  if (!deliverable && !(plan === "destroy" && revocations)) {
    throw new SessionError("cookie_undeliverable", "This response cannot carry the cookie that the session is");
  }
  if (plan === "destroy") return destroy(context, state, deliverable);
  if (plan === "touch" && before) return touch(context, state, before);
  if (isChanged) shape?.check(content.data, content.version, changedKeys(changes));

  const dataVersion = isChanged ? content.version : before.dataVersion;
  const record = recordOf(context, state, content, { data, dataVersion }, before);
  return after(cookiesFor(context, record, state, content.data), (cookies) =>
    after(before === undefined || isStillOurs(context, before, plan === "renew" ? record : undefined), (ours) => {
      // A logout was faster: a late response must neither bring the session back nor replace a newer cookie
      if (!ours)
        return commit(context, state, deliverable, "ended", undefined, applyChanges(noData(shape), changes, settings));
      announce(context, state, plan, before, record);
      if (!signedOut) return cookies;
      const others = loaded.opened.filter((other) => other !== before);
      return after(all(others.map((other) => endThrough(context, other, "signed_out"))), () => cookies);
    }),
  );
}

function announce(
  { settings: { emit } }: SealedContext,
  { signedIn, signedOut }: State,
  plan: Plan,
  before: SealedRecord | undefined,
  record: SealedRecord,
): void {
  if (signedOut && before) emit({ type: "signed_out", ...who(before) });
  if (before === undefined || (signedOut && !signedIn)) emit({ type: "created", ...who(record) });
  if (signedIn) emit({ type: "signed_in", ...who(record), previous: before?.handle });
  else if (plan === "renew" && !signedOut) emit({ type: "renewed", ...who(record) });
}

/** What is sealed next. A sign-in and a sign-out begin a new session. */
function recordOf(
  { settings: { lifetime, clock } }: SealedContext,
  state: State,
  content: Content,
  { data, dataVersion }: Pick<SealedRecord, "data" | "dataVersion">,
  before?: SealedRecord,
): SealedRecord {
  const { signedIn, signedOut, renewed, persistent, loaded, keepsAlive } = state;
  const kept = signedIn || signedOut ? undefined : before;
  const own = kept ? kept.limits : state.limits;
  const limits = limitsOf(own, lifetime);
  const now = clock();
  // Newer than the cookie that it replaces, also where two clocks differ; but not what another clock would not read
  const renewedAt = Math.min(Math.max(now, (before?.renewedAt ?? 0) + 1), now + CLOCK_SKEW);
  if (!kept) state.identity ??= newIdentity();
  const id = (kept ? !renewed && kept.id : state.identity?.token) || newToken();
  return {
    kind: "live",
    data,
    dataVersion,
    createdAt: kept?.createdAt ?? now,
    renewedAt,
    subject: content.subject,
    authenticatedAt: signedIn ? now : kept?.authenticatedAt,
    persistent,
    limits: own,
    unknown: kept?.unknown,
    id,
    handle: kept?.handle ?? id,
    idle: limits.idle,
    unseen: kept && !keepsAlive ? Math.max(0, renewedAt - loaded.seenAt) : 0,
    scope: state.cookie.scope,
    end: kept?.end ?? now + limits.absolute,
  };
}

/**
 * Whether nobody ended the session since it was found. If it is to give way to another, it is ended here, and of two
 * requests one alone does.
 */
function isStillOurs(
  { revocations }: SealedContext,
  record: SealedRecord,
  next: SealedRecord | undefined,
): Awaitable<boolean> {
  if (revocations === undefined) return true;
  if (next) return revocations.end(record.id, record.end, next);
  return after(revocations.find(record.id), (revoked) => revoked === undefined);
}

/** Not by the session's own cookie: the answer of a request that only reads must not replace what a write set. */
function touch(context: SealedContext, { cookie }: State, record: SealedRecord): Cookies {
  const { sealer, settings } = context;
  return after(isStillOurs(context, record, undefined), (ours) => {
    if (!ours) return NO_COOKIE;
    const now = settings.clock();
    return touchCookie(sealer, record, cookie, maxAgeOf(record, settings), now);
  });
}

/** Ends all that the cookies open, not the newest alone: what is left would be the session of the next request. */
function destroy(context: SealedContext, { loaded, cookie, destroyed }: State, deliverable: boolean): Cookies {
  const { opened, header } = loaded;
  const type = destroyed ? "destroyed" : "signed_out";
  return after(all(opened.map((record) => endThrough(context, record, type))), (ended) => {
    if (!ended.includes(true)) return NO_COOKIE;
    return deliverable ? removePieces(header, cookie, 0) : NO_COOKIE;
  });
}

/**
 * Ends a session, or what sign-ins and renewals that came first made of it: each id leads to a new one, so there is an
 * end.
 */
function endThrough(context: SealedContext, session: Ending, type: "destroyed" | "signed_out"): Awaitable<boolean> {
  const { revocations, settings } = context;
  const { id, handle, subject } = session;
  const end = session.end ?? settings.clock() + settings.lifetime.absolute;
  return after(revocations === undefined || revocations.end(id, end), (isFirst) => {
    if (!isFirst) {
      return after(
        revocations?.find(id),
        (revoked) => revoked?.to !== undefined && endThrough(context, next(revoked), type),
      );
    }
    settings.emit({ type, handle, subject });
    return true;
  });
}

type Ending = Pick<SealedRecord, "id" | "handle" | "subject"> & Partial<Pick<SealedRecord, "end">>;

/** A sign-in began a session whose handle is its id; a renewal kept the handle. */
function next({ to = "", handle = to }: Revocation): Ending {
  return { id: to, handle };
}

function cookiesFor(
  context: SealedContext,
  record: SealedRecord,
  { cookie, loaded }: State,
  data: Record<string, unknown>,
): Cookies {
  const { sealer, maxCookies, compress, settings } = context;
  const now = settings.clock();
  return after(pack(encodeSealed(record), compress), (plain) =>
    after(plain && sealer.seal(plain, cookie.name), (sealed) => {
      const lines = sealed && splitIntoCookies(sealed, cookie, maxCookies, maxAgeOf(record, settings), now);
      if (!lines) throw tooLarge(context, data);
      return [...lines, ...removePieces(loaded.header, cookie, lines.length)];
    }),
  );
}

function maxAgeOf({ persistent, createdAt }: SealedRecord, { lifetime, clock }: Settings): number | undefined {
  return persistent ? cookieMaxAge(createdAt, clock(), lifetime) : undefined;
}

function tooLarge({ maxCookies, settings: { codec } }: SealedContext, data: Record<string, unknown>): SessionError {
  const sizes = Object.entries(data).map(([key, value]) => [codec.encode({ [key]: value }).length, key] as const);
  const largest = sizes.sort(([a], [b]) => b - a).slice(0, 3);
  const named = largest.map(([size, key]) => `${JSON.stringify(key.slice(0, 100))} (${size} characters)`).join(", ");
  return new SessionError(
    "cookie_too_large",
    `The session needs more than ${maxCookies} cookies; its largest keys: ${named}`,
  );
}
