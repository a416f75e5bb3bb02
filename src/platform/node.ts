/**
 * `#platform` where there are `node:crypto` and `node:buffer`: Node, Bun and Deno. `portable.ts` is the same for every
 * other runtime; package.json ("imports") and deno.json choose between the two, so that nothing is looked up at run
 * time.
 */
import { Buffer } from "node:buffer";
import * as crypto from "node:crypto";
import { type Aead, type Bytes, isCanonicalBase64url, joined, NONCE_BYTES, TAG_BYTES } from "./bytes.ts";

/** Not in Node 20.0 to 20.11, nor in every version of Bun and Deno: hence the namespace import. */
const { hash } = crypto;

/** SHA-256 of a text, as base64url. */
export const sha256: (text: string) => string = hash
  ? (text) => hash("sha256", text, "base64url")
  : (text) => crypto.createHash("sha256").update(text).digest("base64url");

/** HMAC-SHA-256 of a text, as base64url. */
export function hmacSha256(key: string, text: string): string {
  return crypto.createHmac("sha256", key).update(text).digest("base64url");
}

/** SHA-1 of a text, in hex: Redis names its scripts by it. */
export function sha1(text: string): string {
  return crypto.createHash("sha1").update(text).digest("hex");
}

/** HKDF-SHA-256 (RFC 5869), 32 bytes. */
export function hkdfSha256(key: string, salt: string, info: string): Bytes {
  return new Uint8Array(crypto.hkdfSync("sha256", key, salt, info, 32));
}

/** Unpadded base64url (RFC 4648, section 5). */
export function encodeBase64url(bytes: Bytes): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString("base64url");
}

/**
 * Bytes of unpadded base64url; `undefined` for anything but the one spelling that {@link encodeBase64url} gives them.
 */
export function decodeBase64url(text: string): Bytes | undefined {
  return isCanonicalBase64url(text) ? Buffer.from(text, "base64url") : undefined;
}

/** AES-256-GCM under one key, synchronous: 2 to 11 times faster here than `crypto.subtle`. */
export function createAead(secret: Bytes): Aead {
  const options = { authTagLength: TAG_BYTES }; // without it a shorter tag would do
  return {
    seal(nonce, plain, context) {
      const cipher = crypto.createCipheriv("aes-256-gcm", secret, nonce, options);
      cipher.setAAD(context);
      const text = cipher.update(plain);
      cipher.final(); // empty in this mode
      return joined(nonce, text, cipher.getAuthTag());
    },
    open(sealed, context) {
      try {
        const nonce = sealed.subarray(0, NONCE_BYTES);
        const decipher = crypto.createDecipheriv("aes-256-gcm", secret, nonce, options);
        decipher.setAAD(context);
        decipher.setAuthTag(sealed.subarray(-TAG_BYTES));
        const plain = decipher.update(sealed.subarray(NONCE_BYTES, -TAG_BYTES));
        decipher.final(); // throws when the tag does not fit; nothing of the text was looked at until here
        return plain;
      } catch {
        return undefined;
      }
    },
  };
}

/**
 * Nothing: all of these runtimes have what is needed. And Node loads its whole `fetch` with the first look at
 * `Headers`, which takes 10 ms and which no V8 snapshot can hold.
 */
export function checkRuntime(): void {}

/**
 * Whether one request may wait for a promise that another began. Here every promise settles, whatever becomes of the
 * client.
 */
export const MAY_WAIT_FOR_OTHER_REQUESTS: boolean = true;
