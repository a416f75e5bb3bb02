import { createAead, decodeBase64url, encodeBase64url } from "#platform";
import type { Awaitable } from "../platform/awaitable.ts";
import { after } from "../platform/awaitable.ts";
import { type Bytes, NONCE_BYTES, randomBytes } from "../platform/bytes.ts";
import { checkKey, deriveKey, HOW, type SealingKey } from "./key.ts";

/** Seals bytes into the value of a cookie, and opens them again. */
export interface Sealer {
  /** With the newest key, for the cookie of this name and no other. */
  seal(plain: Bytes, cookieName: string): Awaitable<string>;
  /** Whether a value names our format and one of our keys. Costs nothing; says nothing about the rest. */
  recognizes(value: string): boolean;
  /**
   * What was sealed; `undefined` for anything that was not sealed with one of our keys for the cookie of this name.
   * Never throws.
   */
  open(value: string, cookieName: string): Awaitable<Bytes | undefined>;
}

/** Change it when the format changes: a version that is not ours is no session. */
const VERSION = "1";

/** Characters of version and key id, and of the nonce behind them. */
export const PREFIX_LENGTH = 8;
export const NONCE_LENGTH = 16;

const utf8 = new TextEncoder();

/**
 * Checks the keys, and makes what seals and opens with them.
 * @throws TypeError, RangeError
 */
export function createSealer(keys: readonly unknown[]): Sealer {
  if (!Array.isArray(keys) || keys.length === 0)
    throw new TypeError(`keys must be an array of keys, the newest first; ${HOW}`);
  const checked = keys.map((key: unknown, index) => checkKey(key, `keys[${index}]`));
  if (new Set(checked).size < checked.length) throw new RangeError("keys has a key twice");
  return sealerOf(checked.map(deriveKey));
}

/*
 * The value: version (1 character), key id (7), then as base64url in its one spelling: nonce (12 bytes), ciphertext,
 * tag (16). Authenticated with it: version, key id and cookie name, so that a cookie means nothing under another name.
 *
 * Random nonces under one key are safe for some four billion seals (NIST SP 800-38D, section 8.3).
 */
function sealerOf(keys: readonly SealingKey[]): Sealer {
  const ring = new Map(keys.map(({ id, secret }) => [VERSION + id, createAead(secret)] as const));
  // Names come from the configuration: an application has one, or two with `secure: "auto"`
  const contexts = new Map<string, Bytes>();
  const contextOf = (prefix: string, cookieName: string): Bytes => {
    const text = prefix + cookieName;
    const context = contexts.get(text) ?? utf8.encode(text);
    contexts.set(text, context);
    return context;
  };
  const [[newest, { seal }]] = ring as unknown as [[string, ReturnType<typeof createAead>]];
  return {
    seal(plain, cookieName) {
      return after(
        seal(randomBytes(NONCE_BYTES), plain, contextOf(newest, cookieName)),
        (sealed) => newest + encodeBase64url(sealed),
      );
    },
    recognizes: (value) => ring.has(value.slice(0, PREFIX_LENGTH)),
    open(value, cookieName) {
      const prefix = value.slice(0, PREFIX_LENGTH);
      const bytes = decodeBase64url(value.slice(PREFIX_LENGTH));
      return bytes && ring.get(prefix)?.open(bytes, contextOf(prefix, cookieName));
    },
  };
}
