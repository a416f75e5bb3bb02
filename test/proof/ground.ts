import type { Entry, SessionStore } from "../../src/index.ts";
import { cachedStore, memoryStore } from "../../src/index.ts";
import { digest } from "../../src/stored/token.ts";
import { COOKIE } from "../support/process.ts";
import { askedStore } from "./asked-store.ts";
import { type Ask, type Behaviour, behaviourOf } from "./behaviour.ts";
import type { FaultPlan, Operation } from "./explorer.ts";
import { numberedStore } from "./numbered-store.ts";
import { withChance } from "./repeatable.ts";
import { type Answer, type Kind, type Process, requestWith, SUBJECT, send, startProcess } from "./requests.ts";

/** Under which conditions requests come. */
export interface Conditions {
  /** The token is due to be replaced. */
  readonly rotating: boolean;
  /** All requests reach one process, and its queue, instead of one each. */
  readonly oneProcess?: boolean;
  /** Every process has a near cache, which has seen the session a moment ago. */
  readonly cached?: boolean;
  /** The clocks of the processes differ by seconds, and the session began on one that is ahead. */
  readonly clocksApart?: boolean;
  /** `maxPerSubject`; and the subject has a session elsewhere, from a process whose clock is ahead. */
  readonly limit?: number;
  /** At some moment this many milliseconds pass at once. */
  readonly pause?: number;
  /** What the store is, where it shall be a wrong one. */
  readonly store?: (clock: () => number) => SessionStore;
}

/** What a request came to. */
export interface Outcome {
  readonly kind: Kind;
  /** In order; a request that crashed has fewer than it would. */
  readonly answers: readonly Answer[];
  /** Everything was answered. */
  readonly done: boolean;
  readonly error: string | undefined;
  /** Answered without an error, and no event of its process said that changes went nowhere. */
  readonly acknowledged: boolean;
  /** Types of the events of its process. */
  readonly events: readonly string[];
}

export type Ground = Awaited<ReturnType<typeof createGround>>;

const START = 1_800_000_000_000;
/** How far clocks are apart at most, in milliseconds. */
const AHEAD = 5_000;

const grounds = new Map<string, Promise<Ground>>();

/** What requests do is learned once for all scenes with the same conditions. */
export function groundOf(conditions: Conditions, subject: string | undefined): Promise<Ground> {
  if (conditions.store !== undefined) return createGround(conditions, subject);
  const name = JSON.stringify([conditions, subject]);
  const ground = grounds.get(name) ?? createGround(conditions, subject);
  grounds.set(name, ground);
  return ground;
}

/** A store with the session in it, and the requests that may come. */
async function createGround(conditions: Conditions, subject: string | undefined) {
  const { rotating, oneProcess = false, cached = false, clocksApart = false, limit, pause = 0 } = conditions;
  const come = START + (rotating ? 61_000 : 1_000);
  let now = START;
  const clock = () => now;
  const memory = conditions.store?.(clock) ?? memoryStore({ clock });
  const store = numberedStore(memory);
  const start = await startSession(memory, clock, subject);
  const elsewhere = limit === undefined ? [] : [await startSession(memory, () => now + AHEAD, SUBJECT)];
  const written = new Set<string>();
  const learned = new Map<string, Behaviour>();
  const options = {
    ...(rotating && { rotation: { every: 60, grace: 30 } }),
    ...(limit !== undefined && { maxPerSubject: limit }),
    // Between two answers the explorer has other things to do
    storeTimeout: 600_000,
  };
  const first: Entry = { value: start.value, version: 1, expiresAt: start.meta.expiresAt };

  /** One request, or several in one process. */
  async function begin(kinds: readonly Kind[], actor: number, ask: Ask) {
    let passed = 0;
    let begun = false;
    const wait: Ask = (operation) => (begun ? ask(operation) : Promise.resolve(first));
    const serve = (isSecond: boolean): Process => {
      const behind = clocksApart ? (actor * 2 + Number(isSecond)) * 1_500 : 0;
      const clock = () => come + passed - behind;
      const mine = askedStore(store, wait, { actor, written, mayBeWrong: conditions.store !== undefined });
      return startProcess(cached ? cachedStore(memoryStore({ clock }), mine, { clock }) : mine, { ...options, clock });
    };
    const process = serve(false);
    const another = oneProcess ? process : serve(true);
    if (cached) for (const { sessions } of [process, another]) await sessions.load(requestWith(start.token));
    for (const { events } of [process, another]) events.length = 0;
    begun = true;
    const outcomes = kinds.map((kind) => follow(kind, process, another, start));
    return {
      outcome: () => outcomes.map((outcomeNow) => outcomeNow()),
      told() {
        passed += pause;
      },
    };
  }

  return {
    memory,
    clock,
    start,
    written,
    /** Everything as it was before the first request. */
    reset(): void {
      now = come;
      for (const key of written) memory.delete(key);
      written.clear();
      store.restart();
      for (const { key, value, meta } of [start, ...elsewhere]) {
        written.add(key);
        store.create(key, value, meta);
      }
    },
    /** The store and the time. */
    state(): string {
      const listed = store.keysOf!(SUBJECT) as string[];
      const entries = [...written].sort().map((key) => [key, store.read(key), listed.includes(key)]);
      return JSON.stringify([now, entries]);
    },
    request(kinds: readonly Kind[], actor: number, fault: FaultPlan | undefined): Behaviour {
      const name = JSON.stringify([kinds, actor, fault]);
      const start = (ask: Ask) => withChance(actor, () => begin(kinds, actor, ask));
      const behaviour = learned.get(name) ?? behaviourOf({ start }, fault);
      learned.set(name, behaviour);
      return behaviour;
    },
    /** Time that passes, at some moment. */
    passing(actor: number): Behaviour {
      const name = `${pause / 1_000} s pass`;
      const operation: Operation = {
        actor,
        name,
        key: undefined,
        isRead: () => false,
        changesIndex: () => true,
        isGlobal: true,
        effect() {
          now += pause;
        },
      };
      return behaviourOf({
        start(ask) {
          void ask(operation);
          return { outcome: () => null };
        },
      });
    },
  };
}

/** A session that was made on a server with this clock, as an entry that can be put into a store again. */
async function startSession(store: SessionStore, clock: () => number, subject: string | undefined) {
  const process = startProcess(store, { clock });
  const fetch = process.sessions.wrap((_request, session) => {
    session.set("start", "start");
    session.set("count", 0);
    if (subject !== undefined) session.signIn(subject);
    return new Response();
  });
  const response = await fetch(new Request("https://example.com/"));
  const token = response.headers
    .getSetCookie()[0]!
    .slice(COOKIE.length + 1)
    .split(";", 1)[0]!;
  const key = await digest(token);
  const { value, expiresAt } = (await store.read(key))!;
  await store.delete(key);
  return { token, key, value, meta: { expiresAt, ...(subject !== undefined && { subject }) } };
}

/** Sends a request, and tells what came of it so far. */
function follow(
  kind: Kind,
  process: Process,
  another: Process,
  { token, key }: { readonly token: string; readonly key: string },
): () => Outcome {
  const answers: Answer[] = [];
  let done = false;
  let error: string | undefined;
  void (async () => {
    try {
      for await (const answer of send(kind, [process, another], token, key)) answers.push(answer);
      done = true;
    } catch (thrown) {
      error = String(thrown);
    }
  })();
  return () => {
    const dropped = process.events.some(({ type }) => type === "changes_dropped");
    const events = [...new Set([process, another])].flatMap(({ events }) => events.map(({ type }) => type));
    return { kind, answers: [...answers], done, error, acknowledged: done && !dropped, events };
  };
}
