import { isSessionError, SessionError } from "./errors.ts";
import { cookieValues } from "./http/cookie.ts";
import type { MigrationSource, OldCookie } from "./migration.ts";
import type { Awaitable } from "./platform/awaitable.ts";
import type { Settings } from "./rules/options.ts";

/**
 * When a request arrived, epoch ms, and for how many ms it may still be kept waiting by stores, the old ones included.
 */
export interface Arriving {
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

/**
 * The old cookies of a request that prove something, in the order of the sources. One may prove what is over by now,
 * such as an id whose session has expired, so there may be more than the first.
 */
export async function* claimsOf(
  settings: Settings,
  header: string | null,
  arriving: Arriving,
): AsyncGenerator<Claim, void, void> {
  const sent = sentTo(settings, header, arriving);
  // Of every source: what is left in the browser would sign in again after a logout
  const removals = [...new Set(sent.flatMap((one) => (one.source.keepOld ? [] : removalsOf(one))))];
  for (const one of sent) {
    for await (const claim of provenBy(settings, one, arriving)) yield { ...claim, removals };
  }
}

/** The values of a source's cookies in a request, as {@link candidatesOf} pairs them. */
export interface Sent {
  readonly source: MigrationSource;
  readonly candidates: readonly Record<string, string>[];
}

/** What a request sent to each source that is in force. */
export function sentTo(settings: Settings, header: string | null, { at }: Arriving): Sent[] {
  const inForce = settings.migrateFrom.filter(({ until }) => until === undefined || at < until.getTime());
  return inForce.map((source) => ({ source, candidates: candidatesOf(source, header) }));
}

/** What the cookies of one source prove. */
export async function* provenBy(
  settings: Settings,
  { source, candidates }: Sent,
  arriving: Arriving,
): AsyncGenerator<Omit<Claim, "removals">, void, void> {
  for (const values of candidates) {
    const cookie = await bounded(settings, source, arriving, () => source.read(values));
    if (typeof cookie?.proof !== "string" || cookie.proof === "") continue;
    yield { source, cookie, token: `${source.name}:${cookie.proof}` };
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
export async function bounded<T>(
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

/** Lines that remove the old cookies of a request. */
export function removalsOf({ source, candidates }: Sent): string[] {
  return Object.keys(candidates[0] ?? {}).map((name) => removal(source, name));
}

/** Removes an old cookie. Browsers take a line for a prefixed name only with Secure. */
function removal({ path = "/", domain }: MigrationSource, name: string): string {
  const attributes = [`Path=${path}`, domain && `Domain=${domain}`, /^__/.test(name) && "Secure"].filter(Boolean);
  return `${name}=; Max-Age=0; Expires=Thu, 01 Jan 1970 00:00:00 GMT; ${attributes.join("; ")}`;
}
