import { once } from "node:events";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createSessions } from "../../src/index.ts";
import { generateKey, type SealedCookiesOptions, sealedCookies } from "../../src/sealed.ts";

/*
 * Node refuses a request with more than 16 kB of headers, and one that is refused cannot sign out either. The limit is
 * Node's own, so it is asked of a real server.
 */

/** What sites set beside a session: analytics, advertising, a consent manager, an experiment. */
const ORDINARY = [
  "_ga=GA1.2.1234567890.1700000000",
  "_gid=GA1.2.987654321.1700000000",
  `_ga_ABCDEFGHIJ=GS1.1.1700000000.42.1.1700000123.58.0.0`,
  "_gcl_au=1.1.123456789.1700000000",
  "_fbp=fb.1.1700000000000.1234567890",
  `_hjSessionUser_1234567=${"A".repeat(180)}`,
  `_hjSession_1234567=${"A".repeat(160)}`,
  `OptanonConsent=${"isGpcEnabled=0&datestamp=Wed+Nov+25+2026&groups=C0001%3A1%2CC0002%3A1".repeat(7)}`,
  `CookieConsent=${"{stamp:%27abc%27%2Cnecessary:true%2Cpreferences:true%2Cstatistics:true}".repeat(4)}`,
  `_clck=${"a".repeat(40)}`,
  `amplitude_id=${"A".repeat(260)}`,
  `intercom-session-abcdefgh=${"A".repeat(110)}`,
].join("; ");

/** What a browser sends by itself. */
const HEADERS = {
  accept: "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,image/apng,*/*;q=0.8",
  "accept-encoding": "gzip, deflate, br, zstd",
  "accept-language": "en-GB,en-US;q=0.9,en;q=0.8,de;q=0.7",
  "cache-control": "max-age=0",
  referer: `https://www.shop.test/search?q=${"x".repeat(150)}`,
  "sec-ch-ua": '"Chromium";v="142", "Google Chrome";v="142", "Not_A Brand";v="99"',
  "sec-ch-ua-mobile": "?0",
  "sec-ch-ua-platform": '"Windows"',
  "sec-fetch-dest": "document",
  "sec-fetch-mode": "navigate",
  "sec-fetch-site": "same-origin",
  "sec-fetch-user": "?1",
  "upgrade-insecure-requests": "1",
  "user-agent":
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36",
};

let server: Server;
let url: string;
const sealed = (options: Partial<SealedCookiesOptions> = {}) => {
  const sessions = createSessions({ store: sealedCookies({ keys: [generateKey()], ...options }) });
  const respond = sessions.wrap((request, session) => {
    if (request.method === "DELETE") session.destroy();
    return Response.json(session.subject ?? null);
  });
  return { sessions, respond };
};
let site: ReturnType<typeof sealed>;

beforeAll(async () => {
  server = createServer(async (incoming, outgoing) => {
    const request = new Request(`https://shop.test${incoming.url}`, {
      method: incoming.method ?? "GET",
      headers: { cookie: incoming.headers.cookie ?? "" },
    });
    const response = await site.respond(request);
    outgoing.writeHead(response.status, [...response.headers].flat());
    outgoing.end(await response.text());
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
});
afterAll(() => server.close());

/** The cookies of a session as large as it may be, touched since, with another touch of the same length. */
async function fullSession({ sessions }: ReturnType<typeof sealed>): Promise<{ cookie: string; room: number }> {
  let [fits, tooMuch] = [0, 60_000];
  let cookie = "";
  while (tooMuch - fits > 1) {
    const room = Math.floor((fits + tooMuch) / 2);
    const session = await sessions.load(new Request("https://shop.test/"));
    session.signIn("anna");
    session.set("text", "x".repeat(room));
    try {
      const lines = (await sessions.commit(session)).getSetCookie();
      cookie = lines.map((line) => line.slice(0, line.indexOf(";"))).join("; ");
      fits = room;
    } catch {
      tooMuch = room;
    }
  }
  const touch = `__Host-Http-session.0=${"A".repeat(130)}`;
  return { cookie: `${cookie}; ${touch}`, room: fits };
}

test("with the largest session that the default lets through, and the cookies of an ordinary site, a user can sign out on Node", async () => {
  site = sealed();
  const { cookie, room } = await fullSession(site);
  // What the page promises: some 8 kB of JSON, and room for 4.5 kB of other cookies and headers
  expect(room).toBeGreaterThan(8_000);
  expect(16_384 - cookie.length).toBeGreaterThan(4_500 + 300);
  expect(ORDINARY.length).toBeGreaterThan(1_800);
  const headers = { ...HEADERS, cookie: `${ORDINARY}; ${cookie}` };
  const page = await fetch(url, { headers });
  expect([page.status, await page.json()]).toEqual([200, "anna"]);
  const signOut = await fetch(url, { method: "DELETE", headers });
  expect(signOut.status).toBe(200);
  expect(signOut.headers.getSetCookie()).toHaveLength(4);
});

test("what 0.1 allowed by default does not pass beside them: the reason for the bound", async () => {
  site = sealed({ maxCookies: 4 });
  const { cookie } = await fullSession(site);
  const page = await fetch(url, { headers: { ...HEADERS, cookie: `${ORDINARY}; ${cookie}` } });
  expect(page.status).toBe(431);
});
