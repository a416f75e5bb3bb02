import { SessionError } from "../errors.ts";
import type { Awaitable } from "../platform/awaitable.ts";
import { after } from "../platform/awaitable.ts";
import { cookieMaxAge } from "../rules/lifetime.ts";
import { planCommit } from "../rules/plan.ts";
import { applyChanges, isUntouched, type SessionState } from "../session/state.ts";
import { newToken } from "../stored/token.ts";
import { type SealedContext, type SealedFound, who } from "./finder.ts";
import { pack } from "./packing.ts";
import { removePieces, splitIntoCookies } from "./pieces.ts";
import { encodeSealed, type SealedRecord } from "./record.ts";

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
  const { changes, destroyed, signedIn, renewed, persistent, loaded } = state;
  const data = before && changes.length === 0 ? before.data : codec.encode(content.data);
  const plan = planCommit(
    {
      status,
      destroyed,
      signedIn,
      renewed,
      changed: before ? data !== before.data || persistent !== loaded.persistent : changes.length > 0,
      empty: Object.keys(content.data).length === 0,
      direct: true,
      unconfirmed: false,
      deliverable,
      renewedAt: 0,
      idleEnd: before?.idleEnd ?? 0,
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

  const now = Math.max(clock(), before?.renewedAt ?? 0); // never before the cookie that it replaces, also where two clocks differ
  const kept = signedIn ? undefined : before;
  const record: SealedRecord = {
    kind: "live",
    data,
    createdAt: kept?.createdAt ?? now,
    renewedAt: now,
    subject: content.subject,
    authenticatedAt: signedIn ? now : kept?.authenticatedAt,
    persistent,
    id: before && plan !== "renew" ? before.id : newToken(),
    idleEnd: now + lifetime.idle,
    end: kept?.end ?? now + lifetime.absolute,
  };
  return after(cookiesFor(context, record, state, content.data), (cookies) =>
    after(before === undefined || isStillOurs(context, before, plan === "renew" ? record : undefined), (ours) => {
      // A logout was faster: a late response must neither bring the session back nor replace a newer cookie
      if (!ours)
        return commit(context, state, deliverable, "ended", undefined, applyChanges({}, undefined, changes, codec));
      if (before === undefined) emit({ type: "created", ...who(record) });
      if (signedIn) emit({ type: "signed_in", ...who(record) });
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
  if (next) return revocations.end(record.id, record.end, next.id);
  return after(revocations.find(record.id), (revoked) => revoked === undefined);
}

function destroy(context: SealedContext, { loaded, cookie }: State, deliverable: boolean): Cookies {
  const { record, ended = "", header } = loaded;
  const of = record ? who(record) : { handle: ended, subject: undefined };
  return after(endThrough(context, of.handle, record?.end), (isOver) => {
    if (!isOver) return NO_COOKIE;
    context.settings.emit({ type: "destroyed", ...of });
    return deliverable ? removePieces(header, cookie, 0) : NO_COOKIE;
  });
}

/**
 * Ends a session, or what sign-ins and renewals that came first made of it: each id leads to a new one, so there is
 * an end.
 */
function endThrough(context: SealedContext, id: string, until?: number): Awaitable<boolean> {
  const { revocations, settings } = context;
  if (revocations === undefined) return true;
  return after(
    revocations.end(id, until ?? settings.clock() + settings.lifetime.absolute),
    (isFirst) =>
      isFirst || after(revocations.find(id), (revoked) => revoked?.to !== undefined && endThrough(context, revoked.to)),
  );
}

function cookiesFor(
  context: SealedContext,
  record: SealedRecord,
  { cookie, loaded }: State,
  data: Record<string, unknown>,
): Cookies {
  const { sealer, maxCookies, compress, settings } = context;
  const { clock, lifetime } = settings;
  const now = clock();
  const maxAge = record.persistent ? cookieMaxAge(record.createdAt, now, lifetime) : undefined;
  return after(pack(encodeSealed(record), compress), (plain) =>
    after(plain && sealer.seal(plain, cookie.name), (sealed) => {
      const lines = sealed && splitIntoCookies(sealed, cookie, maxCookies, maxAge, now);
      if (!lines) throw tooLarge(context, data);
      return [...lines, ...removePieces(loaded.header, cookie, lines.length)];
    }),
  );
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
