import { type CookieForm, cookieValues } from "../http/cookie.ts";
import type { Awaitable } from "../platform/awaitable.ts";
import { after, all } from "../platform/awaitable.ts";
import { CLOCK_SKEW } from "../rules/lifetime.ts";
import { MAX_VALUE_LENGTH, nameOfTouch, splitIntoCookies } from "./pieces.ts";
import type { SealedRecord } from "./record.ts";
import type { Sealer } from "./seal.ts";

/*
 * A request that only reads never sets the session's own cookie: its answer may arrive after that of a write, a sign-in
 * or a logout, and would undo it. That the user was here is said by a cookie of its own, sealed under the name
 * `name.0`: the id of the session and the time. With any other session, and with none, it means nothing.
 */

const utf8 = new TextEncoder();
const fromUtf8 = new TextDecoder();

/** The Set-Cookie line that says that the session was in use at `now`. */
export function touchCookie(
  sealer: Sealer,
  { id }: SealedRecord,
  form: CookieForm,
  maxAge: number | undefined,
  now: number,
): Awaitable<readonly string[]> {
  const name = nameOfTouch(form.name);
  return after(
    sealer.seal(utf8.encode(`${id} ${now}`), name),
    (sealed) => splitIntoCookies(sealed, { ...form, name }, 1, maxAge, now) as string[],
  );
}

/** When the sessions of a header were last in use after they were sealed: epoch ms by id. */
export function findTouches(
  sealer: Sealer,
  header: string,
  cookieName: string,
  now: number,
): Awaitable<ReadonlyMap<string, number>> {
  const name = nameOfTouch(cookieName);
  if (!header.includes(name)) return NONE;
  const values = cookieValues(header, name, (value) => value.length <= MAX_VALUE_LENGTH && sealer.recognizes(value));
  if (values.length === 0) return NONE;
  return after(all(values.map((value) => sealer.open(value, name))), (opened) => {
    const touches = new Map<string, number>();
    for (const bytes of opened) {
      const [id = "", time] = fromUtf8.decode(bytes).split(" ");
      const at = Number(time);
      if (at <= now + CLOCK_SKEW && at > (touches.get(id) ?? 0)) touches.set(id, at);
    }
    return touches;
  });
}

const NONE: ReadonlyMap<string, number> = new Map();
