import type { Awaitable } from "./awaitable.ts";

/** What both platforms share: the shapes of bytes, and random ones. */
export type Bytes = Uint8Array<ArrayBuffer>;

/**
 * AES-256-GCM under one key (NIST SP 800-38D). What is sealed is the 96-bit nonce, the ciphertext and the full 16-byte
 * tag.
 */
export interface Aead {
  seal(nonce: Bytes, plain: Bytes, context: Bytes): Awaitable<Bytes>;
  /** `undefined` when the tag does not fit: another key, nonce, text or context. Never throws. */
  open(sealed: Bytes, context: Bytes): Awaitable<Bytes | undefined>;
}

export const NONCE_BYTES = 12;
export const TAG_BYTES = 16;

/**
 * Random bytes, drawn now. Never ahead of their use: a pool in memory that is copied, as a V8 snapshot or a forked
 * virtual machine copies it, gives two users the same token and two cookies the same nonce. A pool saved 2 µs for each
 * new token.
 */
export function randomBytes(count: number): Bytes {
  return crypto.getRandomValues(new Uint8Array(count));
}

/**
 * What ends a text whose last character has no spare bits set, by the length modulo 4; no text has a length of 1 modulo
 * 4.
 */
const ENDS = [/^[\w-]*$/, /$^/, /^[\w-]*[AQgw]$/, /^[\w-]*[AEIMQUYcgkosw048]$/];

/** Whether a text is unpadded base64url in the one spelling that its bytes have. */
export function isCanonicalBase64url(text: string): boolean {
  return ENDS[text.length % 4]?.test(text) ?? false;
}

export function joined(...parts: Bytes[]): Bytes {
  const whole = new Uint8Array(parts.reduce((length, part) => length + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
