import { SessionError } from "./errors.ts";
import { cookieValues } from "./http/cookie.ts";
import type { Adopted, MigrationSource, OldCookie, OldSession } from "./migration.ts";
import type { Awaitable } from "./platform/awaitable.ts";
import type { Settings } from "./rules/options.ts";
import { copyOf, jsonCodec } from "./session/codec.ts";
import { isSubject } from "./session/state.ts";

/**
 * Browsers cap a cookie's life at 400 days (RFC 6265bis, section 5.5); whatever the old library said, no cookie is
 * older.
 */
const LONGEST_LIFE = 400 * 86_400_000;

/** A cookie of another library that came with a request, and whose it is. */
export interface Claim {
  readonly source: MigrationSource;
  readonly cookie: OldCookie;
  /** A text that only the holder of the cookie knows. The token of the new session is derived from it. */
  readonly token: string;
  /**
   * Set-Cookie lines that remove the old cookies; none where the source keeps them. They go before ours, which may be
   * of the same name.
   */
  readonly removals: readonly string[];
}

/** An old session as it is to be taken over. */
export interface Adoption {
  readonly data: Record<string, unknown>;
  readonly subject: string | undefined;
  readonly persistent: boolean | undefined;
  readonly createdAt: number;
  /** Epoch milliseconds until which the old cookie could open something. */
  readonly expiresAt: number;
  readonly old: OldSession;
}

/** The first old cookie of a request that proves something. `undefined` for a request without any. */
export async function claimOf(settings: Settings, header: string | null, now: number): Promise<Claim | undefined> {
  for (const source of settings.migrateFrom) {
    if (source.until !== undefined && now >= source.until.getTime()) continue;
    const values = valuesOf(source, header);
    if (Object.keys(values).length === 0) continue;
    const cookie = await bounded(settings, source, () => source.read(values));
    if (typeof cookie?.proof !== "string" || cookie.proof === "") continue;
    const removals = source.keepOld ? [] : Object.keys(values).map((name) => removal(source, name));
    return { source, cookie, token: `${source.name}:${cookie.proof}`, removals };
  }
  return undefined;
}

/** The session behind an old cookie, as the application wants it; `undefined` where there is none, or it does not. */
export async function adoptionOf(settings: Settings, claim: Claim, now: number): Promise<Adoption | undefined> {
  const { source, cookie } = claim;
  const old = await bounded(settings, source, () => cookie.load());
  if (old === undefined || old === null) return undefined;
  const createdAt = Math.min(now, wholeTime(old.createdAt) ?? now);
  const expiresAt = wholeTime(old.expiresAt) ?? source.until?.getTime() ?? now + LONGEST_LIFE;
  if (expiresAt <= now || createdAt + settings.lifetime.absolute <= now) return undefined;
  try {
    const adopted = source.adopt ? await source.adopt(old.data) : { data: old.data as object };
    return adopted ? { ...checked(adopted), createdAt, expiresAt, old } : undefined;
  } catch (error) {
    report(settings, source, "adopt", error);
    return undefined;
  }
}

/** Ends the old record, beside the answer: its failure costs the user nothing. */
export async function endOld(settings: Settings, { source, cookie }: Claim, { old }: Adoption): Promise<void> {
  if (source.keepOld || !source.end) return;
  try {
    await bounded(settings, source, () => source.end?.(cookie.proof, old));
  } catch (error) {
    report(settings, source, "end", error);
  }
}

function valuesOf(source: MigrationSource, header: string | null): Record<string, string> {
  const values: Record<string, string> = {};
  for (const name of source.cookies) {
    const [value] = cookieValues(header, name, (text) => text !== "");
    if (value !== undefined) values[name] = value;
  }
  return values;
}

/** What a source answers, within the time that a store has. A source that fails is a store that failed. */
async function bounded<T>({ storeTimeout }: Settings, { name }: MigrationSource, call: () => Awaitable<T>): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_, reject) => {
    const message = `The old store of "${name}" did not answer within ${storeTimeout} ms`;
    timer = setTimeout(() => reject(new SessionError("store_timeout", message)), storeTimeout);
  });
  try {
    return await Promise.race([(async () => call())(), late]);
  } catch (cause) {
    if (cause instanceof SessionError) throw cause;
    throw new SessionError("store_failed", `The old store of "${name}" failed`, { cause });
  } finally {
    clearTimeout(timer);
  }
}

/** What `adopt` gave, where it makes sense. */
function checked({ subject, data = {}, persistent }: Adopted): Pick<Adoption, "data" | "subject" | "persistent"> {
  if (subject !== undefined && !isSubject(subject)) throw new TypeError("adopt gave a subject that is no user's id");
  const copy: unknown = copyOf(jsonCodec, data, "adopt()");
  if (typeof copy !== "object" || copy === null || Array.isArray(copy))
    throw new TypeError("adopt gave no data object");
  return { subject, data: copy as Record<string, unknown>, persistent };
}

function report({ emit }: Settings, { name }: MigrationSource, step: "adopt" | "end", error: unknown): void {
  const message = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
  emit({ type: "migration_failed", source: name, step, message });
}

function wholeTime(time: number | undefined): number | undefined {
  return typeof time === "number" && Number.isFinite(time) && time >= 0 ? Math.floor(time) : undefined;
}

/** Removes an old cookie. Browsers take a line for a prefixed name only with Secure. */
function removal({ path = "/", domain }: MigrationSource, name: string): string {
  const attributes = [`Path=${path}`, domain && `Domain=${domain}`, /^__/.test(name) && "Secure"].filter(Boolean);
  return `${name}=; Max-Age=0; Expires=Thu, 01 Jan 1970 00:00:00 GMT; ${attributes.join("; ")}`;
}
