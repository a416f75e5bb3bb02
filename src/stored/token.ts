import type { Awaitable } from "../platform/awaitable.ts";
import { encodeBase64url } from "../platform/base64url.ts";
import { nodeBuiltin } from "../platform/runtime.ts";

/**
 * 32 bytes as base64url: 42 free characters, and one whose two spare bits are zero, so that a token has exactly one
 * spelling.
 */
const SHAPE = /^[A-Za-z0-9_-]{42}[AEIMQUYcgkosw048]$/;

const TOKEN_BYTES = 32;
const NONCE_BYTES = 16;

/**
 * One call of getRandomValues costs as much for 2 kB as for 32 bytes (2.5 µs on Node), so random bytes are drawn in
 * batches.
 */
const BATCH_BYTES = 2048;

const utf8 = new TextEncoder();

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
  return encodeBase64url(randomBytes(TOKEN_BYTES));
}

/** A new nonce for {@link successorOf}. */
export function newNonce(): string {
  return encodeBase64url(randomBytes(NONCE_BYTES));
}

/**
 * The key of a token, base64url of its SHA-256: all that a store ever sees, and the public handle of the session. A
 * promise on Workers and in browsers.
 */
export function digest(token: string): Awaitable<string> {
  platform ??= findPlatform();
  return platform.hash(token);
}

/**
 * The one token that can follow `token`: neither the token alone nor the stored nonce alone yields it, and everyone who
 * has both gets the same.
 */
export function successorOf(token: string, nonce: string): Awaitable<string> {
  platform ??= findPlatform();
  return platform.hmac(token, nonce);
}

let batch: Uint8Array<ArrayBuffer> | undefined;
let used = BATCH_BYTES;

/** Random bytes from a batch. */
export function randomBytes(count: number): Uint8Array<ArrayBuffer> {
  // Not at module scope: Workers refuse randomness there, and a snapshot of the heap would repeat it.
  batch ??= new Uint8Array(BATCH_BYTES);
  if (used + count > BATCH_BYTES) {
    crypto.getRandomValues(batch);
    used = 0;
  }
  const bytes = batch.slice(used, used + count);
  batch.fill(0, used, used + count); // a token must not be found in the heap a second time
  used += count;
  return bytes;
}

interface Platform {
  hash(text: string): Awaitable<string>;
  hmac(key: string, text: string): Awaitable<string>;
}

let platform: Platform | undefined;

/**
 * What we call of `node:crypto`. It answers at once, and its SHA-256 takes 0.2 to 2 µs where `crypto.subtle` takes 3 to
 * 25.
 */
interface NodeCrypto {
  hash?(algorithm: "sha256", data: string, encoding: "base64url"): string;
  createHash(algorithm: "sha256"): NodeHash;
  createHmac(algorithm: "sha256", key: string): NodeHash;
}

interface NodeHash {
  update(data: string): { digest(encoding: "base64url"): string };
}

function findPlatform(): Platform {
  const node = nodeBuiltin<NodeCrypto>("node:crypto");
  if (!node) return webCrypto;
  const { hash } = node;
  return {
    hash: hash
      ? (text) => hash("sha256", text, "base64url")
      : (text) => node.createHash("sha256").update(text).digest("base64url"),
    hmac: (key, text) => node.createHmac("sha256", key).update(text).digest("base64url"),
  };
}

const webCrypto: Platform = {
  async hash(text) {
    return encodeBase64url(new Uint8Array(await crypto.subtle.digest("SHA-256", utf8.encode(text))));
  },
  async hmac(key, text) {
    const imported = await crypto.subtle.importKey("raw", utf8.encode(key), { name: "HMAC", hash: "SHA-256" }, false, [
      "sign",
    ]);
    return encodeBase64url(new Uint8Array(await crypto.subtle.sign("HMAC", imported, utf8.encode(text))));
  },
};
