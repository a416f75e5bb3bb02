import { key, scene } from "./drawings.js";
import { html } from "./html.js";

/** @typedef {import("./html.js").Markup} Markup */

/**
 * What every page of the site shares.
 *
 * @typedef {object} Frame
 * @property {string} title
 * @property {string} path The page's own, to mark it in the navigation.
 * @property {string | undefined} [name] Who is signed in.
 * @property {number} [count] Things in the cart; absent on a page that asked for no session and so does not know.
 * @property {string | undefined} [notice] Said once, then forgotten.
 * @property {Markup} body
 */

/**
 * @param {Frame} frame
 * @returns {Markup}
 */
export function page({ title, path, name, count, notice, body }) {
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${title} · Sojourn</title>
<link rel="icon" href="/favicon.svg" type="image/svg+xml">
<link rel="stylesheet" href="/style.css">
</head>
<body>
<a class="skip" href="#main">Skip to the content</a>
<header class="top">
  <div class="bar">
    <a class="brand" href="/">${key}<span>Sojourn</span></a>
    <nav aria-label="Pages">
      ${link("/", "Shop", path)}
      ${link("/account", count === undefined ? "Account" : name === undefined ? "Sign in" : "Your stay", path)}
      ${count !== undefined && html`<a class="count" href="/#cart">Cart <b>${count}</b></a>`}
    </nav>
  </div>
  ${notice !== undefined && html`<p class="notice" role="status">${notice}</p>`}
</header>
<main id="main">${body}</main>
<footer class="foot">
  <p>A demonstration of <code>@sojourn/session</code>. No password, no payment, no script, and nothing that you enter leaves this server.</p>
</footer>
</body>
</html>`;
}

/**
 * @param {string} path
 * @param {string} text
 * @param {string} current
 * @returns {Markup}
 */
function link(path, text, current) {
  return html`<a href="${path}"${path === current && html` aria-current="page"`}>${text}</a>`;
}

/**
 * The picture with which a page begins.
 *
 * @param {Markup} words
 * @returns {Markup}
 */
export function hero(words) {
  return html`<section class="hero">${scene}<div class="words">${words}</div></section>`;
}

/**
 * A page that is nothing but a sentence and asks for no session.
 *
 * @param {string} path
 * @param {string} title
 * @param {string} text
 * @returns {Markup}
 */
export function message(path, title, text) {
  return page({ title, path, body: sentence(title, text) });
}

/**
 * @param {import("./view.js").View} view
 * @returns {Markup}
 */
export function goodbyePage({ name, notice, cart }) {
  const path = "/signed-out";
  return name === undefined
    ? page({
        title: "Signed out",
        path,
        count: cart.count,
        notice,
        body: sentence(
          "You are signed out",
          "The record is gone from the store, and the key in your browser opens nothing any more. Safe travels.",
          html`<p class="onward"><img src="/returned-key.svg" alt="" width="48" height="64"></p>`,
        ),
      })
    : page({
        title: "Signed in",
        path,
        name,
        count: cart.count,
        notice,
        body: sentence(`You are signed in, ${name}`, "Your stay goes on."),
      });
}

/**
 * @param {string} title
 * @param {string} text
 * @param {Markup} [picture]
 */
function sentence(title, text, picture) {
  return html`${hero(html`<h1>${title}</h1><p>${text}</p>`)}${picture}<p class="onward"><a class="button" href="/">To the shop</a></p>`;
}

const units = /** @type {const} */ ([
  [86_400_000, "day"],
  [3_600_000, "hour"],
  [60_000, "minute"],
]);

/**
 * A moment as a person says it, for servers that do not know the reader's time zone: "just now", "3 minutes ago", "in 7
 * days".
 *
 * @param {number} at Epoch milliseconds.
 * @param {number} now Epoch milliseconds.
 * @returns {Markup}
 */
export function moment(at, now) {
  const away = Math.abs(at - now);
  const unit = units.find(([size]) => away >= size);
  let text = "just now";
  if (unit !== undefined) {
    const n = Math.round(away / unit[0]);
    const span = `${n} ${unit[1]}${n === 1 ? "" : "s"}`;
    text = at > now ? `in ${span}` : `${span} ago`;
  }
  return html`<time datetime="${new Date(at).toISOString()}">${text}</time>`;
}
