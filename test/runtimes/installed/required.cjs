/** The same by require(): every entry loads, and a session is kept. Prints what it saw as JSON. */
const { exports: published } = require("@sojourn/session/package.json");
const { createSessions } = require("@sojourn/session");
const { cookieJar } = require("@sojourn/session/testing");

// The first wants its peer, @hono/node-server
const entries = Object.keys(published).filter((key) => !["./node-listener", "./package.json"].includes(key));
const empty = entries.filter((key) => Object.keys(require(`@sojourn/session${key.slice(1)}`)).length === 0);

const browser = cookieJar(
  createSessions().wrap((_request, session) => {
    session.update("visits", (visits = 0) => Number(visits) + 1);
    return new Response(String(session.get("visits")));
  }),
);
browser
  .fetch("/")
  .then(() => browser.fetch("/"))
  .then(async (response) => console.log(JSON.stringify({ empty, visits: await response.text() })));
