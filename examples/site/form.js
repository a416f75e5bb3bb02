/** Far more than any form of this site needs. */
const maxBytes = 8_192;

/**
 * May this request change something? Browsers say where a request comes from: `Sec-Fetch-Site` on trustworthy origins,
 * `Origin` on every POST. A client that says neither is no browser, and nobody's cookies are with it unless it put them
 * there itself. The host alone is compared: behind a proxy that ends TLS our own URL says http.
 *
 * @param {Request} request
 * @returns {boolean}
 */
export function isOwnForm(request) {
  const site = request.headers.get("sec-fetch-site");
  if (site !== null) return site === "same-origin" || site === "none";
  const origin = request.headers.get("origin");
  if (origin === null) return true;
  return URL.canParse(origin) && new URL(origin).host === new URL(request.url).host;
}

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
