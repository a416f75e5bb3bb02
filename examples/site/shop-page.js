import { goods } from "./goods.js";
import { html } from "./html.js";
import { hero, moment, page } from "./page.js";

/**
 * @param {import("./view.js").View} view
 * @param {number} now
 * @returns {import("./html.js").Markup}
 */
export function shopPage(view, now) {
  const greeting = view.name === undefined ? "Stay as long as you like." : `Good to have you, ${view.name}.`;
  return page({
    title: "Shop",
    path: "/",
    name: view.name,
    count: view.cart.count,
    notice: view.notice,
    body: html`
${hero(html`<h1>${greeting}</h1><p>A small shop for long ways. It remembers what you put down, in every tab, and forgets you when you say so.</p>`)}
<div class="columns">
  <section aria-labelledby="goods-title">
    <h2 id="goods-title">For the road</h2>
    <form method="post" action="/cart">
      <ul class="goods">${[...goods].map(([id, good]) => shelf(id, good))}</ul>
    </form>
  </section>
  <aside>
    ${cart(view.cart)}
    ${behind(view, now)}
  </aside>
</div>`,
  });
}

/**
 * @param {string} id
 * @param {import("./goods.js").Good} good
 */
function shelf(id, good) {
  return html`
<li id="${id}">
  <svg class="mark" viewBox="0 0 48 48" aria-hidden="true">${good.mark}</svg>
  <h3>${good.name}</h3>
  <p>${good.about}</p>
  <div class="buy">
    <span class="price">${price(good.cents)}</span>
    <button name="add" value="${id}" aria-label="Add ${good.name} to the cart">Add</button>
  </div>
</li>`;
}

/** @param {import("./view.js").View["cart"]} cart */
function cart({ items, count, cents }) {
  return html`
<section class="panel" id="cart" aria-labelledby="cart-title">
  <h2 id="cart-title">Your cart</h2>
  ${
    count === 0
      ? html`<p class="quiet">Empty. Travel light.</p>`
      : html`
  <form method="post" action="/cart">
    <input type="hidden" name="from" value="cart">
    <ul class="lines">${items.map(
      (item) => html`
      <li>
        <span class="what">${item.name}</span>
        <span class="many"><button class="small" name="remove" value="${item.id}" aria-label="One ${item.name} less">−</button>
          <b>${item.count}</b>
          <button class="small" name="add" value="${item.id}" aria-label="One ${item.name} more">+</button></span>
        <span class="price">${price(item.cents * item.count)}</span>
      </li>`,
    )}</ul>
    <p class="total"><span>${count} ${count === 1 ? "thing" : "things"}</span> <b class="price">${price(cents)}</b></p>
  </form>
  <form method="post" action="/order"><button class="button wide">Order</button></form>`
  }
</section>`;
}

/**
 * What the server keeps about the reader, said to the reader. @param {import("./view.js").View} view @param {number}
 * now
 */
function behind({ session }, now) {
  return html`
<section class="panel slim" aria-labelledby="behind-title">
  <h2 id="behind-title">Behind this page</h2>
  ${
    session === undefined
      ? html`<p class="quiet">You have no session yet: no cookie, no record, and this page asked the store nothing. Put something in the cart, and one begins.</p>`
      : html`
  <dl>
    <dt>Record</dt><dd><code title="${session.handle}">${session.handle.slice(0, 8)}…</code></dd>
    <dt>Began</dt><dd>${moment(session.createdAt, now)}</dd>
    <dt>Ends if unused</dt><dd>${moment(session.expiresAt, now)}</dd>
  </dl>
  <p class="quiet">The record's name is a digest of your cookie. Whoever reads the store cannot be you.</p>`
  }
</section>`;
}

/** @param {number} cents */
function price(cents) {
  return `€ ${(cents / 100).toFixed(2)}`;
}
