import { goods } from "./goods.js";
import { listOf } from "./view.js";

/** @typedef {import("./view.js").SiteData} SiteData */
/** @typedef {import("@sojourn/session").Session<SiteData>} Session */

/**
 * Changes a session by what a form says and returns the path of the page to go to: one of our own, never one that the
 * form names.
 *
 * @typedef {(session: Session, form: URLSearchParams) => string | Promise<string>} Change
 */

const maxOfOneGood = 999;
const maxName = 40;

/**
 * Everything that a form of the site can do, by path.
 *
 * @param {import("@sojourn/session").Sessions<SiteData>} sessions
 * @returns {ReadonlyMap<string, Change>}
 */
export function createChanges(sessions) {
  return new Map(
    /** @type {[string, Change][]} */ ([
      ["/cart", changeCart],
      ["/order", order],
      ["/sign-in", signIn],
      ["/sign-out", signOut],
      ["/sessions/end", endSession],
      ["/sessions/end-others", endOthers],
    ]),
  );

  /** @param {Session} session @param {URLSearchParams} form */
  async function endSession(session, form) {
    const handle = form.get("handle") ?? "";
    if (session.subject === undefined) return "/account";
    if (handle === session.handle) return signOut(session, form);
    const ended = await sessions.revoke(session.subject, handle);
    session.set(
      "notice",
      ended ? "Signed out there. The next click there finds nobody." : "That session had ended already.",
    );
    return "/account";
  }

  /** @param {Session} session */
  async function endOthers(session) {
    if (session.subject === undefined || session.handle === undefined) return "/account";
    const others = (await listOf(sessions, session)).some((info) => !info.current);
    const ended = others ? await sessions.revokeAll(session.subject, { except: session.handle }) : 0;
    session.set("notice", `Signed out everywhere else: ${ended} ${ended === 1 ? "session" : "sessions"} ended.`);
    return "/account";
  }
}

/** @type {Change} */
function changeCart(session, form) {
  const added = form.get("add");
  const id = added ?? form.get("remove") ?? "";
  const good = goods.get(id);
  if (good === undefined) return "/";
  const by = added === null ? -1 : 1;
  // A function of the value, not a value: when two clicks race, the second one counts on from the first.
  session.update("cart", (cart = {}) => {
    const { [id]: count = 0, ...others } = cart;
    const next = Math.min(count + by, maxOfOneGood);
    return next > 0 ? { ...cart, [id]: next } : others;
  });
  session.set("notice", by > 0 ? `${good.name}: one more in your cart.` : `${good.name}: one less in your cart.`);
  return form.get("from") === "cart" ? "/#cart" : `/#${id}`;
}

/** @type {Change} */
function order(session) {
  if (!session.has("cart")) return "/";
  session.delete("cart");
  session.set("notice", "Thank you. Nothing was sold, and nothing will be sent: this is a demonstration.");
  return "/";
}

/** @type {Change} */
function signIn(session, form) {
  const name = cleanName(form.get("name") ?? "");
  if (name === "") return "/account";
  session.signIn(name, { persistent: form.has("remember") });
  session.set("notice", "Signed in. Your browser has a new key, and the one before opens nothing any more.");
  return "/account";
}

/** @type {Change} */
function signOut(session) {
  session.destroy();
  return "/signed-out";
}

/** One spelling for one name: normalized, no control or invisible characters, single spaces. @param {string} text */
function cleanName(text) {
  const visible = text
    .normalize("NFC")
    .replace(/[\p{C}\s]+/gu, " ")
    .trim();
  return Array.from(visible).slice(0, maxName).join("").trim();
}
