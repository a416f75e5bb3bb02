import { after, all } from "./awaitable.ts";
import { endOf, limitPassed, tombstoneEnd } from "./lifetime.ts";
import type { Settings } from "./options.ts";
import { unpack } from "./packing.ts";
import { joinedValues } from "./pieces.ts";
import type { Revocations } from "./revocations.ts";
import type { Sealer } from "./seal.ts";
import { decodeSealed, type SealedRecord } from "./sealed-record.ts";
import type { Loaded } from "./session-state.ts";
import type { Awaitable } from "./store.ts";
import { digest } from "./token.ts";

/** What `sealedCookies` was given, checked. */
export interface SealedConfig {
  readonly sealer: Sealer;
  readonly maxCookies: number;
  readonly compress: boolean;
  readonly revocations: Revocations | undefined;
}

export interface SealedFound extends Loaded {
  readonly status: "none" | "live" | "ended";
  /** What the cookie held; for `live` only. */
  readonly record?: SealedRecord;
  /** The handle of a session that was ended so short a time ago that its requests may be on their way; for `ended` only, which needs a revocation list. */
  readonly ended?: string;
  /** The Cookie header, for the pieces in it. */
  readonly header: string | null;
}

interface Opened extends SealedRecord {
  readonly content: Record<string, unknown>;
}

/** Finds the session in a Cookie header: opens what may be ours, judges it by the limits, and asks the revocation list if there is one. */
export function createSealedFinder(
  { sealer, maxCookies, revocations }: SealedConfig,
  settings: Settings,
): (header: string | null, cookie: { readonly name: string }) => Awaitable<SealedFound> {
  const { codec, lifetime, rotation, clock, emit } = settings;

  function find(header: string | null, { name }: { readonly name: string }): Awaitable<SealedFound> {
    const values = joinedValues(header, name, maxCookies, sealer.recognizes);
    if (values.length === 0) return nothing(header);
    return after(all(values.map((value) => open(value, name))), (opened) => {
      // Of several the newest, so that a response never puts an older session in its place
      const sessions = opened.filter((session) => session !== undefined).sort((a, b) => b.renewedAt - a.renewedAt);
      return firstInForce(sessions, header, nothing(header));
    });
  }

  function open(value: string, name: string): Awaitable<Opened | undefined> {
    return after(sealer.open(value, name), (bytes) => after(bytes && unpack(bytes), judge));
  }

  function judge(text: string | undefined): Opened | undefined {
    const now = clock();
    const record = decodeSealed(text, now);
    let content: unknown;
    try {
      content = record && codec.decode(record.data);
    } catch {
      // As any other content that is not ours
    }
    if (!record || typeof content !== "object" || content === null || Array.isArray(content)) {
      // It names a key of ours and is not whole (altered, torn, made for another cookie), or whole and not a session
      emit({ type: "record_rejected", ...(record && who(record)) });
      return undefined;
    }
    // Shorter limits hold at once, longer ones from the next seal on
    const idleEnd = Math.min(record.idleEnd, record.renewedAt + lifetime.idle);
    const limit = now < record.end ? limitPassed(idleEnd, record.createdAt, now, lifetime) : "absolute";
    if (limit) emit({ type: "expired", limit, ...who(record) });
    return limit ? undefined : { ...record, idleEnd, content: content as Record<string, unknown> };
  }

  function firstInForce([session, ...others]: readonly Opened[], header: string | null, otherwise: SealedFound): Awaitable<SealedFound> {
    if (session === undefined) return otherwise;
    if (revocations === undefined) return live(session, header);
    const { handle } = who(session);
    return after(revocations.find(handle), (revoked) => {
      if (revoked === undefined) return live(session, header);
      const isRecent = clock() < tombstoneEnd(revoked.endedAt, rotation.grace);
      return firstInForce(others, header, isRecent ? { ...otherwise, status: "ended", ended: handle } : otherwise);
    });
  }

  function live(record: Opened, header: string | null): SealedFound {
    const { content: data, createdAt, subject, authenticatedAt, persistent = false, idleEnd, end } = record;
    return {
      status: "live",
      data,
      createdAt,
      subject,
      authenticatedAt,
      get handle() {
        return who(record).handle; // costs as much as a tenth of a read, and few ask
      },
      expiresAt: Math.min(end, endOf(idleEnd, createdAt, lifetime)),
      persistent,
      record,
      header,
    };
  }

  function nothing(header: string | null): SealedFound {
    const now = clock();
    return {
      status: "none",
      data: {},
      handle: undefined,
      subject: undefined,
      authenticatedAt: undefined,
      createdAt: now,
      expiresAt: now + lifetime.idle,
      persistent: settings.persistent,
      header,
    };
  }

  return find;
}

/** For events, and the revocation list: the public name of a session is a digest of its id, as it is of a token elsewhere. */
export function who({ id, subject }: SealedRecord): { handle: string; subject: string | undefined } {
  return { handle: digest(id), subject };
}
