/**
 * `#platform` on any runtime of the Fetch API: Cloudflare Workers, edge runtimes, browsers, service workers. The hashes
 * are those of `@oslojs/crypto`, synchronous: `crypto.subtle` takes longer for a token, and a promise.
 */
import { hmac } from "@oslojs/crypto/hmac";
import { sha1 as sha1Bytes } from "@oslojs/crypto/sha1";
import { SHA256, sha256 as sha256Bytes } from "@oslojs/crypto/sha2";
import { decodeBase64urlIgnorePadding, encodeBase64urlNoPadding, encodeHexLowerCase } from "@oslojs/encoding";
import { type Aead, type Bytes, isCanonicalBase64url, joined, NONCE_BYTES } from "./bytes.ts";

const utf8 = new TextEncoder();

/** SHA-256 of a text, as base64url. */
export function sha256(text: string): string {
  return encodeBase64urlNoPadding(sha256Bytes(utf8.encode(text)));
}

/** HMAC-SHA-256 of a text, as base64url. */
export function hmacSha256(key: string, text: string): string {
  return encodeBase64urlNoPadding(hmac(SHA256, utf8.encode(key), utf8.encode(text)));
}

/** SHA-1 of a text, in hex: Redis names its scripts by it. */
export function sha1(text: string): string {
  return encodeHexLowerCase(sha1Bytes(utf8.encode(text)));
}

/** HKDF-SHA-256 (RFC 5869), 32 bytes: one block, so that expanding is one HMAC. */
export function hkdfSha256(key: string, salt: string, info: string): Bytes {
  const extracted = hmac(SHA256, utf8.encode(salt), utf8.encode(key));
  return new Uint8Array(hmac(SHA256, extracted, joined(utf8.encode(info), Uint8Array.of(1))));
}

/** Unpadded base64url (RFC 4648, section 5). */
export function encodeBase64url(bytes: Bytes): string {
  return encodeBase64urlNoPadding(bytes);
}

/**
 * Bytes of unpadded base64url; `undefined` for anything but the one spelling that {@link encodeBase64url} gives them.
 */
export function decodeBase64url(text: string): Bytes | undefined {
  return isCanonicalBase64url(text) ? new Uint8Array(decodeBase64urlIgnorePadding(text)) : undefined;
}

/** AES-256-GCM under one key, by WebCrypto: hence promises. */
export function createAead(secret: Bytes): Aead {
  // The key, not its promise: on Workers one request must not wait for what another began
  let key: CryptoKey | undefined;
  const imported = async (): Promise<CryptoKey> =>
    (key ??= await crypto.subtle.importKey("raw", secret, "AES-GCM", false, ["encrypt", "decrypt"]));
  // The tag is 16 bytes by default
  const algorithm = (iv: Bytes, additionalData: Bytes): AesGcmParams => ({ name: "AES-GCM", iv, additionalData });
  return {
    async seal(nonce, plain, context) {
      const by = await imported();
      return joined(nonce, new Uint8Array(await crypto.subtle.encrypt(algorithm(nonce, context), by, plain)));
    },
    async open(sealed, context) {
      const [nonce, rest] = [sealed.subarray(0, NONCE_BYTES), sealed.subarray(NONCE_BYTES)];
      try {
        return new Uint8Array(await crypto.subtle.decrypt(algorithm(nonce, context), await imported(), rest));
      } catch {
        return undefined;
      }
    },
  };
}

/**
 * Refuses a runtime that cannot hold two Set-Cookie lines apart, at construction: found missing at the first sign-in,
 * the session would be stored and its cookie lost.
 * @throws TypeError
 */
export function checkRuntime(): void {
  if (typeof Headers === "undefined" || typeof Headers.prototype.getSetCookie === "function") return;
  throw new TypeError(
    "Cannot make sessions on this runtime: its Headers have no getSetCookie(). On Cloudflare Workers set " +
      "compatibility_date to 2023-03-01 or later",
  );
}

/**
 * Whether one request may wait for a promise that another began. Not on Workers: a request that is cut off there never
 * settles its promises, and whoever waited for them would wait for ever.
 */
export const MAY_WAIT_FOR_OTHER_REQUESTS: boolean = false;
