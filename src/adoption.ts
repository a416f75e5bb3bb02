import { isSessionError } from "./errors.ts";
import type { Adopted, MigrationSource, OldSession } from "./migration.ts";
import { type Arriving, bounded, type Claim, provenBy, removalsOf, sentTo } from "./old-cookies.ts";
import type { Awaitable } from "./platform/awaitable.ts";
import type { Settings } from "./rules/options.ts";
import { copyOf, jsonCodec } from "./session/codec.ts";
import { isSubject } from "./session/state.ts";

/**
 * Browsers cap a cookie's life at 400 days (RFC 6265bis, section 5.5); whatever the old library said, no cookie is
 * older.
 */
const LONGEST_LIFE = 400 * 86_400_000;

/** The last moment that a Date can be, in epoch ms (ECMA-262, section 21.4.1.1). */
const LAST_DATE = 8_640_000_000_000_000;

/** An old session as it is to be taken over. */
export interface Adoption {
  readonly data: Record<string, unknown>;
  readonly subject: string | undefined;
  readonly persistent: boolean | undefined;
  readonly createdAt: number;
  /** Unknown where the age is: to take a session over is no authentication. */
  readonly authenticatedAt: number | undefined;
  /** Epoch milliseconds until which the old cookie could open something. */
  readonly expiresAt: number;
  readonly old: OldSession;
}

/** The session behind an old cookie, as the application wants it; `undefined` where there is none, or it does not. */
export async function adoptionOf(settings: Settings, claim: Claim, arriving: Arriving): Promise<Adoption | undefined> {
  const { source } = claim;
  const now = arriving.at;
  const found = await oldOf(settings, claim, arriving);
  if (found === undefined) return undefined;
  const { old, expiresAt } = found;
  const known = wholeTime(old.createdAt);
  const createdAt = Math.min(now, known ?? now);
  if (createdAt + settings.lifetime.absolute <= now) return undefined;
  try {
    const adopted = await wanted(settings, source, old, arriving);
    if (adopted === undefined || adopted === null) return undefined;
    const { subject, ...rest } = checked(adopted);
    const { shape } = settings;
    shape?.check(rest.data, shape.version, Object.keys(rest.data));
    const authenticatedAt = subject === undefined || known === undefined ? undefined : createdAt;
    return { ...rest, subject, authenticatedAt, createdAt, expiresAt, old };
  } catch (error) {
    report(settings, source, "adopt", error);
    return undefined;
  }
}

/** The session behind an old cookie, and until when (epoch ms) that could open it. */
async function oldOf(
  settings: Settings,
  { source, cookie }: Pick<Claim, "source" | "cookie">,
  arriving: Arriving,
): Promise<{ old: OldSession; expiresAt: number } | undefined> {
  const old = await bounded(settings, source, arriving, () => cookie.load());
  if (typeof old !== "object" || old === null) return undefined;
  const expiresAt = wholeTime(old.expiresAt) ?? source.until?.getTime() ?? arriving.at + LONGEST_LIFE;
  return expiresAt <= arriving.at ? undefined : { old, expiresAt };
}

/** Ends the old record, beside the answer: its failure costs the user nothing. */
export async function endOld(
  settings: Settings,
  { source, cookie }: Pick<Claim, "source" | "cookie">,
  old: OldSession,
  arriving: Arriving,
): Promise<void> {
  try {
    await bounded(settings, source, arriving, () => source.end?.(cookie.proof, old));
  } catch (error) {
    report(settings, source, "end", error);
  }
}

/**
 * A logout ends what the old cookies of its request open as well, and gives the lines that remove them: left beside our
 * cookie, by a server of the former release or by `keepOld`, they would sign in again. `endHere` ends what was made of
 * one here, or keeps that from happening until then. Never fails, for the session of the logout is over already.
 */
export async function leave(
  settings: Settings,
  header: string | null,
  arriving: Arriving,
  endHere: (token: string, expiresAt: number | undefined) => Awaitable<unknown>,
): Promise<string[]> {
  const removals: string[] = [];
  for (const sent of sentTo(settings, header, arriving)) {
    const { source } = sent;
    try {
      for await (const claim of provenBy(settings, sent, arriving)) {
        const found = await oldOf(settings, claim, arriving);
        if (found && !(await isWanted(settings, source, found.old, arriving))) continue;
        removals.push(...removalsOf(sent));
        await endHere(claim.token, found?.expiresAt);
        if (found) await endOld(settings, claim, found.old, arriving);
      }
    } catch (error) {
      removals.push(...removalsOf(sent));
      report(settings, source, "end", error);
    }
  }
  return [...new Set(removals)];
}

/** What the application makes of an old session; without `adopt` all its data, and nobody. */
async function wanted(
  settings: Settings,
  source: MigrationSource,
  { data }: OldSession,
  arriving: Arriving,
): Promise<Adopted | undefined> {
  return source.adopt ? bounded(settings, source, arriving, () => source.adopt?.(data)) : { data: data as object };
}

/** False for the session of another application beside this one: that is not ours to end. */
async function isWanted(
  settings: Settings,
  source: MigrationSource,
  old: OldSession,
  arriving: Arriving,
): Promise<boolean> {
  try {
    return !!(await wanted(settings, source, old, arriving));
  } catch (error) {
    report(settings, source, "adopt", error);
    return true;
  }
}

/** What `adopt` gave, where it makes sense. */
function checked(adopted: Adopted): Pick<Adoption, "data" | "subject" | "persistent"> {
  if (typeof adopted !== "object") throw new TypeError(`adopt gave a ${typeof adopted}, not { subject, data }`);
  const { subject, data = {}, persistent } = adopted;
  if (subject !== undefined && !isSubject(subject)) throw new TypeError("adopt gave a subject that is no user's id");
  if (persistent !== undefined && typeof persistent !== "boolean")
    throw new TypeError("adopt gave a persistent that is no boolean");
  const copy: unknown = copyOf(jsonCodec, data, "adopt()");
  if (typeof copy !== "object" || copy === null || Array.isArray(copy))
    throw new TypeError("adopt gave no data object");
  return { subject, data: copy as Record<string, unknown>, persistent };
}

/** What the application or the old store threw, where that is known, without the error that we put around it. */
function report({ emit }: Settings, { name }: MigrationSource, step: "adopt" | "end", error: unknown): void {
  const thrown = isSessionError(error) && Object.hasOwn(error, "cause") ? error.cause : error;
  emit({ type: "migration_failed", source: name, step, message: textOf(thrown) });
}

/** Anything can be thrown, also what has no text. */
function textOf(error: unknown): string {
  try {
    return String(error);
  } catch {
    return typeof error;
  }
}

/** What is before 1970 is over, not unknown. What some libraries call for ever is more than a store can count to. */
function wholeTime(time: number | undefined): number | undefined {
  if (typeof time !== "number" || !Number.isFinite(time)) return undefined;
  return Math.floor(Math.min(Math.max(0, time), LAST_DATE));
}
