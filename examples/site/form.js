/** Far more than any form of this site needs. */
const maxBytes = 8_192;

/**
 * The fields of a posted form, or the status that refuses it: 415 for another type of body, 413 for a body over 8 KiB.
 *
 * @param {Request} request
 * @returns {Promise<URLSearchParams | 413 | 415>}
 */
export async function readForm(request) {
  const reader = request.body?.getReader();
  const decoder = new TextDecoder();
  let bytes = 0;
  let text = "";
  // Read piece by piece, because a Content-Length may be absent or untrue.
  for (let piece = await reader?.read(); piece?.value !== undefined; piece = await reader?.read()) {
    bytes += piece.value.byteLength;
    if (bytes > maxBytes) {
      await reader?.cancel();
      return 413;
    }
    text += decoder.decode(piece.value, { stream: true });
  }
  const type = request.headers.get("content-type")?.split(";", 1)[0]?.trim().toLowerCase();
  return bytes === 0 || type === "application/x-www-form-urlencoded"
    ? new URLSearchParams(text + decoder.decode())
    : 415;
}
