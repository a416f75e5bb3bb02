type Bytes = Uint8Array<ArrayBuffer>;

const utf8 = new TextEncoder();

export function bytesOf(text: string): Bytes {
  return utf8.encode(text);
}

/** The UTF-8 text of bytes; `undefined` for bytes that are none. */
export function textOf(bytes: Uint8Array | undefined): string | undefined {
  try {
    return bytes && new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    return undefined;
  }
}

/** Bytes of base64 or base64url, padded or not; `undefined` for anything else. */
export function fromBase64(text: string): Bytes | undefined {
  try {
    const binary = atob(text.replaceAll("-", "+").replaceAll("_", "/"));
    return Uint8Array.from(binary, (character) => character.charCodeAt(0));
  } catch {
    return undefined;
  }
}

/** Whether `signature` is the HMAC of `text` under one of the secrets. Takes as long for a wrong one as for a right. */
export async function isSigned(
  hash: "SHA-1" | "SHA-256",
  secrets: readonly string[],
  text: string,
  signature: Bytes | undefined,
): Promise<boolean> {
  if (!signature) return false;
  const algorithm = { name: "HMAC", hash };
  for (const secret of secrets) {
    const key = await crypto.subtle.importKey("raw", bytesOf(secret), algorithm, false, ["verify"]);
    if (await crypto.subtle.verify("HMAC", key, signature, bytesOf(text))) return true;
  }
  return false;
}

/** The text before the last dot of `text.signature`, where the HMAC-SHA-256 in base64 after it is right. */
export async function unsigned(value: string, secrets: readonly string[]): Promise<string | undefined> {
  const dot = value.lastIndexOf(".");
  if (dot < 0) return undefined;
  const text = value.slice(0, dot);
  return (await isSigned("SHA-256", secrets, text, fromBase64(value.slice(dot + 1)))) ? text : undefined;
}

/** Base64, for a proof: bytes that a client may have spelled differently have one spelling here. */
export function canonical(bytes: Uint8Array): string {
  return btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(""));
}
