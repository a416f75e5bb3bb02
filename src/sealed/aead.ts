import type { Awaitable } from "../platform/awaitable.ts";
import { nodeBuiltin } from "../platform/runtime.ts";

/**
 * AES-256-GCM under one key (NIST SP 800-38D). What is sealed is the 96-bit nonce, the ciphertext and the full 16-byte
 * tag.
 */
export interface Aead {
  seal(nonce: Bytes, plain: Bytes, context: Bytes): Awaitable<Bytes>;
  /** `undefined` when the tag does not fit: another key, nonce, text or context. Never throws. */
  open(sealed: Bytes, context: Bytes): Awaitable<Bytes | undefined>;
}

type Bytes = Uint8Array<ArrayBuffer>;

export const NONCE_BYTES = 12;
const TAG_BYTES = 16;

/** By the fastest means of the runtime. Both give the same bytes. */
export function createAead(secret: Bytes): Aead {
  // Where it is there it is 2 to 11 times faster; on Workers it would take 4 times as long as `crypto.subtle`
  const node = nodeBuiltin<NodeCrypto>("node:crypto");
  return node ? nodeAead(node, secret) : webAead(secret);
}

/** What we call of `node:crypto`. */
interface NodeCrypto {
  createCipheriv(
    algorithm: "aes-256-gcm",
    key: Bytes,
    nonce: Bytes,
    options: { authTagLength: number },
  ): NodeCipher & { getAuthTag(): Bytes };
  createDecipheriv(
    algorithm: "aes-256-gcm",
    key: Bytes,
    nonce: Bytes,
    options: { authTagLength: number },
  ): NodeCipher & { setAuthTag(tag: Bytes): void };
}

interface NodeCipher {
  setAAD(context: Bytes): void;
  update(bytes: Bytes): Bytes;
  final(): Bytes;
}

/** For the tests, which hold it against {@link webAead}. */
export function nodeAead(node: NodeCrypto, secret: Bytes): Aead {
  const options = { authTagLength: TAG_BYTES }; // without it a shorter tag would do
  return {
    seal(nonce, plain, context) {
      const cipher = node.createCipheriv("aes-256-gcm", secret, nonce, options);
      cipher.setAAD(context);
      const text = cipher.update(plain);
      cipher.final(); // empty in this mode
      return joined(nonce, text, cipher.getAuthTag());
    },
    open(sealed, context) {
      try {
        const decipher = node.createDecipheriv("aes-256-gcm", secret, sealed.subarray(0, NONCE_BYTES), options);
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

export function webAead(secret: Bytes): Aead {
  // The key, not its promise: on Workers one request must not wait for what another began
  let key: CryptoKey | undefined;
  const imported = async (): Promise<CryptoKey> =>
    (key ??= await crypto.subtle.importKey("raw", secret, "AES-GCM", false, ["encrypt", "decrypt"]));
  // The tag is 16 bytes by default
  const algorithm = (iv: Bytes, additionalData: Bytes): AesGcmParams => ({ name: "AES-GCM", iv, additionalData });
  return {
    async seal(nonce, plain, context) {
      return joined(
        nonce,
        new Uint8Array(await crypto.subtle.encrypt(algorithm(nonce, context), await imported(), plain)),
      );
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

function joined(...parts: Bytes[]): Bytes {
  const whole = new Uint8Array(parts.reduce((length, part) => length + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
