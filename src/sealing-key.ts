import { hmac } from "@oslojs/crypto/hmac";
import { SHA256, sha256 } from "@oslojs/crypto/sha2";
import { encodeBase64url } from "./base64url.ts";
import { randomBytes } from "./token.ts";

/** What is derived from one key of the application. */
export interface SealingKey {
  /** For AES-256-GCM. */
  readonly secret: Uint8Array<ArrayBuffer>;
  /** Names the key in the cookie, in 7 characters that say nothing about the secret. */
  readonly id: string;
}

export const HOW = "make one with: openssl rand -base64 32";

/** 32 bytes as base64url, base64 or hex. */
const SHAPE = /^(?:[\w-]{43}|[A-Za-z0-9+/]{43}=|[0-9a-f]{64}|[0-9A-F]{64})$/;

const utf8 = new TextEncoder();

/** A new key for `sealedCookies`: 32 random bytes as base64url. Whoever has it can open and make sessions. */
export function generateKey(): string {
  return encodeBase64url(randomBytes(32));
}

/**
 * Checks a key and derives what seals from its characters: HKDF-SHA-256 (RFC 5869), once. No slow password hash: a key that needed one is refused.
 * @throws TypeError, RangeError; the message never shows the key
 */
export function deriveKey(key: unknown, name: string): SealingKey {
  const message = `${name} must be 32 random bytes as base64url, base64 or hex; ${HOW}`;
  if (typeof key !== "string") throw new TypeError(message);
  if (!SHAPE.test(key) || isGuessable(key)) throw new RangeError(message);
  const extracted = hmac(SHA256, utf8.encode("@sojourn/session"), utf8.encode(key));
  return {
    secret: new Uint8Array(hmac(SHA256, extracted, utf8.encode("sealed cookie\x01"))),
    id: encodeBase64url(new Uint8Array(sha256(utf8.encode(`sealed cookie ${key}`)))).slice(0, 7),
  };
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
