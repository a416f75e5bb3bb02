/**
 * One server process of the fault tests: several clients that share sessions with those of other processes. Each operation is written to the
 * history before it starts and after it ended, each line at once, so that what a killed process did is known as far as it can be.
 */
import { openSync, readFileSync, renameSync, writeFileSync, writeSync } from "node:fs";
import { join } from "node:path";
import { createSessions } from "@sojourn/session";
import { connectStore } from "./connect-engine.js";
import { randomFrom } from "./random.js";

const { name, engine, port, folder, seed, slots, clients, operations, place } = JSON.parse(process.argv[2] ?? "{}");
const COOKIE = "__Host-Http-session";
const history = openSync(join(folder, `${name}.jsonl`), "a");
const { store, close } = await connectStore(engine, port, place);
let started = 0;

/** The faults keep pace with the work: so many operations are done once more. */
const REPORT_EVERY = 10;

/** What a client does, and how often of a hundred. */
const KINDS = [
  ["count", 44],
  ["write", 24],
  ["read", 27],
  ["sign in", 2],
  ["renew", 2],
  ["destroy", 1],
];

async function runClient(index) {
  const random = randomFrom(seed * 1009 + index);
  const client = `${name}.${index}`;
  const events = [];
  const sessions = createSessions({
    store,
    storeTimeout: 500,
    // Nothing is to be reused or to run out here: whatever is gone at the end was ended by somebody, or lost.
    rotation: { every: 1, grace: 3_600 },
    observe: (event) => events.push(event.type),
  });
  const jar = new Map();
  let written = 0;
  let n = 0;

  while (started < operations) {
    started++;
    if (started % REPORT_EVERY === 0) process.send?.(REPORT_EVERY);
    const slot = Math.floor(random() * slots);
    const kind = pick(random());
    const stale = random() < 0.3;
    const held = readSlot(slot);
    if (held === undefined) await perform("create", slot, crypto.randomUUID(), undefined);
    else await perform(kind, slot, held.id, stale ? held.token : (jar.get(held.id) ?? held.token));
  }

  async function perform(kind, slot, id, token) {
    const operation = { client, n: ++n, kind, id, token };
    events.length = 0;
    if (kind === "write") operation.value = ++written;
    log({ ...operation, at: "start", time: now() });
    let saw;
    const handle = sessions.wrap((_request, session) => {
      saw = { ...session.all() };
      if (kind === "create") session.set("id", id);
      else if (saw.id === id) HANDLERS[kind](session, operation);
      return new Response();
    });
    try {
      const response = await handle(
        new Request("https://example.com/", { headers: token ? { cookie: `${COOKIE}=${token}` } : {} }),
      );
      const given = response.headers
        .getSetCookie()[0]
        ?.split(";", 1)[0]
        ?.slice(COOKIE.length + 1);
      log({ client, n: operation.n, at: "end", time: now(), outcome: "ok", saw, given, events: [...events] });
      if (given && (kind === "create" || saw?.id === id)) {
        jar.set(id, given);
        writeSlot(slot, { id, token: given });
      } else if (kind !== "create" && saw?.id !== id) {
        // It ended, or the token is from before a sign-in: when the latest one opens nothing either, the visitor starts anew.
        jar.delete(id);
        const held = readSlot(slot);
        if (held?.id === id && held.token === token) await perform("create", slot, crypto.randomUUID(), undefined);
      } else if (kind === "destroy") writeSlot(slot, undefined);
    } catch (error) {
      log({
        client,
        n: operation.n,
        at: "end",
        time: now(),
        outcome: "error",
        saw,
        code: error.code ?? String(error),
        events: [...events],
      });
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }
}

const HANDLERS = {
  read: () => {},
  count: (session) => session.update("count", (count = 0) => count + 1),
  write: (session, { client, value }) => session.set(`by ${client}`, value),
  "sign in": (session, { id }) => session.signIn(`user ${id}`),
  renew: (session) => session.renew(),
  destroy: (session) => session.destroy(),
};

function pick(chance) {
  let left = chance * 100;
  for (const [kind, weight] of KINDS) {
    left -= weight;
    if (left < 0) return kind;
  }
  return "read";
}

/** A slot is a browser that all processes see: whose session it is, and its latest cookie. */
function readSlot(slot) {
  try {
    return JSON.parse(readFileSync(join(folder, `slot-${slot}.json`), "utf8")) ?? undefined;
  } catch {
    return undefined;
  }
}

function writeSlot(slot, held) {
  const draft = join(folder, `slot-${slot}.${name}.draft`);
  writeFileSync(draft, JSON.stringify(held ?? null));
  renameSync(draft, join(folder, `slot-${slot}.json`));
}

/** Nanoseconds of a clock that all processes of a machine share. */
function now() {
  return Number(process.hrtime.bigint());
}

function log(line) {
  writeSync(history, `${JSON.stringify(line)}\n`);
}

await Promise.all(Array.from({ length: clients }, (_, index) => runClient(index)));
await close();
if (process.connected) process.disconnect();
