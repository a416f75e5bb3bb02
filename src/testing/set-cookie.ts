/** What a browser makes of a Set-Cookie line: RFC 6265bis, section 5.6 and 5.7, and what Chromium adds to it. */

/** A cookie that a browser keeps. */
export interface Cookie {
  /** Empty for a line without "=". */
  readonly name: string;
  readonly value: string;
  /** The host, or with a leading dot the domain whose hosts get it. */
  readonly domain: string;
  readonly path: string;
  readonly secure: boolean;
  /** Epoch milliseconds; undefined: until the browser is closed. */
  readonly endsAt: number | undefined;
}

interface Attributes {
  domain: string;
  path: string | undefined;
  secure: boolean;
  httpOnly: boolean;
  partitioned: boolean;
  sameSiteNone: boolean;
  maxAge: number | undefined;
  expires: number | undefined;
}

/** Section 5.6: of name and value together, and of one attribute. */
const MAX_PAIR_LENGTH = 4_096;
const MAX_ATTRIBUTE_LENGTH = 1_024;

/** Section 5.5: no cookie lives longer. */
const MAX_AGE_SECONDS = 400 * 86_400;

/** Section 5.6, step 1: all control characters but the tab. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: these are what it looks for
const CONTROL = /[\0-\x08\x0a-\x1f\x7f]/;

/** The cookie of a line that came from `url`, or undefined where a browser refuses it. */
export function parseSetCookie(line: string, url: URL, now: number): Cookie | undefined {
  if (CONTROL.test(line)) return undefined;
  const [pair = "", ...parts] = line.split(";");
  const [first, second] = split(pair);
  const [name, value] = second === undefined ? ["", first] : [first, second];
  if (name + value === "" || name.length + value.length > MAX_PAIR_LENGTH) return undefined;
  const attributes = attributesOf(parts, now);
  const { domain, secure, sameSiteNone, partitioned, path = "" } = attributes;
  if (secure ? !isTrustworthy(url) : sameSiteNone || partitioned) return undefined;
  const kept = domainFor(domain, url.hostname);
  if (kept === undefined || !prefixAllows(name || value, name !== "", attributes)) return undefined;
  return {
    name,
    value,
    domain: kept,
    path: path.startsWith("/") ? path : url.pathname.slice(0, Math.max(1, url.pathname.lastIndexOf("/"))),
    secure,
    endsAt: attributes.maxAge ?? attributes.expires,
  };
}

/** Of several attributes of one name the last counts; one that means nothing is as if it were not there. */
function attributesOf(parts: readonly string[], now: number): Attributes {
  const found: Attributes = {
    domain: "",
    path: undefined,
    secure: false,
    httpOnly: false,
    partitioned: false,
    sameSiteNone: false,
    maxAge: undefined,
    expires: undefined,
  };
  const latest = now + MAX_AGE_SECONDS * 1000;
  for (const part of parts) {
    const [name, value = ""] = split(part);
    if (value.length > MAX_ATTRIBUTE_LENGTH) continue;
    switch (name.toLowerCase()) {
      case "domain":
        found.domain = value.replace(/^\./, "").toLowerCase();
        break;
      case "path":
        found.path = value;
        break;
      case "secure":
        found.secure = true;
        break;
      case "httponly":
        found.httpOnly = true;
        break;
      case "partitioned":
        found.partitioned = true;
        break;
      case "samesite":
        found.sameSiteNone = value.toLowerCase() === "none";
        break;
      case "max-age":
        // Zero and below have ended, whatever the clock says
        if (/^-?\d+$/.test(value)) found.maxAge = Number(value) <= 0 ? 0 : Math.min(now + Number(value) * 1000, latest);
        break;
      case "expires": {
        const date = parseCookieDate(value);
        if (date !== undefined) found.expires = Math.min(date, latest);
      }
    }
  }
  return found;
}

/** What the cookie is kept for; undefined where the host may not set it. A top-level domain alone is nobody's. */
function domainFor(domain: string, host: string): string | undefined {
  if (domain === "") return host;
  if (!domainMatches(`.${domain}`, host)) return undefined;
  if (isAddress(host)) return host;
  if (!domain.includes(".")) return domain === host ? host : undefined;
  return `.${domain}`;
}

/** Section 5.1.3. */
export function domainMatches(domain: string, host: string): boolean {
  if (domain === host || domain === `.${host}`) return true;
  return domain.startsWith(".") && host.endsWith(domain) && !isAddress(host);
}

/** Section 5.1.4. */
export function pathMatches(cookiePath: string, path: string): boolean {
  return path === cookiePath || path.startsWith(cookiePath.endsWith("/") ? cookiePath : `${cookiePath}/`);
}

/** Browsers take Secure cookies over https, and from this machine itself (Safari does not). */
export function isTrustworthy({ protocol, hostname }: URL): boolean {
  return protocol === "https:" || /^(?:(?:.+\.)?localhost|127(?:\.\d+){3}|\[::1\])$/.test(hostname);
}

function isAddress(host: string): boolean {
  return /^\[|^[\d.]+$/.test(host);
}

/** Section 4.1.3: what a name promises, the cookie must keep. Without a name the value must not look like one. */
function prefixAllows(text: string, isName: boolean, { secure, path, domain, httpOnly }: Attributes): boolean {
  const prefix = /^__(?:secure|host-http|host|http)-/.exec(text.toLowerCase())?.[0];
  if (prefix === undefined) return true;
  if (!isName || !secure) return false;
  if (prefix.includes("host") && (path !== "/" || domain !== "")) return false;
  return httpOnly || !prefix.includes("http");
}

/** Name and value without the spaces and tabs around them; no value without "=". */
function split(text: string): [name: string, value?: string] {
  const equals = text.indexOf("=");
  return equals < 0 ? [strip(text)] : [strip(text.slice(0, equals)), strip(text.slice(equals + 1))];
}

function strip(text: string): string {
  return text.replace(/^[ \t]+|[ \t]+$/g, "");
}

const MONTHS = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];

/** Section 5.1.1: epoch milliseconds of a date in any of the forms that servers have written it in. */
function parseCookieDate(text: string): number | undefined {
  let time: number[] | undefined;
  let day: number | undefined;
  let month: number | undefined;
  let year: number | undefined;
  // The delimiters: everything printable but letters, digits and the colon
  for (const token of text.split(/[\t -/;-@[-`{-~]+/)) {
    const clock = /^(\d{1,2}):(\d{1,2}):(\d{1,2})(?!\d)/.exec(token);
    const number = /^(\d{1,4})(?!\d)/.exec(token)?.[1] ?? "";
    const named = MONTHS.indexOf(token.slice(0, 3).toLowerCase());
    if (!time && clock) time = clock.slice(1).map(Number);
    else if (day === undefined && /^\d{1,2}$/.test(number)) day = Number(number);
    else if (month === undefined && named >= 0) month = named;
    else if (year === undefined && /^\d{2,4}$/.test(number)) year = Number(number);
  }
  if (!time || day === undefined || month === undefined || year === undefined) return undefined;
  if (year < 100) year += year < 70 ? 2000 : 1900;
  const [hour = 0, minute = 0, second = 0] = time;
  const date = Date.UTC(year, month, day, hour, minute, second);
  const isReal = year >= 1601 && hour < 24 && minute < 60 && second < 60 && new Date(date).getUTCDate() === day;
  return isReal ? date : undefined;
}
