/**
 * What Next's functions throw in place of an answer. Told by the `digest`, by which Next itself tells them: it crosses
 * from one copy of Next's modules to another.
 */

/** What `redirect()` and `permanentRedirect()` throw. */
export function isRedirect(thrown: unknown): boolean {
  return digestOf(thrown).startsWith("NEXT_REDIRECT;");
}

/** The status of what `notFound()`, `forbidden()` and `unauthorized()` throw; `undefined` for anything else. */
export function fallbackStatus(thrown: unknown): number | undefined {
  const [, status] = /^NEXT_HTTP_ERROR_FALLBACK;(\d{3})$/.exec(digestOf(thrown)) ?? [];
  return status === undefined ? undefined : Number(status);
}

/** Whether what an action threw is its answer: what was done to the session is kept. */
export function isAnswer(thrown: unknown): boolean {
  return isRedirect(thrown) || fallbackStatus(thrown) !== undefined;
}

function digestOf(thrown: unknown): string {
  const { digest } = Object(thrown) as { digest?: unknown };
  return typeof digest === "string" ? digest : "";
}
