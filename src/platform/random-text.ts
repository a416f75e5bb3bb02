import { encodeBase64url } from "#platform";
import { randomBytes } from "./bytes.ts";

/** 128 random bits as base64url, 22 characters: a name that nobody else has drawn. */
export function newNonce(): string {
  return encodeBase64url(randomBytes(16));
}
