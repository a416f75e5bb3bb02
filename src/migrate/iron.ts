import type { MigrationSource, OldSession } from "../migration.ts";
import type { Awaitable } from "../platform/awaitable.ts";
import { bytesOf, canonical, fromBase64, textOf } from "./crypto.ts";
import { decoded, joinedChunks, objectOf, type SourceOptions, source, timeOf, withChunks } from "./source.ts";

/** A session that an iron seal holds. */
export type IronData = Record<string, unknown>;

/** One password, or several by their ids, as iron-session takes them. */
export type IronPassword = string | Readonly<Record<string, string>>;

/** Options of {@link ironSession}. */
export interface IronSessionOptions extends SourceOptions<IronData> {
  /** As the old configuration has it. */
  readonly cookieName: string;
  /** As the old configuration has it. */
  readonly password: IronPassword;
}

/** Options of {@link h3Session}. */
export interface H3SessionOptions extends SourceOptions<IronData> {
  /** Default `h3`. */
  readonly name?: string;
  /** As the old configuration has it. */
  readonly password: IronPassword;
  /** Seconds, as the old configuration has it. */
  readonly maxAge?: number;
}

/** Options of {@link honoSessions}. */
export interface HonoSessionsOptions extends SourceOptions<IronData> {
  /** Default `session`. */
  readonly sessionCookieName?: string;
  /** Without it the cookie is the id as it is, which needs a `store`. */
  readonly encryptionKey?: string;
  /** The store of hono-sessions, unless it is its `CookieStore`. */
  readonly store?: {
    getSessionById(id: string): Awaitable<unknown>;
    deleteSession(id: string): Awaitable<unknown>;
  };
}

/**
 * Sessions of iron-session 6 to 9. What version 5 and older sealed is in the property `persistent`, for `adopt` to take
 * out: the mark of the version is outside of the seal, so that nothing may depend on it.
 */
export function ironSession(options: IronSessionOptions): MigrationSource<IronData> {
  const { cookieName } = options;
  const passwords = passwordsOf(options.password);
  return source("iron-session", options, {
    cookies: withChunks(cookieName, 0),
    async read(values) {
      // Version 9 can cut the seal into pieces, without a cookie that says how many
      const whole = decoded(values[cookieName] ?? joinedChunks(values, cookieName, 0));
      const [sealed = ""] = whole.split("~", 1);
      const opened = await unseal(sealed, passwords, [1]);
      const data = objectOf(opened?.text);
      return opened && data && { proof: opened.proof, load: () => ({ data, expiresAt: opened.expiresAt }) };
    },
  });
}

/** Sessions of h3 1 and 2, and so of Nitro and Nuxt. */
export function h3Session(options: H3SessionOptions): MigrationSource<IronData> {
  const { name = "h3", maxAge } = options;
  const passwords = passwordsOf(options.password);
  return source("h3", options, {
    cookies: withChunks(name, 1),
    async read(values) {
      const opened = await unseal(decoded(chunked(values, name)), passwords, [8192, 1]);
      const { data, createdAt } = objectOf(opened?.text) ?? {};
      if (!opened || typeof data !== "object" || data === null) return undefined;
      const created = timeOf(createdAt);
      const end = maxAge && created !== undefined ? created + maxAge * 1000 : undefined;
      const expiresAt = opened.expiresAt ?? end;
      return { proof: opened.proof, load: () => ({ data: data as IronData, createdAt: created, expiresAt }) };
    },
  });
}

/**
 * Sessions of hono-sessions, in the cookie or in one of its stores.
 * @throws TypeError without `encryptionKey` and `store`
 */
export function honoSessions(options: HonoSessionsOptions): MigrationSource<IronData> {
  const { sessionCookieName: name = "session", encryptionKey, store } = options;
  if (encryptionKey === undefined && store === undefined) {
    throw new TypeError("honoSessions needs the encryptionKey or the store that the old sessions have");
  }
  const passwords = encryptionKey === undefined ? undefined : passwordsOf(encryptionKey);
  return source("hono-sessions", options, {
    cookies: [name],
    async read(values) {
      const value = decoded(values[name] ?? "");
      const opened = passwords ? await unseal(value, passwords, [1]) : { text: JSON.stringify(value), proof: value };
      const inner = textInside(opened?.text);
      if (!opened || !inner) return undefined;
      const load = async () => honoData(store ? await store.getSessionById(inner) : objectOf(inner));
      return { proof: store ? inner : opened.proof, load };
    },
    ...(store && { end: (id) => store.deleteSession(id) }),
  });
}

function honoData(found: unknown): OldSession<IronData> | undefined {
  const { _data, _expire, _delete } = (found ?? {}) as Record<string, unknown>;
  if (typeof _data !== "object" || _data === null || _delete === true) return undefined;
  const entries = Object.entries(_data).map(([key, kept]) => [key, (kept as { value?: unknown } | null)?.value]);
  return { data: Object.fromEntries(entries) as IronData, expiresAt: timeOf(_expire) };
}

/** hono-sessions seals a text: JSON of the session, or the id. */
function textInside(json: string | undefined): string | undefined {
  try {
    const text: unknown = json === undefined ? undefined : JSON.parse(json);
    return typeof text === "string" ? text : undefined;
  } catch {
    return undefined;
  }
}

function passwordsOf(password: IronPassword): Readonly<Record<string, string>> {
  const passwords = typeof password === "string" ? { 1: password, default: password } : password;
  if (Object.values(passwords ?? {}).some((text) => typeof text !== "string" || text.length < 32)) {
    throw new TypeError("password must be the text of 32 characters or more, or the texts by id, of the old sessions");
  }
  return passwords;
}

/** A value in one cookie, or `__chunked__N` and N chunks. The number is the client's: no more than are there count. */
function chunked(values: Readonly<Record<string, string>>, name: string): string {
  const first = values[name] ?? "";
  if (!first.startsWith("__chunked__")) return first;
  return joinedChunks(values, name, 1);
}

interface Opened {
  readonly text: string;
  readonly proof: string;
  readonly expiresAt?: number | undefined;
}

/** What an iron seal `Fe26.2*id*salt*iv*text*expiry*salt*mac` holds: AES-256-CBC under HMAC-SHA-256 (PBKDF2-SHA-1). */
async function unseal(
  sealed: string,
  passwords: Readonly<Record<string, string>>,
  iterations: readonly number[],
): Promise<Opened | undefined> {
  const parts = sealed.split("*");
  const [prefix, id, salt = "", iv = "", text = "", expiry = "", macSalt = "", mac = ""] = parts;
  const password = Object.hasOwn(passwords, id || "default") ? passwords[id || "default"] : undefined;
  const [tag, nonce, encrypted] = [fromBase64(mac), fromBase64(iv), fromBase64(text)];
  if (parts.length !== 8 || prefix !== "Fe26.2" || !password || !tag || !nonce || !encrypted) return undefined;
  if (!/^\d{0,15}$/.test(expiry)) return undefined;
  const body = bytesOf(parts.slice(0, 6).join("*"));
  for (const count of iterations) {
    const hmac = { name: "HMAC", hash: "SHA-256" };
    const signing = await crypto.subtle.importKey("raw", await derived(password, macSalt, count), hmac, false, [
      "verify",
    ]);
    if (!(await crypto.subtle.verify("HMAC", signing, tag, body))) continue;
    const key = await crypto.subtle.importKey("raw", await derived(password, salt, count), "AES-CBC", false, [
      "decrypt",
    ]);
    const plain = await crypto.subtle.decrypt({ name: "AES-CBC", iv: nonce }, key, encrypted).catch(() => undefined);
    const opened = textOf(plain && new Uint8Array(plain));
    const expiresAt = expiry === "" ? undefined : Number(expiry);
    return opened === undefined ? undefined : { text: opened, proof: canonical(tag), expiresAt };
  }
  return undefined;
}

async function derived(password: string, salt: string, iterations: number): Promise<ArrayBuffer> {
  const key = await crypto.subtle.importKey("raw", bytesOf(password), "PBKDF2", false, ["deriveBits"]);
  return crypto.subtle.deriveBits({ name: "PBKDF2", hash: "SHA-1", salt: bytesOf(salt), iterations }, key, 256);
}
