import { SessionError } from "../errors.ts";
import type { Awaitable } from "../platform/awaitable.ts";
import { after, all } from "../platform/awaitable.ts";
import { CLOCK_SKEW, cookieMaxAge } from "../rules/lifetime.ts";
import type { Settings } from "../rules/options.ts";
import { planCommit } from "../rules/plan.ts";
import { applyChanges, isUntouched, type SessionState } from "../session/state.ts";
import { newToken } from "../stored/token.ts";
import { type SealedContext, type SealedFound, who } from "./finder.ts";
import { pack } from "./packing.ts";
import { removePieces, splitIntoCookies } from "./pieces.ts";
import { encodeSealed, type SealedRecord } from "./record.ts";
import type { Revocation } from "./revocations.ts";
import { touchCookie } from "./touch.ts";

type State = SessionState<SealedFound>;
type Cookies = Awaitable<readonly string[]>;

const NO_COOKIE: readonly string[] = [];

/** Carries out what was done to a session: the Set-Cookie lines, and the entries of the revocation list. */
export function keepSealed(context: SealedContext, state: State, deliverable: boolean): Cookies {
  const { status, record } = state.loaded;
  return status === "none" && isUntouched(state) ? NO_COOKIE : commit(context, state, deliverable, status, record);
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
  const { codec, lifetime, clock, emit } = settings;
  const { changes, destroyed, signedIn, signedOut, renewed, persistent, loaded, keepsAlive } = state;
  const data = before && changes.length === 0 ? before.data : codec.encode(content.data);
  const plan = planCommit(
    {
      status,
      destroyed,
      signedIn,
      signedOut,
      renewed,
      changed: before ? data !== before.data || persistent !== loaded.persistent : changes.length > 0,
      empty: Object.keys(content.data).length === 0,
      direct: true,
      unconfirmed: false,
      keepsAlive,
      deliverable,
      renewedAt: 0,
      idleEnd: loaded.seenAt + Math.min(before?.idle ?? 0, lifetime.idle),
    },
    false,
    lifetime,
    clock(),
  );
  if (plan === "drop") emit({ type: "changes_dropped", changes: changes.length });
  if (plan === "nothing" || plan === "drop" || (plan === "touch" && !deliverable)) return NO_COOKIE;
  if (!deliverable && !(plan === "destroy" && revocations)) {
    throw new SessionError("cookie_undeliverable", "This response cannot carry the cookie that the session is");
  }
  if (plan === "destroy") return destroy(context, state, deliverable);
  if (plan === "touch" && before) return touch(context, state, before);

  const now = clock();
  const id = before && plan !== "renew" ? before.id : newToken();
  const kept = signedIn || signedOut ? undefined : before;
  const record: SealedRecord = {
    kind: "live",
    data,
    createdAt: kept?.createdAt ?? now,
    // Newer than the cookie that it replaces, also where two clocks differ; but not what another clock would not read
    renewedAt: Math.min(Math.max(now, (before?.renewedAt ?? 0) + 1), now + CLOCK_SKEW),
    subject: content.subject,
    authenticatedAt: signedIn ? now : kept?.authenticatedAt,
    persistent,
    id,
    handle: kept?.handle ?? id,
    idle: lifetime.idle,
    scope: state.cookie.scope,
    end: kept?.end ?? now + lifetime.absolute,
  };
  return after(cookiesFor(context, record, state, content.data), (cookies) =>
    after(before === undefined || isStillOurs(context, before, plan === "renew" ? record : undefined), (ours) => {
      // A logout was faster: a late response must neither bring the session back nor replace a newer cookie
      if (!ours)
        return commit(context, state, deliverable, "ended", undefined, applyChanges({}, undefined, changes, codec));
      if (before === undefined) emit({ type: "created", ...who(record) });
      if (signedIn) emit({ type: "signed_in", ...who(record) });
      else if (signedOut && before) emit({ type: "signed_out", ...who(before) });
      else if (plan === "renew") emit({ type: "renewed", ...who(record) });
      return cookies;
    }),
  );
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
function destroy(context: SealedContext, { loaded, cookie }: State, deliverable: boolean): Cookies {
  const { opened, header } = loaded;
  return after(all(opened.map((record) => endThrough(context, record))), (ended) => {
    if (!ended.includes(true)) return NO_COOKIE;
    return deliverable ? removePieces(header, cookie, 0) : NO_COOKIE;
  });
}

/**
 * Ends a session, or what sign-ins and renewals that came first made of it: each id leads to a new one, so there is an
 * end.
 */
function endThrough(context: SealedContext, session: Ending): Awaitable<boolean> {
  const { revocations, settings } = context;
  const { id, handle, subject } = session;
  const end = session.end ?? settings.clock() + settings.lifetime.absolute;
  return after(revocations === undefined || revocations.end(id, end), (isFirst) => {
    if (!isFirst) {
      return after(revocations?.find(id), (revoked) => revoked?.to !== undefined && endThrough(context, next(revoked)));
    }
    settings.emit({ type: "destroyed", handle, subject });
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
