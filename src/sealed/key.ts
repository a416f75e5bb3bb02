import { encodeBase64url, hkdfSha256, sha256 } from "#platform";
import { type Bytes, randomBytes } from "../platform/bytes.ts";

/** What is derived from one key of the application. */
export interface SealingKey {
  /** For AES-256-GCM. */
  readonly secret: Bytes;
  /** Names the key in the cookie, in 7 characters that say nothing about the secret. */
  readonly id: string;
}

export const HOW = "make one with: openssl rand -base64 32";

/** 32 bytes as base64url, base64 or hex. */
const SHAPE = /^(?:[\w-]{43}|[A-Za-z0-9+/]{43}=|[0-9a-f]{64}|[0-9A-F]{64})$/;

/** Salt and info of the derivation, which are part of the format. */
const SALT = "@sojourn/session";
const INFO = "sealed cookie";

const utf8 = new TextEncoder();

/** A new key for `sealedCookies`: 32 random bytes as base64url. Whoever has it can open and make sessions. */
export function generateKey(): string {
  return encodeBase64url(randomBytes(32));
}

/**
 * The key, if it is one.
 * @throws TypeError, RangeError; the message never shows the key
 */
export function checkKey(key: unknown, name: string): string {
  const message = `${name} must be 32 random bytes as base64url, base64 or hex; ${HOW}`;
  if (typeof key !== "string") throw new TypeError(message);
  if (!SHAPE.test(key) || isGuessable(key)) throw new RangeError(message);
  return key;
}

/**
 * What seals, derived from the characters of a key: HKDF-SHA-256 (RFC 5869). No slow password hash: a key that needed
 * one is refused by {@link checkKey}.
 */
export function deriveKey(key: string): SealingKey {
  return { secret: hkdfSha256(key, SALT, INFO), id: sha256(`${INFO} ${key}`).slice(0, 7) };
}

/** Each of these is true of a random key less often than once in 10^9. */
function isGuessable(key: string): boolean {
  const codes = [...utf8.encode(key)];
  const isFew = (values: number[]): boolean => new Set(values).size < 10;
  return (
    isFew(codes) || // a repeated character or word
    isFew(codes.map((code, at) => code - (codes[at - 1] ?? 0))) || // counting up or down, a repeated row
    (key.length < 64 && !/[a-z].*[A-Z]|[A-Z].*[a-z]/.test(key)) || // words that happen to be 43 characters
    /^[ -~]*$/.test(atob(key.replaceAll("-", "+").replaceAll("_", "/"))) // words in base64
  );
}
