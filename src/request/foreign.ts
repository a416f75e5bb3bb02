import { SessionError } from "../errors.ts";
import type { RequestLike } from "../http/cookie-options.ts";
import { foreignMessage, isForeignBy, sourceOf } from "../http/foreign.ts";
import type { Settings } from "../rules/options.ts";
import { noData } from "../session/content.ts";
import type { Loaded } from "../session/state.ts";

/**
 * What a request of another origin gets instead of its session, `undefined` for any other request: what SameSite would
 * have left of it, nothing, and what would keep the browser from losing its cookie to the answer, no changes.
 */
export function foreignSession(settings: Settings, request: RequestLike, now: number): Loaded | undefined {
  const { crossOrigin, emit } = settings;
  if (crossOrigin === undefined || !isForeignBy(request, crossOrigin)) return undefined;
  emit({ type: "foreign_request", ...sourceOf(request) });
  if (crossOrigin.refuse) throw new SessionError("foreign_request", foreignMessage(request));
  return { status: "foreign", ...noData(settings.shape), createdAt: now, expiresAt: now, persistent: false };
}

/** The 403 for a request of another origin under `answer: "refuse"`. */
export function refusalOf({ crossOrigin, emit }: Settings, request: RequestLike): Response | undefined {
  if (!crossOrigin?.refuse || !isForeignBy(request, crossOrigin)) return undefined;
  emit({ type: "foreign_request", ...sourceOf(request) });
  const headers = { "content-type": "text/plain;charset=UTF-8", "cache-control": "no-store" };
  return new Response("Forbidden: this request comes from another origin", { status: 403, headers });
}
