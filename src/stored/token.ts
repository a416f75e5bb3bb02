import { hmacSha256, sha256 } from "#platform";
import { randomText } from "../platform/random-text.ts";

/**
 * 32 bytes as base64url: 42 free characters, and one whose two spare bits are zero, so that a token has exactly one
 * spelling.
 */
const SHAPE = /^[A-Za-z0-9_-]{42}[AEIMQUYcgkosw048]$/;

const TOKEN_BYTES = 32;

/**
 * Whether a string from outside has the shape of a token or a key. Checked before it is hashed or handed to a store.
 */
export function isWellFormed(text: string): boolean {
  return text.length === 43 && SHAPE.test(text);
}

/**
 * A new token: 256 random bits (OWASP ASVS 7.2.3), base64url, 43 characters. The bearer secret; it is only ever in the
 * cookie.
 */
export function newToken(): string {
  return randomText(TOKEN_BYTES);
}

/** The key of a token, base64url of its SHA-256: all that a store ever sees, and the public handle of a new session. */
export function digest(token: string): string {
  return sha256(token);
}

/**
 * The one token that can follow `token`: neither the token alone nor the stored nonce alone yields it, and everyone who
 * has both gets the same.
 */
export function successorOf(token: string, nonce: string): string {
  return hmacSha256(token, nonce);
}
