import type { Entry, SessionStore } from "../../src/index.ts";
import { cachedStore, memoryStore } from "../../src/index.ts";
import { decodeStored } from "../../src/stored/record.ts";
import { digest } from "../../src/stored/token.ts";
import { COOKIE } from "../support/process.ts";
import { askedStore } from "./asked-store.ts";
import type { Execution, FaultPlan, Operation, Program } from "./explorer.ts";
import { restartChance } from "./repeatable.ts";
import {
  type Answer,
  type Data,
  type Kind,
  type Process,
  request,
  requestWith,
  SUBJECT,
  send,
  startProcess,
} from "./requests.ts";

/** What an exploration is about. */
export interface Scene {
  /** One request of each, all at once. */
  readonly kinds: readonly Kind[];
  /** The requests come when the token is due to be replaced. */
  readonly rotating: boolean;
  readonly fault?: FaultPlan | undefined;
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
  readonly error: unknown;
  /** Answered without an error, and no event of its process said that changes went nowhere. */
  readonly acknowledged: boolean;
}

/** What a token opens when all is over. */
export interface Look {
  readonly token: string;
  readonly live: boolean;
  readonly data: Partial<Data>;
  readonly subject: string | undefined;
  readonly handle: string | undefined;
  /** The cookie with which a request with this token would be answered. */
  readonly offered: string | undefined;
}

/** What is judged when an execution is over. */
export interface World {
  readonly scene: Scene;
  readonly outcomes: readonly Outcome[];
  readonly execution: Execution;
  /** The token that all requests carried. */
  readonly first: string;
  readonly handle: string;
  readonly subject: string | undefined;
  /** Every token that a browser was given, the first included, once each. */
  readonly tokens: readonly string[];
  /** Types of all events, in no order. */
  readonly events: readonly string[];
  look(token: string): Promise<Look>;
  /** The handles in the subject's list. */
  listed(): Promise<readonly string[]>;
  /** Live records in the store whose token somebody may have. */
  liveRecords(): number;
  /** Replaced tokens that lead on for ever: their successor was seen, and they have no deadline. */
  endless(): number;
}

const START = 1_800_000_000_000;
/** How far clocks are apart at most, in milliseconds. */
const AHEAD = 5_000;

/** Kinds that ask for a subject's sessions. */
const ABOUT_SUBJECT: readonly Kind[] = ["revoke", "revoke all"];

/** The program of a scene, with what is judged at its end. */
export async function programOf(scene: Scene, judge: (world: World) => void | Promise<void>): Promise<Program> {
  const { kinds, rotating, fault, oneProcess = false, cached = false, clocksApart = false, pause = 0 } = scene;
  const subject = kinds.some((kind) => ABOUT_SUBJECT.includes(kind)) ? SUBJECT : undefined;
  let now = START;
  const clock = () => now;
  const memory = scene.store?.(clock) ?? memoryStore({ clock });
  const start = await startSession(memory, { clock }, subject);
  const elsewhere = scene.limit && (await startSession(memory, { clock: () => now + AHEAD }, SUBJECT));
  const come = START + (rotating ? 61_000 : 1_000);

  let run: Execution | undefined;
  const written = new Set<string>();
  const options = {
    ...(rotating && { rotation: { every: 60, grace: 30 } }),
    ...(scene.limit !== undefined && { maxPerSubject: scene.limit }),
  };
  function processOf(actor: number, second: boolean): Process {
    const behind = clocksApart ? (actor * 2 + Number(second)) * 1_500 : 0;
    const clock = () => now - behind;
    const store = askedStore(memory, () => run, { actor, written, mayBeWrong: scene.store !== undefined });
    return startProcess(cached ? cachedStore(memoryStore({ clock }), store, { clock }) : store, { ...options, clock });
  }
  function startProcesses(): [Process, Process][] {
    const one = oneProcess ? processOf(0, false) : undefined;
    return kinds.map((_, actor) => [one ?? processOf(actor, false), one ?? processOf(actor, true)]);
  }
  // A request that crashed leaves its process with promises that never settle; a cache keeps what it has seen
  const lasting = cached || fault?.fault.startsWith("crash") ? undefined : startProcesses();
  const observer = startProcess(memory, { clock });

  return {
    fault,
    ordered: oneProcess,
    alike: fault || oneProcess || clocksApart ? [] : alike(kinds),
    async start(execution) {
      run = undefined;
      now = come;
      restartChance();
      for (const key of written) memory.delete(key);
      written.clear();
      for (const { key, value, meta } of elsewhere ? [start, elsewhere] : [start]) {
        written.add(key);
        memory.create(key, value, meta);
      }
      const processes = lasting ?? startProcesses();
      const all = [...new Set(processes.flat())];
      if (cached) await Promise.all(all.map(({ sessions }) => sessions.load(requestWith(start.token))));
      for (const { events } of all) events.length = 0;
      run = execution;
      const outcomes = kinds.map((kind, actor) => follow(kind, processes[actor]!, actor, start, execution));
      if (pause > 0) execution.ask(passing(kinds.length, pause, () => (now += pause))).catch(() => {});
      return {
        async finish() {
          const cookies = outcomes.flatMap(({ answers }) => answers.map(({ cookie }) => cookie));
          const tokens = [...new Set([...cookies.filter((cookie) => cookie), start.token])] as string[];
          await judge({
            scene,
            outcomes,
            execution,
            first: start.token,
            handle: start.key,
            subject,
            tokens,
            events: all.flatMap(({ events }) => events.map(({ type }) => type)),
            look: (token) => look(observer, token),
            listed: async () => (await observer.sessions.list(SUBJECT)).map(({ handle }) => handle),
            liveRecords: () => liveRecords(memory, [...written], now),
            endless: () => endless(memory, [...written], now),
          });
        },
      };
    },
  };
}

/** Time that passes, as an operation. */
function passing(actor: number, milliseconds: number, pass: () => void): Operation {
  const name = `${milliseconds / 1_000} s pass`;
  return { actor, name, key: undefined, isRead: () => false, changesIndex: () => true, isGlobal: true, effect: pass };
}

/** A session, as the entry that it leaves. */
async function startSession(store: SessionStore, options: { clock: () => number }, subject: string | undefined) {
  const process = startProcess(store, options);
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

/** The outcome of a request, filled in as it goes on. */
function follow(
  kind: Kind,
  processes: readonly [Process, Process],
  actor: number,
  { token, key }: { token: string; key: string },
  execution: Execution,
): Outcome {
  const answers: Answer[] = [];
  const outcome = {
    kind,
    answers,
    done: false,
    error: undefined as unknown,
    get acknowledged() {
      return outcome.done && !processes[0].events.some(({ type }) => type === "changes_dropped");
    },
  };
  void (async () => {
    try {
      for await (const answer of send(kind, processes, token, key)) answers.push(answer);
      outcome.done = true;
    } catch (error) {
      outcome.error = error;
    }
    execution.over(actor);
  })();
  return outcome;
}

async function look({ sessions }: Process, token: string): Promise<Look> {
  let seen = {
    live: false,
    data: {},
    subject: undefined as string | undefined,
    handle: undefined as string | undefined,
  };
  const { cookie: offered } = await request(sessions, token, (session) => {
    seen = { live: !session.isNew, data: session.all(), subject: session.subject, handle: session.handle };
  });
  return { token, ...seen, offered };
}

/** A rotation that was given up half-way leaves a record whose token nobody has: it does not count. */
function liveRecords(store: SessionStore, keys: readonly string[], now: number): number {
  const stored = (key: string) => {
    const entry = store.read(key) as { value: string } | undefined;
    return entry && decodeStored(entry.value, now);
  };
  return keys.filter((key) => {
    const record = stored(key);
    if (record?.kind !== "live") return false;
    const before = record.previous === undefined ? undefined : stored(record.previous);
    return record.previous === undefined || (before?.kind === "forward" && before.to === key);
  }).length;
}

function endless(store: SessionStore, keys: readonly string[], now: number): number {
  const stored = (key: string) => {
    const entry = store.read(key) as Entry | undefined;
    return entry && decodeStored(entry.value, now);
  };
  return keys.filter((key) => {
    const mark = stored(key);
    const next = mark?.kind === "forward" && mark.until === undefined ? stored(mark.to) : undefined;
    return next?.kind === "live" && next.previous !== key;
  }).length;
}

/** Places of requests that do the same. */
function alike(kinds: readonly Kind[]): number[][] {
  return [...new Set(kinds)]
    .map((kind) => kinds.flatMap((other, index) => (other === kind ? [index] : [])))
    .filter(({ length }) => length > 1);
}
