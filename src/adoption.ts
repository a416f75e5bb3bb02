import { isSessionError, SessionError } from "./errors.ts";
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

/**
 * When a request arrived, epoch ms, and for how many ms it may still be kept waiting by stores, the old ones included.
 */
interface Arriving {
  readonly at: number;
  left: number;
}

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
  /** Unknown where the age is: to take a session over is no authentication. */
  readonly authenticatedAt: number | undefined;
  /** Epoch milliseconds until which the old cookie could open something. */
  readonly expiresAt: number;
  readonly old: OldSession;
}

/**
 * The old cookies of a request that prove something, in the order of the sources. One may prove what is over by now,
 * such as an id whose session has expired, so there may be more than the first.
 */
export async function* claimsOf(
  settings: Settings,
  header: string | null,
  arriving: Arriving,
): AsyncGenerator<Claim, void, void> {
  const inForce = settings.migrateFrom.filter(({ until }) => until === undefined || arriving.at < until.getTime());
  const sent = inForce.map((source) => ({ source, candidates: candidatesOf(source, header) }));
  // Of every source: what is left in the browser would sign in again after a logout
  const removals = [...new Set(sent.flatMap(({ source, candidates }) => removalsOf(source, candidates)))];
  for (const { source, candidates } of sent) {
    for (const values of candidates) {
      const cookie = await bounded(settings, source, arriving, () => source.read(values));
      if (typeof cookie?.proof !== "string" || cookie.proof === "") continue;
      yield { source, cookie, token: `${source.name}:${cookie.proof}`, removals };
    }
  }
}

/** The session behind an old cookie, as the application wants it; `undefined` where there is none, or it does not. */
export async function adoptionOf(settings: Settings, claim: Claim, arriving: Arriving): Promise<Adoption | undefined> {
  const { source, cookie } = claim;
  const now = arriving.at;
  const old = await bounded(settings, source, arriving, () => cookie.load());
  if (old === undefined || old === null) return undefined;
  const known = wholeTime(old.createdAt);
  const createdAt = Math.min(now, known ?? now);
  const expiresAt = wholeTime(old.expiresAt) ?? source.until?.getTime() ?? now + LONGEST_LIFE;
  if (expiresAt <= now || createdAt + settings.lifetime.absolute <= now) return undefined;
  try {
    const adopted = source.adopt
      ? await bounded(settings, source, arriving, () => source.adopt?.(old.data))
      : { data: old.data as object };
    if (adopted === undefined || adopted === null) return undefined;
    const { subject, ...rest } = checked(adopted);
    const { shape } = settings;
    shape?.check(rest.data, shape.version, Object.keys(rest.data));
    const authenticatedAt = subject === undefined || known === undefined ? undefined : createdAt;
    return { ...rest, subject, authenticatedAt, createdAt, expiresAt, old };
  } catch (error) {
    report(settings, source, "adopt", (error as { cause?: unknown } | null)?.cause ?? error);
    return undefined;
  }
}

/** Ends the old record, beside the answer: its failure costs the user nothing. */
export async function endOld(
  settings: Settings,
  { source, cookie }: Claim,
  { old }: Adoption,
  arriving: Arriving,
): Promise<void> {
  if (source.keepOld || !source.end) return;
  try {
    await bounded(settings, source, arriving, () => source.end?.(cookie.proof, old));
  } catch (error) {
    report(settings, source, "end", error);
  }
}

/**
 * The values of a source's cookies. A cookie of the same name that was planted, or is left from another path, must not
 * hide the user's own; so there are as many candidates as the name has values.
 */
function candidatesOf({ cookies }: MigrationSource, header: string | null): Record<string, string>[] {
  const sent = cookies
    .map((name) => [name, cookieValues(header, name, (text) => text !== "")] as const)
    .filter(([, values]) => values.length > 0);
  const most = Math.max(0, ...sent.map(([, values]) => values.length));
  return Array.from({ length: most }, (_, at) =>
    Object.fromEntries(sent.map(([name, values]) => [name, (values[at] ?? values.at(-1)) as string])),
  );
}

/**
 * What a source answers, within the time that the request has left for stores. A source that fails is a store that
 * failed.
 */
async function bounded<T>(
  { storeTimeout }: Settings,
  { name }: MigrationSource,
  arriving: Arriving,
  call: () => Awaitable<T>,
): Promise<T> {
  const from = performance.now();
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_, reject) => {
    const message = `"${name}" in migrateFrom did not answer within ${storeTimeout} ms`;
    timer = setTimeout(() => reject(new SessionError("store_timeout", message)), Math.max(0, arriving.left));
  });
  try {
    return await Promise.race([(async () => call())(), late]);
  } catch (cause) {
    if (isSessionError(cause)) throw cause;
    throw new SessionError("store_failed", `"${name}" in migrateFrom failed`, { cause });
  } finally {
    clearTimeout(timer);
    arriving.left -= performance.now() - from;
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

function report({ emit }: Settings, { name }: MigrationSource, step: "adopt" | "end", error: unknown): void {
  emit({ type: "migration_failed", source: name, step, message: String(error) });
}

function wholeTime(time: number | undefined): number | undefined {
  return typeof time === "number" && Number.isFinite(time) && time >= 0 ? Math.floor(time) : undefined;
}

function removalsOf(source: MigrationSource, candidates: readonly Record<string, string>[]): string[] {
  return source.keepOld ? [] : Object.keys(candidates[0] ?? {}).map((name) => removal(source, name));
}

/** Removes an old cookie. Browsers take a line for a prefixed name only with Secure. */
function removal({ path = "/", domain }: MigrationSource, name: string): string {
  const attributes = [`Path=${path}`, domain && `Domain=${domain}`, /^__/.test(name) && "Secure"].filter(Boolean);
  return `${name}=; Max-Age=0; Expires=Thu, 01 Jan 1970 00:00:00 GMT; ${attributes.join("; ")}`;
}
