import { key } from "./drawings.js";
import { html } from "./html.js";
import { hero, moment, page } from "./page.js";

/**
 * @param {import("./view.js").View} view
 * @param {number} now
 * @returns {import("./html.js").Markup}
 */
export function accountPage(view, now) {
  const { name, notice, cart } = view;
  return name === undefined
    ? page({ title: "Sign in", path: "/account", count: cart.count, notice, body: signIn() })
    : page({ title: "Your stay", path: "/account", name, count: cart.count, notice, body: stay(view, now) });
}

function signIn() {
  return html`
<div class="arrival">
${hero(html`<h1>Sign in</h1><p>Any name will do. There is no password, because this is a demonstration: whoever gives your name is you.</p>`)}
<form class="panel desk" method="post" action="/sign-in">
  <p class="field">
    <label for="name">Your name</label>
    <input id="name" name="name" required maxlength="40" pattern=".*\\S.*" title="At least one letter" autocomplete="username" autocapitalize="words" spellcheck="false">
  </p>
  <p class="check">
    <input type="checkbox" id="remember" name="remember">
    <label for="remember">Remember me <small>Stay signed in when the browser is closed, for up to a week.</small></label>
  </p>
  <button class="button wide">Sign in</button>
</form>
</div>`;
}

/**
 * @param {import("./view.js").View} view
 * @param {number} now
 */
function stay({ name, sessions, visits }, now) {
  const others = sessions.filter((session) => !session.current).length;
  return html`
${hero(html`<h1>Your stay, ${name}</h1><p>Where you are signed in, and where you have been. What you end here ends at once, there too.</p>`)}
<div class="columns">
  <section aria-labelledby="sessions-title">
    <h2 id="sessions-title">Where you are signed in</h2>
    <ul class="keys">${sessions.map((session) => room(session, now))}</ul>
    ${others > 0 && html`<form method="post" action="/sessions/end-others"><button>Sign out everywhere else</button></form>`}
  </section>
  <aside>
    <section class="panel" aria-labelledby="visits-title">
      <h2 id="visits-title">Where you have been</h2>
      <ol class="visits">${visits.map((visit) => html`<li><span>${visit.page}</span> ${moment(visit.at, now)}</li>`)}</ol>
      <p class="quiet">The last ${visits.length === 1 ? "page" : `${visits.length} pages`} of this session. Older ones are forgotten.</p>
    </section>
    <form method="post" action="/sign-out"><button class="button wide">Sign out</button></form>
  </aside>
</div>`;
}

/**
 * @param {import("./view.js").View["sessions"][number]} session
 * @param {number} now
 */
function room(session, now) {
  return html`
<li${session.current && html` class="here"`}>
  ${key}
  <div>
    <h3>${session.device}</h3>
    <p>${session.current && html`<b>This browser.</b> `}Signed in ${moment(session.since, now)}, ${
      session.persistent ? "remembered" : "until the browser is closed"
    }. Last seen ${moment(session.lastSeenAt, now)}.</p>
  </div>
  ${
    !session.current &&
    html`<form method="post" action="/sessions/end"><button name="handle" value="${session.handle}" aria-label="Sign out there: ${session.device}">Sign out there</button></form>`
  }
</li>`;
}
