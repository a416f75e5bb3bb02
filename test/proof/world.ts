import type { Entry, SessionStore } from "../../src/index.ts";
import { decodeStored } from "../../src/stored/record.ts";
import type { Execution, FaultPlan, Program } from "./explorer.ts";
import { type Conditions, groundOf, type Outcome } from "./ground.ts";
import { type Data, type Kind, type Process, request, SUBJECT, startProcess } from "./requests.ts";

/** What an exploration is about. */
export interface Scene extends Conditions {
  /** One request of each, all at once. */
  readonly kinds: readonly Kind[];
  readonly fault?: FaultPlan | undefined;
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

/** Kinds that ask for a subject's sessions. */
const ABOUT_SUBJECT: readonly Kind[] = ["revoke", "revoke all"];

/** The program of a scene, with what is judged at its end. */
export async function programOf(scene: Scene, judge: (world: World) => void | Promise<void>): Promise<Program> {
  const { kinds, fault, ...conditions } = scene;
  const { oneProcess, clocksApart, pause } = conditions;
  const subject = kinds.some((kind) => ABOUT_SUBJECT.includes(kind)) ? SUBJECT : undefined;
  const ground = await groundOf(conditions, subject);
  const { memory, clock, start, written } = ground;
  const requests = oneProcess
    ? [ground.request(kinds, 0, fault)]
    : kinds.map((kind, actor) => ground.request([kind], actor, fault?.actor === actor ? fault : undefined));
  const observer = startProcess(memory, { clock });

  return {
    machines: pause === undefined ? requests : [...requests, ground.passing(kinds.length)],
    alike: fault || oneProcess || clocksApart ? [] : alike(kinds),
    reset: ground.reset,
    state: ground.state,
    async judge(came, execution) {
      const outcomes = (came.slice(0, requests.length) as Outcome[][]).flat();
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
        events: outcomes.flatMap(({ events }) => events),
        look: (token) => look(observer, token),
        listed: async () => (await observer.sessions.list(SUBJECT)).map(({ handle }) => handle),
        liveRecords: () => liveRecords(memory, [...written], clock()),
        endless: () => endless(memory, [...written], clock()),
      });
    },
  };
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
