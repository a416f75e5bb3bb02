import { goods } from "./goods.js";

/**
 * What the site keeps in a session. Who is signed in is no part of it: that is the session's own `subject`.
 *
 * @typedef {object} SiteData
 * @property {Record<string, number>} cart How many of each good.
 * @property {{ page: string, at: number }[]} visits Newest first, bounded.
 * @property {string} notice Shown once, on the page after a change.
 */

/** @typedef {Awaited<ReturnType<typeof view>>} View */

/**
 * All that a page shows of a visitor; with `Accept: application/json` it is the answer.
 *
 * @param {import("@sojourn/session").Sessions<SiteData>} sessions
 * @param {import("@sojourn/session").Session<SiteData>} session
 * @param {boolean} visiting Whether somebody will see it, so that the notice counts as said.
 */
export async function view(sessions, session, visiting) {
  const items = Object.entries(session.get("cart") ?? {}).flatMap(([id, count]) => {
    const good = goods.get(id);
    return good === undefined ? [] : [{ id, name: good.name, cents: good.cents, count }];
  });
  const listed = await listOf(sessions, session);
  return {
    name: session.subject,
    notice: visiting ? session.take("notice") : undefined,
    cart: {
      items,
      count: items.reduce((sum, item) => sum + item.count, 0),
      cents: items.reduce((sum, item) => sum + item.count * item.cents, 0),
    },
    visits: session.get("visits") ?? [],
    session:
      session.isNew || session.handle === undefined
        ? undefined
        : { handle: session.handle, createdAt: session.createdAt, expiresAt: session.expiresAt },
    sessions: listed
      .map((info) => ({
        handle: info.handle,
        device: deviceOf(info.meta),
        current: info.current === true,
        persistent: info.persistent,
        since: info.authenticatedAt ?? info.createdAt,
        lastSeenAt: info.lastSeenAt,
      }))
      .sort((a, b) => Number(b.current) - Number(a.current)),
  };
}

/**
 * The visitor's sessions; none for somebody who is not signed in, and none where sessions are sealed in their cookies,
 * which nobody can list.
 *
 * @param {import("@sojourn/session").Sessions<SiteData>} sessions
 * @param {import("@sojourn/session").Session<SiteData>} session
 */
export async function listOf(sessions, session) {
  if (session.subject === undefined) return [];
  return sessions.list(session.subject, { current: session.handle }).catch((error) => {
    if (error.code === "not_supported") return [];
    throw error;
  });
}

/** @param {unknown} meta What `describe` gave when the session began. */
function deviceOf(meta) {
  const device = /** @type {{ device?: unknown } | undefined} */ (meta)?.device;
  return typeof device === "string" ? device : "Some client";
}
