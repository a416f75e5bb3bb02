import { type CookieForm, cookieValues, nameOfSetCookie, removeCookie, setCookie } from "../http/cookie.ts";
import { NONCE_LENGTH, PREFIX_LENGTH } from "./seal.ts";

/**
 * Browsers refuse more than 4096 characters of name and value, and older ones count the attributes too (RFC 6265bis,
 * section 5.6; RFC 6265, section 6.1).
 */
const MAX_LINE_LENGTH = 3_800;

/** A longer value did not come from us. */
export const MAX_VALUE_LENGTH = 4_096;

/** The most cookies that one session may be configured to take. */
export const MAX_COOKIES = 10;

/*
 * The first piece is the cookie itself; those that follow are called `name.1`, `name.2` and so on, and begin with the
 * mark of their seal: half of its nonce, random and authenticated. So the left-over of an older session is told apart
 * without a decryption, no count is ever taken from the client, and what is joined wrongly or not whole fails its tag.
 */
const MARK_LENGTH = NONCE_LENGTH / 2;

/**
 * What a Cookie header may hold of ours, joined: at most four values, each of as many pieces as could be configured, so
 * that a lower `maxCookies` signs nobody out.
 */
export function joinedValues(header: string | null, name: string, recognizes: (value: string) => boolean): string[] {
  const valuesOf = (index: number, isOurs: (value: string) => boolean): string[] =>
    cookieValues(header, nameOf(name, index), (value) => value.length <= MAX_VALUE_LENGTH && isOurs(value));
  return valuesOf(0, recognizes).map((head) => {
    const mark = markOf(head);
    let whole = head;
    for (let index = 1; index < MAX_COOKIES; index++) {
      const [piece] = valuesOf(index, (value) => value.startsWith(mark));
      if (piece === undefined) break;
      whole += piece.slice(MARK_LENGTH);
    }
    return whole;
  });
}

/**
 * The Set-Cookie lines of a sealed session; `undefined` when it needs more than `maxCookies`. `maxAge` in seconds,
 * `now` in epoch ms.
 */
export function splitIntoCookies(
  sealed: string,
  form: CookieForm,
  maxCookies: number,
  maxAge: number | undefined,
  now: number,
): string[] | undefined {
  const lines: string[] = [];
  for (let from = 0; from < sealed.length; ) {
    const line = (value: string): string => setCookie(form, value, maxAge, now, nameOf(form.name, lines.length));
    const mark = lines.length === 0 ? "" : markOf(sealed);
    const to = from + MAX_LINE_LENGTH - line(mark).length;
    lines.push(line(mark + sealed.slice(from, to)));
    from = to;
  }
  return lines.length > maxCookies ? undefined : lines;
}

/**
 * The lines that remove the pieces which a request carried, from number `from` on (0 is the cookie itself), and its
 * touch. None for a cookie that it did not carry.
 */
export function removePieces(header: string | null, form: CookieForm, from: number): string[] {
  const names = [nameOfTouch(form.name)];
  for (let index = MAX_COOKIES - 1; index >= from; index--) names.unshift(nameOf(form.name, index));
  return names
    .filter((name) => cookieValues(header, name, () => true).length > 0)
    .map((name) => removeCookie(form, name));
}

/** A Cookie header after Set-Cookie lines of ours. */
export function withCookies(header: string | null, lines: readonly string[]): string {
  const names = lines.map(nameOfSetCookie);
  const others = (header ?? "").split(";").filter((pair) => !names.includes(nameOfSetCookie(pair)));
  const ours = lines.map((line) => line.slice(0, line.indexOf(";"))).filter((pair) => !pair.endsWith("="));
  return [...others, ...ours].join(";");
}

/** The name of the cookie that says when the session was last in use. */
export function nameOfTouch(name: string): string {
  return `${name}.0`;
}

function nameOf(name: string, index: number): string {
  return index === 0 ? name : `${name}.${index}`;
}

function markOf(sealed: string): string {
  return sealed.slice(PREFIX_LENGTH, PREFIX_LENGTH + MARK_LENGTH);
}
