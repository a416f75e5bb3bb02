/**
 * The Cookie header read and the Set-Cookie line written, for cookies of ours only, as strictly as RFC 6265bis lets a
 * server be.
 */

/** The cookie that one request uses: under `secure: "auto"` it differs from request to request. */
export interface CookieForm {
  readonly name: string;
  /** Everything after the value, from `; Path` on. */
  readonly attributes: string;
  /** What tells cookies of one name apart in a browser: path, domain and partition. */
  readonly scope: string;
}

export interface CookieAttributes {
  readonly path: string;
  readonly domain: string | undefined;
  readonly sameSite: "lax" | "strict" | "none";
  readonly partitioned: boolean;
  readonly priority: "low" | "medium" | "high" | undefined;
}

/** Longer headers than servers let through (Node 16 kB) are not read to their end. */
const MAX_HEADER_LENGTH = 65_536;

/**
 * A cookie planted by a sibling subdomain must not hide the user's own; so many values of one name are tried, and no
 * more.
 */
const MAX_CANDIDATES = 4;

const SPACE = 0x20;
const TAB = 0x09;
const EQUALS = 0x3d;

/**
 * The distinct raw values of the cookie `name`, in the order sent, that `isWellFormed` accepts; at most four.
 *
 * One pass, pairs split at ";" alone, the name compared exactly, only SP and HTAB stripped, nothing decoded or
 * unquoted. Each leniency has been a hole: `trim()` takes U+00A0 off a planted name (CVE-2026-39410), decoding made
 * `%5f` a prefix (CVE-2020-7070), a nameless cookie posed as another (CVE-2023-23934), and splitting at "," would let
 * the value of a foreign cookie spell ours.
 */
export function cookieValues(header: string | null, name: string, isWellFormed: (value: string) => boolean): string[] {
  const found: string[] = [];
  if (header === null) return found;
  const end = Math.min(header.length, MAX_HEADER_LENGTH);
  for (let from = 0; from < end && found.length < MAX_CANDIDATES; ) {
    let to = header.indexOf(";", from);
    if (to < 0 || to > end) to = end;
    const value = valueOfPair(header, from, to, name);
    if (value !== undefined && isWellFormed(value) && !found.includes(value)) found.push(value);
    from = to + 1;
  }
  return found;
}

function valueOfPair(header: string, from: number, to: number, name: string): string | undefined {
  let at = skipSpace(header, from, to);
  if (!header.startsWith(name, at)) return undefined;
  at = skipSpace(header, at + name.length, to);
  if (at >= to || header.charCodeAt(at) !== EQUALS) return undefined;
  at = skipSpace(header, at + 1, to);
  while (to > at && isSpace(header.charCodeAt(to - 1))) to--;
  return header.slice(at, to);
}

function skipSpace(text: string, from: number, to: number): number {
  while (from < to && isSpace(text.charCodeAt(from))) from++;
  return from;
}

function isSpace(code: number): boolean {
  return code === SPACE || code === TAB;
}

/**
 * Everything of a Set-Cookie line after its value but the lifetime. HttpOnly always: no script has business with a
 * session's token (ASVS 3.3.4).
 */
export function attributesOf(
  { path, domain, sameSite, partitioned, priority }: CookieAttributes,
  secure: boolean,
): string {
  return [
    `; Path=${path}`,
    domain && `; Domain=${domain}`,
    "; HttpOnly",
    secure && "; Secure",
    `; SameSite=${capitalized(sameSite)}`,
    partitioned && "; Partitioned",
    priority && `; Priority=${capitalized(priority)}`,
  ]
    .filter(Boolean)
    .join("");
}

/** {@link CookieForm.scope}, short, since a sealed session repeats it. */
export function scopeOf({ path, domain, partitioned }: CookieAttributes): string {
  return [path, domain?.toLowerCase(), partitioned && "Partitioned"].filter(Boolean).join(" ");
}

/**
 * A Set-Cookie line. Without `maxAge` (seconds) the cookie ends with the browser session; with it both Max-Age and
 * Expires are written, for old clients.
 */
export function setCookie(form: CookieForm, value: string, maxAge?: number, now = 0, name: string = form.name): string {
  const lifetime =
    maxAge === undefined ? "" : `; Max-Age=${maxAge}; Expires=${new Date(now + maxAge * 1000).toUTCString()}`;
  return `${name}=${value}${form.attributes}${lifetime}`;
}

/** The line that removes a cookie: the attributes repeated, or the browser keeps it (RFC 6265bis, section 5.7). */
export function removeCookie(form: CookieForm, name: string = form.name): string {
  return setCookie(form, "", 0, 0, name);
}

/** The name in a Set-Cookie line. */
export function nameOfSetCookie(line: string): string {
  const end = line.search(/[=;]/);
  return (end < 0 ? line : line.slice(0, end)).trim();
}

function capitalized(word: string): string {
  return word.charAt(0).toUpperCase() + word.slice(1);
}
