import type { MigrationSource } from "../migration.ts";
import type { Awaitable } from "../platform/awaitable.ts";
import { bytesOf, canonical, fromBase64, textOf } from "./crypto.ts";
import { joinedChunks, objectOf, type SourceOptions, secretsOf, source, timeOf, withChunks } from "./source.ts";

type Bytes = Uint8Array<ArrayBuffer>;

/** The claims of an old session. */
export type Claims = Record<string, unknown>;

/** Options of {@link authJs}. */
export interface AuthJsOptions extends SourceOptions<Claims> {
  /** `AUTH_SECRET` or `NEXTAUTH_SECRET`. */
  readonly secret: string | readonly string[];
  /** 5 is Auth.js, 4 next-auth. Default 5. */
  readonly version?: 4 | 5;
  /** Default: the library's own, with and without `__Secure-`. */
  readonly cookieName?: string;
}

/** Options of {@link honoSession}. */
export interface HonoSessionOptions extends SourceOptions<Claims> {
  /** `AUTH_SECRET`. */
  readonly secret: string;
  /** The storage of the old middleware, if it has one. */
  readonly storage?: { get(sid: string): Awaitable<unknown>; delete(sid: string): Awaitable<unknown> };
}

/**
 * Sessions of Auth.js (next-auth 5) and next-auth 4 with the strategy `jwt`. The default of `adopt` signs in the claim
 * `sub`. For the strategy `database` see `lookupSession`.
 * @throws TypeError when the secret is none
 */
export function authJs(options: AuthJsOptions): MigrationSource<Claims> {
  const secrets = secretsOf("secret", options.secret);
  const { version = 5 } = options;
  const usual = version === 5 ? "authjs.session-token" : "next-auth.session-token";
  const names = options.cookieName === undefined ? [`__Secure-${usual}`, usual] : [options.cookieName];
  const library = version === 5 ? "Auth.js" : "NextAuth.js";
  const adopt = options.adopt ?? subjectOf;
  return source(
    "auth.js",
    { ...options, adopt },
    {
      cookies: names.flatMap((name) => withChunks(name, 0)),
      async read(values) {
        for (const name of names) {
          const token = values[name] ?? joinedChunks(values, name, 0);
          const salt = version === 5 ? name : "";
          const info = `${library} Generated Encryption Key${salt && ` (${salt})`}`;
          const opened = await decryptJwe(token, secrets, salt, info);
          if (opened) return { proof: opened.proof, load: () => ({ data: opened.data, ...timesOf(opened.data) }) };
        }
        return undefined;
      },
    },
  );
}

/**
 * Sessions of @hono/session, in the cookie or in a storage.
 * @throws TypeError when the secret is none
 */
export function honoSession(options: HonoSessionOptions): MigrationSource<Claims> {
  const secrets = secretsOf("secret", options.secret);
  const { storage } = options;
  return source("@hono/session", options, {
    cookies: ["sid"],
    async read(values) {
      const opened = await decryptJwe(values.sid ?? "", secrets, "", "session jwe cek");
      if (!opened) return undefined;
      const { sid, iat, exp, ...rest } = opened.data;
      if (typeof sid !== "string") return undefined;
      const load = async () => {
        const data = storage ? await storage.get(sid) : rest;
        return typeof data === "object" && data !== null ? { data: { ...data }, ...timesOf({ iat, exp }) } : undefined;
      };
      // In the cookie itself the id names all that was sealed for a browser, what somebody planted there included
      return { proof: storage ? sid : opened.proof, load };
    },
    ...(storage && { end: (sid) => storage.delete(sid) }),
  });
}

function subjectOf({ sub }: Claims): { subject: string } | undefined {
  return typeof sub === "string" ? { subject: sub } : undefined;
}

function timesOf({ iat, exp }: Claims): { createdAt: number | undefined; expiresAt: number | undefined } {
  return { createdAt: secondsOf(iat), expiresAt: secondsOf(exp) };
}

function secondsOf(claim: unknown): number | undefined {
  const seconds = typeof claim === "number" ? timeOf(claim) : undefined;
  return seconds === undefined ? undefined : seconds * 1000;
}

/** The claims of a JWE in compact form, `dir` with A256GCM or A256CBC-HS512 (RFC 7516, RFC 7518). */
async function decryptJwe(
  token: string,
  secrets: readonly string[],
  salt: string,
  info: string,
): Promise<{ proof: string; data: Claims } | undefined> {
  const [header = "", key, iv = "", text = "", tag = "", more] = token.split(".");
  const { alg, enc } = objectOf(textOf(fromBase64(header))) ?? {};
  const [nonce, encrypted, signature] = [fromBase64(iv), fromBase64(text), fromBase64(tag)];
  if (alg !== "dir" || key !== "" || more !== undefined || !nonce || !encrypted || !signature) return undefined;
  const open = enc === "A256GCM" ? openGcm : enc === "A256CBC-HS512" ? openCbc : undefined;
  if (!open) return undefined;
  for (const secret of secrets) {
    const derived = await hkdf(secret, salt, info, enc === "A256GCM" ? 32 : 64);
    const plain = await open(derived, nonce, encrypted, signature, bytesOf(header)).catch(() => undefined);
    const data = objectOf(textOf(plain && new Uint8Array(plain)));
    // The tag covers all of it, and its bytes have one spelling here
    if (data) return { proof: canonical(joined(nonce, signature)), data };
  }
  return undefined;
}

async function hkdf(secret: string, salt: string, info: string, bytes: number): Promise<Bytes> {
  const key = await crypto.subtle.importKey("raw", bytesOf(secret), "HKDF", false, ["deriveBits"]);
  const algorithm = { name: "HKDF", hash: "SHA-256", salt: bytesOf(salt), info: bytesOf(info) };
  return new Uint8Array(await crypto.subtle.deriveBits(algorithm, key, bytes * 8));
}

async function openGcm(secret: Bytes, iv: Bytes, text: Bytes, tag: Bytes, additionalData: Bytes): Promise<ArrayBuffer> {
  if (tag.length !== 16) throw new Error("a shorter tag is easier to guess");
  const key = await crypto.subtle.importKey("raw", secret, "AES-GCM", false, ["decrypt"]);
  return crypto.subtle.decrypt({ name: "AES-GCM", iv, additionalData }, key, joined(text, tag));
}

/**
 * RFC 7518, section 5.2.2: HMAC-SHA-512 of header, nonce, text and the header's length in bits, its first half the tag.
 */
async function openCbc(secret: Bytes, iv: Bytes, text: Bytes, tag: Bytes, header: Bytes): Promise<ArrayBuffer> {
  const algorithm = { name: "HMAC", hash: "SHA-512" };
  const signing = await crypto.subtle.importKey("raw", secret.slice(0, 32), algorithm, false, ["sign"]);
  const bits = new Uint8Array(8);
  new DataView(bits.buffer).setUint32(4, header.length * 8);
  const whole = new Uint8Array(await crypto.subtle.sign("HMAC", signing, joined(header, iv, text, bits)));
  let difference = tag.length ^ 32;
  for (let at = 0; at < 32; at++) difference |= (whole[at] as number) ^ (tag[at] ?? 0);
  if (difference !== 0) throw new Error("the tag does not fit");
  const key = await crypto.subtle.importKey("raw", secret.slice(32), "AES-CBC", false, ["decrypt"]);
  return crypto.subtle.decrypt({ name: "AES-CBC", iv }, key, text);
}

function joined(...parts: Bytes[]): Bytes {
  return Uint8Array.from(parts.flatMap((part) => [...part]));
}
