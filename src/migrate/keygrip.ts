import type { MigrationSource, OldSession } from "../migration.ts";
import type { Awaitable } from "../platform/awaitable.ts";
import { fromBase64, isSigned, textOf } from "./crypto.ts";
import { objectOf, type SourceOptions, secretsOf, source, timeOf } from "./source.ts";

/** A session of cookie-session or koa-session. */
export type CookieData = Record<string, unknown>;

/** Options of {@link cookieSession}. */
export interface CookieSessionOptions extends SourceOptions<CookieData> {
  /** Default `session`. */
  readonly name?: string;
  /** What the old middleware has as `keys` or `secret`. */
  readonly keys: string | readonly string[];
}

/** Options of {@link koaSession}. */
export interface KoaSessionOptions extends SourceOptions<CookieData> {
  /** Default `koa.sess`. */
  readonly key?: string;
  /** What the application has as `app.keys`. */
  readonly keys: string | readonly string[];
  /** The external store, if the old sessions are in one. */
  readonly store?: {
    get(key: string, maxAge: never, more: never): Awaitable<unknown>;
    destroy(key: string, more: never): Awaitable<unknown>;
  };
}

/**
 * Sessions of cookie-session: the cookie is the session, signed by keygrip.
 * @throws TypeError when the keys are none
 */
export function cookieSession(options: CookieSessionOptions): MigrationSource<CookieData> {
  const keys = secretsOf("keys", options.keys);
  const name = options.name ?? "session";
  return source("cookie-session", options, {
    cookies: [name, `${name}.sig`],
    async read(values) {
      const value = await keygripValue(values, name, keys);
      const data = objectOf(value && textOf(fromBase64(value)));
      return data && { proof: `${name}=${value}`, load: () => ({ data }) };
    },
  });
}

/**
 * Sessions of koa-session, in the cookie or in an external store.
 * @throws TypeError when the keys are none
 */
export function koaSession(options: KoaSessionOptions): MigrationSource<CookieData> {
  const keys = secretsOf("keys", options.keys);
  const { key: name = "koa.sess", store } = options;
  const more = {} as never;
  return source("koa-session", options, {
    cookies: [name, `${name}.sig`],
    async read(values) {
      const value = await keygripValue(values, name, keys);
      if (!value) return undefined;
      const load = async () =>
        koaData(store ? await store.get(value, undefined as never, more) : objectOf(textOf(fromBase64(value))));
      return { proof: store ? value : `${name}=${value}`, load };
    },
    ...(store && { end: (id) => store.destroy(id, more) }),
  });
}

function koaData(found: unknown): OldSession<CookieData> | undefined {
  if (typeof found !== "object" || found === null) return undefined;
  const { _expire, _maxAge, _session, ...data } = found as CookieData;
  return { data, expiresAt: timeOf(_expire) };
}

/** The value of a cookie that `name.sig` signs: base64url of the HMAC-SHA-1 of `name=value`. */
async function keygripValue(
  values: Readonly<Record<string, string>>,
  name: string,
  keys: readonly string[],
): Promise<string | undefined> {
  const value = values[name];
  if (!value) return undefined;
  const signature = fromBase64(values[`${name}.sig`] ?? "");
  return (await isSigned("SHA-1", keys, `${name}=${value}`, signature)) ? value : undefined;
}
