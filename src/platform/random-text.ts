import { encodeBase64url } from "#platform";
import type { Bytes } from "./bytes.ts";

/**
 * Where bytes are drawn to, by their number. Each draw fills all of it anew, so it holds nothing ahead of its use; a
 * new array for each takes a fifth of the draw.
 */
const drawn: Record<16 | 32, Bytes> = { 16: new Uint8Array(16), 32: new Uint8Array(32) };

/** So many random bytes, drawn now, as base64url. */
export function randomText(count: 16 | 32): string {
  return encodeBase64url(crypto.getRandomValues(drawn[count]));
}

/** 128 random bits as base64url, 22 characters: a name that nobody else has drawn. */
export function newNonce(): string {
  return randomText(16);
}
