import { AsyncLocalStorage } from "node:async_hooks";
import type { SessionEvent, SessionStore, Sessions } from "../../src/index.ts";
import { cachedStore, createSessions, memoryStore } from "../../src/index.ts";
import { COOKIE } from "../support/process.ts";
import { type Look, Model } from "./model.ts";
import { chance } from "./repeatable.ts";

/*
 * A history: browsers with several tabs and processes with clocks of their own, for thousands of steps that a seed
 * draws. Each store operation, each handler and each answer waits until a step lets it go on, so that requests overlap
 * in any order; answers get lost or overtake each other, processes restart, a store operation fails now and then. From
 * time to time all is let through, and what is there is held against the model.
 */

/** What a history runs on. */
export interface Ground {
  readonly store: SessionStore;
  /** Epoch milliseconds. */
  readonly start: number;
  readonly seed: number;
  readonly steps: number;
  /** Waits until nothing moves by itself. */
  settle(): Promise<void>;
  /** Sets the clock of the store to the history's. */
  onTime(now: number): void;
}

export interface Data {
  /** Which session of the model this is; whatever makes a session sets it. */
  sid: string;
  /** What requests added. */
  ids: string[];
}

const KINDS = ["read", "read", "add", "add", "add", "sign in", "renew", "destroy", "revoke", "revoke all"] as const;
export type Kind = (typeof KINDS)[number];

export interface Browser {
  readonly name: string;
  /** Whom its user signs in as. */
  readonly subject: string;
  jar: string | undefined;
  /** The session that its answers told of; `undefined` while that cannot be known. */
  expected: string | undefined;
  /** Changes with every answer after which another session, or none, is to be expected. */
  epoch: number;
  /** Tokens that the jar held, the oldest first. */
  readonly held: string[];
}

/** One request, from when it is sent. */
export interface Sent {
  readonly id: string;
  readonly kind: Kind;
  readonly browser: Browser;
  readonly epoch: number;
  readonly process: Server;
  /** Its place among all sent and answered requests. */
  readonly startedAt: number;
  /** What the handler saw, or what the cookie of the answer opens. */
  sid: string | undefined;
  /** Milliseconds until its process was done. */
  took: number;
  faults: number;
  dropped: boolean;
  /** An old cookie of the same name was sent in front of its own. */
  planted: boolean;
  done: boolean;
}

interface Server {
  sessions: Sessions<Data>;
  /** How far its clock is behind or ahead. */
  skew: number;
  /** A restart makes it another one. */
  generation: number;
}

interface Answer {
  readonly sent: Sent;
  readonly cookie: string | undefined;
  readonly finishedAt: number;
}

/** Limits of a history: within them nobody may be signed out without a reason. */
const ROTATE_EVERY = 60;
const GRACE = 30;
const LIMIT = 3;
/** An answer that is later than this is lost. */
const LATEST_ANSWER = 15_000;
const SKEW = 2_500;

/** Runs one history. Throws when the model and what is there differ, with the last steps. */
export async function runHistory(ground: Ground): Promise<Model> {
  const { store, steps, seed } = ground;
  const random = chance(seed);
  const draw = (below: number) => Math.floor(random() * below);
  const pick = <T>(from: readonly T[]): T => from[draw(from.length)] as T;
  const context = new AsyncLocalStorage<Sent>();
  const model = new Model();
  let now = ground.start;
  let faulty = true;
  /** What waits for a step. */
  const gates: (() => void)[] = [];
  const answers: Answer[] = [];
  let underWay = 0;
  let requests = 0;

  const gate = () => new Promise<void>((resolve) => gates.push(resolve));

  function serve(skew: number, cached: boolean): Server {
    const server: Server = { skew, generation: 0, sessions: undefined as never };
    const clock = () => now + server.skew;
    const mine = pausing(server);
    server.sessions = createSessions<Data>({
      store: cached ? cachedStore(memoryStore({ clock }), mine, { clock }) : mine,
      clock,
      maxPerSubject: LIMIT,
      rotation: { every: ROTATE_EVERY, grace: GRACE },
      storeTimeout: 600_000,
      observe: note,
    });
    return server;
  }

  function note(event: SessionEvent): void {
    const sent = context.getStore();
    if (event.type === "changes_dropped" && sent) sent.dropped = true;
    model.note(event, sent);
  }

  /** Tells the model which session an entry is of. */
  function tell(key: string, value: string): string {
    model.saw(key, /"sid":"(r\d+)"/.exec(value)?.[1]);
    return value;
  }

  /** The store as a process has it: every operation waits for its step, and one of a request may fail. */
  function pausing(server: Server): SessionStore {
    const { generation } = server;
    async function pass<T>(effect: () => T | Promise<T>): Promise<T> {
      const sent = context.getStore();
      await gate();
      if (server.generation !== generation) await new Promise(() => {}); // the process is gone
      const fails = faulty && sent && sent.faults === 0 && draw(60) === 0;
      if (fails) sent.faults++;
      if (fails && draw(2) === 0) throw new Error("connection refused");
      underWay++;
      const answer = await Promise.resolve(effect()).finally(() => underWay--);
      if (fails) throw new Error("connection reset");
      return answer;
    }
    return {
      read: (key, ...rest) => pass(() => store.read(key, ...rest)),
      create: (key, value, meta) => pass(() => store.create(key, tell(key, value), meta)),
      update: (key, value, meta, expected) => pass(() => store.update(key, tell(key, value), meta, expected)),
      delete: (key, expected) => pass(() => store.delete(key, expected)),
      touch: (key, expiresAt, expected) => pass(() => store.touch!(key, expiresAt, expected)),
      keysOf: (subject) => pass(() => store.keysOf!(subject)),
    };
  }

  const servers = Array.from({ length: 3 + draw(3) }, (_, index) => serve(draw(2 * SKEW) - SKEW, index === 0));
  const observer = createSessions<Data>({ store, clock: () => now });
  const browsers = Array.from(
    { length: 6 },
    (_, index): Browser => ({
      name: `browser ${index}`,
      subject: index < 4 ? "ada" : "bob",
      jar: undefined,
      expected: undefined,
      epoch: 0,
      held: [],
    }),
  );

  function send(): void {
    const browser = pick(browsers);
    const kind = pick(KINDS);
    if ((kind === "destroy" || kind === "revoke" || kind === "revoke all") && draw(4) > 0) return;
    const sent: Sent = {
      id: `r${++requests}`,
      kind,
      browser,
      epoch: browser.epoch,
      process: pick(servers),
      startedAt: model.tick(),
      sid: undefined,
      took: 0,
      faults: 0,
      dropped: false,
      planted: false,
      done: false,
    };
    model.sent(sent);
    context.run(sent, () => void perform(sent));
  }

  async function perform(sent: Sent): Promise<void> {
    const { kind, browser, process } = sent;
    const { generation } = process;
    const sentAt = now;
    let cookie: string | undefined;
    let error: unknown;
    try {
      if (kind === "revoke") await revokeOne(sent);
      else if (kind === "revoke all") await process.sessions.revokeAll(browser.subject);
      else cookie = await page(sent);
    } catch (thrown) {
      error = thrown;
    }
    if (process.generation !== generation) return;
    if (cookie) {
      const seen = await look(cookie);
      sent.sid = seen.sid; // of what was ended since then nothing can be told
      if (seen.handle !== undefined) model.saw(seen.handle, seen.sid);
    } else if (sent.sid === sent.id) sent.sid = undefined; // it began nothing
    sent.done = error === undefined;
    sent.took = now - sentAt;
    if (sent.done && kind === "revoke all") model.revokedAll(sent);
    model.answered(sent, error, cookie);
    if (kind !== "revoke" && kind !== "revoke all") answers.push({ sent, cookie, finishedAt: now });
  }

  async function revokeOne({ browser, process }: Sent): Promise<string | undefined> {
    const handle = pick(model.handlesOf(browser.subject));
    return handle !== undefined && (await process.sessions.revoke(browser.subject, handle)) ? handle : undefined;
  }

  async function page(sent: Sent): Promise<string | undefined> {
    const { kind, browser, process, id } = sent;
    const fetch = process.sessions.wrap(async (_request, session) => {
      const name = () => session.update("sid", (sid) => sid ?? id);
      if (kind === "add") {
        name();
        session.update("ids", (ids = []) => [...ids, id]);
      } else if (kind === "sign in") {
        name();
        session.signIn(browser.subject);
      } else if (kind === "renew") session.renew();
      sent.sid = session.get("sid");
      if (session.handle !== undefined) model.saw(session.handle, sent.sid);
      if (draw(3) === 0) await gate(); // a handler that takes its time
      if (kind === "destroy") session.destroy();
      return new Response();
    });
    // An old cookie of the same name may be in front of it, from another path or domain
    const planted = draw(20) === 0 && browser.held.length > 2 ? browser.held.slice(0, 1) : [];
    sent.planted = planted.length > 0;
    const cookies = [...planted, ...(browser.jar === undefined ? [] : [browser.jar])];
    const headers = new Headers(
      cookies.length > 0 ? { cookie: cookies.map((value) => `${COOKIE}=${value}`).join("; ") } : {},
    );
    const response = await fetch(new Request("https://example.com/", { headers }));
    const line = response.headers.getSetCookie().find((text) => text.startsWith(`${COOKIE}=`));
    return line?.slice(COOKIE.length + 1).split(";", 1)[0];
  }

  function deliver(): void {
    const [answer] = answers.splice(draw(answers.length), 1);
    if (answer === undefined) return;
    const isLost = draw(8) === 0;
    model.delivered(answer.sent, answer.cookie, isLost);
  }

  function pass(milliseconds: number): void {
    now += milliseconds;
    ground.onTime(now);
    for (const { sent, cookie } of answers.filter(({ finishedAt }) => now - finishedAt > LATEST_ANSWER)) {
      model.delivered(sent, cookie, true);
      answers.splice(
        answers.findIndex((answer) => answer.sent === sent),
        1,
      );
    }
  }

  function restart(): void {
    const index = draw(servers.length);
    const old = servers[index]!;
    old.generation++;
    model.crashed(old);
    servers[index] = serve(old.skew, index === 0);
  }

  async function settle(): Promise<void> {
    await ground.settle();
    while (underWay > 0) await new Promise(setImmediate);
  }

  /** What a token opens, without a process of the history. */
  async function look(token: string): Promise<Look> {
    const session = await observer.load(
      new Request("https://example.com/", { headers: { cookie: `${COOKIE}=${token}` } }),
    );
    const { isNew, handle, subject } = session;
    return { live: !isNew, handle, subject, sid: session.get("sid"), ids: session.get("ids") ?? [] };
  }

  /** Lets everything through, and looks. */
  async function checkpoint(): Promise<void> {
    faulty = false;
    for (;;) {
      await settle();
      if (gates.length > 0) gates.splice(draw(gates.length), 1)[0]!();
      else if (answers.length > 0) deliver();
      else if (!model.isUnderWay()) break;
      else await new Promise((resolve) => setTimeout(resolve, 1));
    }
    pass(2_000); // what near caches still show is over
    await model.check({
      browsers,
      limit: LIMIT,
      list: (subject) => observer.list(subject),
      look,
    });
    faulty = true;
  }

  for (let step = 0; step < steps; step++) {
    const die = draw(100);
    if (die < 22) send();
    else if (die < 78) gates.splice(draw(gates.length), 1)[0]?.();
    else if (die < 92) deliver();
    else if (die < 97) pass(draw(3_000));
    else if (die < 99) {
      // No request waits for its store longer than `storeTimeout`
      for (await settle(); gates.length > 0; await settle()) gates.splice(draw(gates.length), 1)[0]!();
      pass(draw(45_000));
    } else if (draw(4) === 0) restart();
    if (step === Math.floor(steps / 2)) servers[0]!.skew = -SKEW; // a clock is set back
    await settle();
    model.stopIfWrong();
    if (step % 500 === 499) await checkpoint();
  }
  await checkpoint();
  return model;
}
