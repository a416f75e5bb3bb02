import assert from "node:assert/strict";
import { afterAll, describe, test, vi } from "vitest";
import type { Session, SessionEvent, Sessions } from "../../src/index.ts";
import { createSessions, memoryStore } from "../../src/index.ts";
import { migrationSource } from "../../src/migrate.ts";
import { COOKIE } from "../support/process.ts";
import { askedStore } from "./asked-store.ts";
import { type Ask, type Behaviour, behaviourOf } from "./behaviour.ts";
import { add } from "./explore.ts";
import { type Counts, explore, FAULTS, type FaultPlan, OrderError, type Program } from "./explorer.ts";
import { numberedStore } from "./numbered-store.ts";
import { withChance, withRepeatable } from "./repeatable.ts";
import { SUBJECT } from "./requests.ts";

/*
 * Every order of the operations of two and three requests that carry the cookie of another library, on our store and on
 * the old one, whose record is really gone once it was ended.
 */

vi.setConfig({ testTimeout: 300_000 });

const total: Counts = { executions: 0, redundant: 0, longest: 0, faulted: 0 };
afterAll(() => console.info(`adoption: ${total.executions} orders, ${total.faulted} with a fault`));

const KINDS = [
  "read",
  "write",
  "sign in",
  "logout",
  "logout with the new cookie",
  "again with the old cookie",
] as const;
type Kind = (typeof KINDS)[number];

interface Data {
  start: string;
  count: number;
}

interface Answer {
  readonly cookie: string | undefined;
  readonly saw: Partial<Data>;
}

interface Outcome {
  readonly kind: Kind;
  readonly answers: readonly Answer[];
  readonly done: boolean;
  readonly error: string | undefined;
  readonly events: readonly SessionEvent["type"][];
}

const OLD = "old=one";
const NOW = 1_800_000_000_000;
const clock = () => NOW;
const ENDS: readonly Kind[] = ["logout", "logout with the new cookie"];

interface Scene {
  readonly kinds: readonly Kind[];
  readonly fault?: FaultPlan | undefined;
}

const memory = memoryStore({ clock });
const store = numberedStore(memory);
const written = new Set<string>();
const old = new Map<string, Data>();
/** What requests do is learned once for all scenes. */
const learned = new Map<string, Behaviour>();

function programOf({ kinds, fault }: Scene): Program {
  const observer = createSessions<Data>({ clock, store: memory, migrateFrom: [sourceOf(undefined)] });
  return {
    machines: kinds.map((kind, actor) => request(kind, actor, fault?.actor === actor ? fault : undefined)),
    reset() {
      for (const key of written) memory.delete(key);
      written.clear();
      store.restart();
      old.set("one", { start: "start", count: 0 });
    },
    state: () =>
      JSON.stringify([[...old], store.keysOf?.(SUBJECT), [...written].sort().map((key) => [key, store.read(key)])]),
    judge: (outcomes) => judge({ kinds, fault }, outcomes as Outcome[], observer),
  };
}

function request(kind: Kind, actor: number, fault: FaultPlan | undefined): Behaviour {
  const name = JSON.stringify([kind, actor, fault]);
  const known =
    learned.get(name) ?? behaviourOf({ start: (ask) => withChance(actor, () => begin(kind, actor, ask)) }, fault);
  learned.set(name, known);
  return known;
}

function begin(kind: Kind, actor: number, ask: Ask) {
  const events: SessionEvent[] = [];
  const sessions = createSessions<Data>({
    clock,
    // Between two answers the explorer has other things to do
    storeTimeout: 600_000,
    observe: (event) => void events.push(event),
    store: askedStore(store, ask, { actor, written, mayBeWrong: false }),
    migrateFrom: [sourceOf({ actor, ask })],
  });
  return { outcome: follow(kind, sessions, events) };
}

/** The old store. What is asked of it takes effect when the explorer says so. */
function sourceOf(asking: { readonly actor: number; readonly ask: Ask } | undefined) {
  function ask<T>(name: string, isRead: () => boolean, effect: () => T): T | Promise<T> {
    if (!asking) return effect();
    const { actor } = asking;
    const operation = { actor, name, key: "the old record", isRead, changesIndex: () => false, effect };
    return asking.ask(operation) as Promise<T>;
  }
  return migrationSource<Data>({
    name: "old",
    cookies: ["old"],
    read: ({ old: id }) => ({
      proof: id as string,
      load: () =>
        ask(
          "load",
          () => true,
          () => {
            const data = old.get(id as string);
            return data && { data, createdAt: NOW - 1_000 };
          },
        ),
    }),
    adopt: (data) => ({ subject: SUBJECT, data }),
    end: (id) =>
      ask(
        "end",
        () => !old.has(id),
        () => old.delete(id),
      ),
  });
}

/** Sends a request, and tells what came of it so far. */
function follow(kind: Kind, sessions: Sessions<Data>, events: readonly SessionEvent[]): () => Outcome {
  const answers: Answer[] = [];
  let done = false;
  let error: string | undefined;
  void (async () => {
    try {
      for await (const answer of send(kind, sessions)) answers.push(answer);
      done = true;
    } catch (thrown) {
      error = String(thrown);
    }
  })();
  return () => ({ kind, answers: [...answers], done, error, events: events.map(({ type }) => type) });
}

async function* send(kind: Kind, sessions: Sessions<Data>): AsyncGenerator<Answer, void> {
  const read = () => {};
  const destroy = (session: Session<Data>) => session.destroy();
  if (kind === "read") yield await visit(sessions, OLD, read);
  if (kind === "write") yield await visit(sessions, OLD, (session) => session.update("count", (n = 0) => n + 1));
  if (kind === "sign in") yield await visit(sessions, OLD, (session) => session.signIn(SUBJECT));
  if (kind === "logout") yield await visit(sessions, OLD, destroy);
  if (kind === "logout with the new cookie" || kind === "again with the old cookie") {
    const first = await visit(sessions, OLD, read);
    yield first;
    const ours = first.cookie ? `${COOKIE}=${first.cookie}` : OLD;
    if (kind === "again with the old cookie") {
      yield await visit(sessions, ours, read);
      yield await visit(sessions, OLD, read);
    } else yield await visit(sessions, ours, destroy);
  }
}

async function visit(sessions: Sessions<Data>, cookie: string, handler: (session: Session<Data>) => void) {
  let saw: Partial<Data> = {};
  const fetch = sessions.wrap((_request, session) => {
    saw = session.all();
    handler(session);
    return new Response();
  });
  const response = await fetch(new Request("https://example.com/", { headers: { cookie } }));
  const line = response.headers.getSetCookie().find((text) => text.startsWith(`${COOKIE}=`));
  return { cookie: line?.slice(COOKIE.length + 1).split(";", 1)[0], saw };
}

async function judge({ kinds, fault }: Scene, outcomes: readonly Outcome[], observer: Sessions<Data>): Promise<void> {
  const events = outcomes.flatMap(({ events }) => events);
  const given = outcomes.flatMap(({ answers }) => answers.map(({ cookie }) => cookie)).filter(Boolean);
  const tokens = [...new Set(given)] as string[];
  const looks: { cookie: string; live: boolean; data: Partial<Data>; handle: string | undefined }[] = [];
  for (const cookie of [...tokens.map((token) => `${COOKIE}=${token}`), OLD]) {
    let look = { cookie, live: false, data: {} as Partial<Data>, handle: undefined as string | undefined };
    await visit(observer, cookie, (session) => {
      look = { cookie, live: !session.isNew, data: session.all(), handle: session.handle };
    });
    looks.push(look);
  }
  const listed = (await observer.list(SUBJECT)).map(({ handle }) => handle);
  if (!fault) {
    for (const { kind, error, done } of outcomes) assert.ok(done, `"${kind}" fails: ${error}`);
    for (const alarm of ["token_reused", "record_rejected", "store_failed", "migration_failed", "expired"]) {
      assert.ok(!events.some((type) => type === alarm), `an event "${alarm}", though nothing is wrong`);
    }
  }
  assert.ok(events.filter((type) => type === "migrated").length <= 1, "the session is taken over twice");
  const open = new Set(looks.filter(({ live }) => live).map(({ handle }) => handle));
  assert.deepEqual(
    [...open].filter((handle) => !listed.includes(handle as string)),
    [],
    "open, and not listed",
  );
  if (!fault) assert.deepEqual(new Set(listed), open, "the list shows something else than what is open");

  const ended = outcomes.some(({ kind, done }) => ENDS.includes(kind) && done);
  if (ended) {
    for (const { cookie, data } of looks) assert.equal(data.start, undefined, `${cookie} reads what a logout ended`);
    assert.equal(looks.at(-1)?.live, false, "the old cookie signs in again after a logout");
    if (!kinds.includes("sign in")) assert.deepEqual(listed, [], "a session is left after a logout");
    return;
  }
  if (kinds.some((kind) => ENDS.includes(kind))) return;
  const carrying = new Set(looks.filter(({ data }) => data.start === "start").map(({ handle }) => handle));
  const writes = outcomes.filter(({ kind }) => kind === "write");
  const least = kinds.includes("sign in") ? 0 : writes.filter(({ done }) => done).length;
  for (const { data } of looks.filter(({ data }) => data.start === "start")) {
    const { count = 0 } = data;
    assert.ok(count >= least && count <= writes.length, `count is ${count}, and ${least} was acknowledged`);
  }
  if (kinds.includes("sign in")) {
    assert.ok(carrying.size <= 1, "the session goes on under more than one name");
    const signedIn = outcomes.some(({ kind, done }) => kind === "sign in" && done);
    if (signedIn) assert.equal(looks.at(-1)?.live, false, "the old cookie opens what a sign-in made anew");
    if (!fault) assert.equal(carrying.size, 1, "nobody has the session any more: signed out");
    return;
  }
  assert.ok(
    looks.every(({ live }) => live),
    "a cookie opens nothing: signed out",
  );
  assert.equal(carrying.size, 1, "one old session became several");
  assert.equal(listed.length, 1);
  if (!fault) assert.equal(tokens.length, 1, "parallel first requests were given several tokens");
}

async function exploreScene(scene: Scene): Promise<Counts> {
  try {
    return await withRepeatable(() => explore(programOf(scene)));
  } catch (error) {
    if (!(error instanceof OrderError)) throw error;
    const steps = error.execution.steps.map(
      ({ actor, name, key, fault }) => `${actor} ${scene.kinds[actor]}: ${name} ${key?.slice(0, 6)} ${fault ?? ""}`,
    );
    throw new Error([error.message, JSON.stringify(scene), ...steps].join("\n"), { cause: error.cause });
  }
}

function combinations(kinds: readonly Kind[], size: number): Kind[][] {
  if (size === 0) return [[]];
  return kinds.flatMap((kind, index) => combinations(kinds.slice(index), size - 1).map((rest) => [kind, ...rest]));
}

/* Of the others a run has more orders than there is time for. */
const TRIPLES = combinations(["read", "write", "sign in", "logout"], 3).filter(
  ([first, second]) => first === "read" || second === "write",
);
const PAIRS_WITH_FAULTS = combinations(KINDS, 2).filter(
  ([first, second]) => (first === "read" || first === "write") && second !== "again with the old cookie",
);

describe("every order of requests with the cookie of another library", () => {
  test.each(combinations(KINDS, 2))("%s and %s", async (...kinds) => add(total, await exploreScene({ kinds })));

  test.each(TRIPLES)("%s, %s and %s", async (...kinds) => add(total, await exploreScene({ kinds })));

  test.each(PAIRS_WITH_FAULTS)("%s and %s, with everything that can go wrong", async (...kinds) => {
    for (const fault of FAULTS) {
      for (const actor of kinds.keys()) {
        // An operation that is in no order is past the last one
        for (let index = 0, faulted = 1; faulted > 0; index++) {
          const counts = await exploreScene({ kinds, fault: { actor, index, fault } });
          faulted = counts.faulted;
          if (faulted > 0) add(total, counts);
        }
      }
    }
  });
});
