/**
 * A day of one million users, computed: 1,000 users are played through with a clock that is moved, on a store that
 * counts, and multiplied. The records are real, so their sizes are measured; how people behave is assumed, and stands
 * below. The same numbers each time.
 *
 *     node bench/scale.js
 */
import { library } from "./contestants/sojourn.js";

const { createSessions, memoryStore } = await library();

const USERS = 1_000;
const DAILY_USERS = 1_000_000;
const MINUTE = 60_000;
const DAY = 1_440 * MINUTE;

/**
 * A user is signed in, comes back twice a day for a quarter of an hour, and every tenth request changes the session.
 */
const VISITS = [9 * 60, 20 * 60];
const REQUESTS_IN_A_VISIT = 20;
const VISIT_MINUTES = 15;
const WRITES_EVERY = 10;
/** The busiest hour has this many times the average. */
const PEAK = 4;
const DATA = { cart: ["book", "lamp", "tea"], theme: "dark", language: "en", csrf: "c".repeat(32) };

const size = (text) => Buffer.byteLength(text);

async function playADay(touchEvery) {
  let now = Date.UTC(2026, 0, 1);
  const memory = memoryStore({ clock: () => now, maxEntries: 100 * USERS });
  const calls = { read: 0, create: 0, update: 0, touch: 0 };
  const sent = { read: 0, create: 0, update: 0, touch: 0 };
  const records = [];
  const store = {
    ...memory,
    read(key) {
      const entry = memory.read(key);
      calls.read++;
      sent.read += size(key) + size(entry?.value ?? "");
      return entry;
    },
    create(key, value, meta) {
      calls.create++;
      sent.create += size(key) + size(value) + size(meta.subject ?? "");
      return memory.create(key, value, meta);
    },
    update(key, value, meta, expected) {
      calls.update++;
      sent.update += size(key) + size(value) + size(meta.subject ?? "");
      records.push(size(key) + size(value));
      return memory.update(key, value, meta, expected);
    },
    touch(key, expiresAt, expected) {
      calls.touch++;
      sent.touch += size(key);
      return memory.touch(key, expiresAt, expected);
    },
  };
  const sessions = createSessions({ store, clock: () => now, lifetime: { touchEvery } });
  const cookies = new Map();

  async function visit(user, handler) {
    const request = new Request("https://example.com/", { headers: { cookie: cookies.get(user) ?? "" } });
    const handle = sessions.wrap((_request, session) => {
      handler(session);
      return new Response();
    });
    const response = await handle(request);
    const [given] = response.headers.getSetCookie();
    if (given !== undefined) cookies.set(user, given.split(";", 1)[0]);
  }

  for (let user = 0; user < USERS; user++) {
    await visit(user, (session) => {
      session.signIn(`user-${String(user).padStart(8, "0")}`);
      for (const [key, value] of Object.entries(DATA)) session.set(key, value);
    });
  }
  const created = { calls: { ...calls }, sent: { ...sent } };
  // The day after: everybody is signed in already.
  const start = now + DAY / 4;
  let requests = 0;
  for (const minute of VISITS) {
    for (let request = 0; request < REQUESTS_IN_A_VISIT; request++) {
      now = start + (minute - VISITS[0]) * MINUTE + (request * VISIT_MINUTES * MINUTE) / REQUESTS_IN_A_VISIT;
      for (let user = 0; user < USERS; user++) {
        const writes = (request + 1) % WRITES_EVERY === 0;
        await visit(user, (session) =>
          writes ? session.update("pages", (pages = 0) => pages + 1) : session.get("theme"),
        );
        requests++;
      }
    }
  }
  const counted = Object.fromEntries(Object.keys(calls).map((kind) => [kind, calls[kind] - created.calls[kind]]));
  const bytes = Object.fromEntries(Object.keys(sent).map((kind) => [kind, sent[kind] - created.sent[kind]]));
  return { requests, calls: counted, bytes, record: records.reduce((sum, one) => sum + one, 0) / records.length };
}

const factor = DAILY_USERS / USERS;
const millions = (count) => `${((count * factor) / 1e6).toFixed(1)} M`;
const gigabytes = (bytes) => `${((bytes * factor) / 1e9).toFixed(1)} GB`;
const aSecond = (count, peak = 1) => Math.round((count * factor * peak) / 86_400);

function row(...cells) {
  return cells.map((cell, index) => (index === 0 ? String(cell).padEnd(32) : String(cell).padStart(12))).join("");
}

const throttled = await playADay(12 * 360);
const everyMinute = await playADay(1);
const writesOf = ({ calls }) => calls.create + calls.update + calls.touch;

const lines = [
  `One day of ${DAILY_USERS.toLocaleString("en")} users: ${millions(throttled.requests)} requests, a record of ${Math.round(throttled.record)} bytes with its key`,
  "",
  row("", "a day", "a second", "at the peak", "bytes a day"),
  row(
    "reads",
    millions(throttled.calls.read),
    aSecond(throttled.calls.read),
    aSecond(throttled.calls.read, PEAK),
    gigabytes(throttled.bytes.read),
  ),
  row(
    "updates",
    millions(throttled.calls.update),
    aSecond(throttled.calls.update),
    aSecond(throttled.calls.update, PEAK),
    gigabytes(throttled.bytes.update),
  ),
  row(
    "touches",
    millions(throttled.calls.touch),
    aSecond(throttled.calls.touch),
    aSecond(throttled.calls.touch, PEAK),
    gigabytes(throttled.bytes.touch),
  ),
  row(
    "all writes",
    millions(writesOf(throttled)),
    aSecond(writesOf(throttled)),
    aSecond(writesOf(throttled), PEAK),
    gigabytes(throttled.bytes.update + throttled.bytes.touch),
  ),
  row(
    "all writes, every use a touch",
    millions(writesOf(everyMinute)),
    aSecond(writesOf(everyMinute)),
    aSecond(writesOf(everyMinute), PEAK),
    gigabytes(everyMinute.bytes.update + everyMinute.bytes.touch),
  ),
  "",
  `Stored at once, ${DAILY_USERS.toLocaleString("en")} live sessions: ${gigabytes(throttled.record * USERS)} of keys and values`,
];
console.log(lines.join("\n"));
