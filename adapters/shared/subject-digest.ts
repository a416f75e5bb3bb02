/*
 * Of the same JSON as subjectDigest of src/stores/envelope.ts, which adapters cannot import; but in hexadecimal, and
 * what is stored on these engines is found under it.
 */

/**
 * A subject as a part of a storage key: 64 characters, whatever the application calls its users. The engines limit the
 * length of a key and encode it as UTF-8, where two different lone surrogates become one character; JSON escapes those,
 * so no two subjects share a digest.
 */
export async function subjectDigest(subject: string): Promise<string> {
  const bytes = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(JSON.stringify(subject)));
  return Array.from(new Uint8Array(bytes), (byte) => byte.toString(16).padStart(2, "0")).join("");
}
