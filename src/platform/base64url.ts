import { nodeBuiltin } from "./runtime.ts";

type Bytes = Uint8Array<ArrayBuffer>;

/**
 * What ends a text whose last character has no spare bits set, by the length modulo 4; no text has a length of 1 modulo
 * 4.
 */
const ENDS = [/^[\w-]*$/, /$^/, /^[\w-]*[AQgw]$/, /^[\w-]*[AEIMQUYcgkosw048]$/];

/**
 * Bytes of unpadded base64url; `undefined` for anything but the one spelling that {@link encodeBase64url} gives them.
 */
export function decodeBase64url(text: string): Bytes | undefined {
  if (!ENDS[text.length % 4]?.test(text)) return undefined;
  const { Buffer } = platform();
  if (Buffer) return Buffer.from(text, "base64url");
  return Uint8Array.from(atob(text.replaceAll("-", "+").replaceAll("_", "/")), (character) => character.charCodeAt(0));
}

export function encodeBase64url(bytes: Bytes): string {
  const { Buffer } = platform();
  if (Buffer) return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString("base64url");
  const binary = Array.from(bytes, (byte) => String.fromCharCode(byte)).join("");
  return btoa(binary).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

/** What we call of `node:buffer`: 10 times faster than loops. */
interface NodeBuffer {
  readonly Buffer?: {
    from(text: string, encoding: "base64url"): Bytes;
    from(buffer: ArrayBuffer, offset: number, length: number): { toString(encoding: "base64url"): string };
  };
}

let found: NodeBuffer | undefined;

function platform(): NodeBuffer {
  found ??= nodeBuiltin<NodeBuffer>("node:buffer") ?? {};
  return found;
}
