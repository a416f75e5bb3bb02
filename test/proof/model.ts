import assert from "node:assert/strict";
import type { SessionEvent, SessionInfo } from "../../src/index.ts";
import type { Browser, Sent } from "./history.ts";

/** What is known of a session by what was answered. */
interface Known {
  readonly acknowledged: Set<string>;
  subject: string | undefined;
  signedInAt: number;
  /** A sign-in failed, and may have been done nevertheless. */
  unsure: boolean;
  /** Ended for certain, and by what. */
  ended: string | undefined;
  /** May have been ended: by a call that failed, crashed or overlapped its sign-in. */
  mayBeEnded: boolean;
}

/** What a token opens. */
export interface Look {
  readonly live: boolean;
  readonly handle: string | undefined;
  readonly subject: string | undefined;
  readonly sid: string | undefined;
  readonly ids: readonly string[];
}

interface Checking {
  readonly browsers: readonly Browser[];
  readonly limit: number;
  list(subject: string): Promise<SessionInfo[]>;
  look(token: string): Promise<Look>;
}

/**
 * A tombstone lives for 30 seconds, so a logout that overlaps a sign-in for longer may not reach what it made; less,
 * for clocks differ.
 */
const SOON = 20_000;

/** What must be there after a history, as far as the answers tell. */
export class Model {
  /** How often each thing happened, for the tests. */
  readonly counts: Record<string, number> = {};
  readonly #sessions = new Map<string, Known>();
  readonly #sids = new Map<string, string>();
  readonly #underWay = new Set<Sent>();
  readonly #log: string[] = [];
  /** Subjects whose limit a request that failed may have left unenforced. */
  readonly #loose = new Set<string>();
  #ticks = 0;
  #wrong: string | undefined;
  /** Tokens in the order in which answers brought them. */
  readonly #tokens = new Map<string, { order: number; sid: string | undefined }>();

  isUnderWay(): boolean {
    return this.#underWay.size > 0;
  }

  #session(sid: string): Known {
    let known = this.#sessions.get(sid);
    if (known === undefined) {
      known = {
        acknowledged: new Set(),
        subject: undefined,
        signedInAt: 0,
        unsure: false,
        ended: undefined,
        mayBeEnded: false,
      };
      this.#sessions.set(sid, known);
    }
    return known;
  }

  /** Counts what happens. */
  tick(): number {
    return ++this.#ticks;
  }

  #say(text: string): void {
    this.#log.push(text);
    if (this.#log.length > 1500) this.#log.shift();
  }

  #count(what: string): void {
    this.counts[what] = (this.counts[what] ?? 0) + 1;
  }

  sent(sent: Sent): void {
    this.#underWay.add(sent);
    this.#say(`${sent.browser.name} sends ${sent.id}: ${sent.kind} with ${short(sent.browser.jar)}`);
  }

  /** A handler saw a session. */
  saw(handle: string, sid: string | undefined): void {
    if (sid !== undefined) this.#sids.set(handle, sid);
  }

  handlesOf(subject: string): string[] {
    return [...this.#sids].filter(([, sid]) => this.#sessions.get(sid)?.subject === subject).map(([handle]) => handle);
  }

  note(event: SessionEvent, sent: Sent | undefined): void {
    this.#count(event.type);
    if (["created", "changes_dropped", "conflict_retried", "store_failed"].includes(event.type)) return;
    const { type, handle = "" } = event as { type: string; handle?: string };
    const sid = this.#sids.get(handle);
    this.#say(`  event ${type} ${short(handle)} ${sid ?? ""}`);
    if (event.type === "token_reused" && event.revoked && sent?.planted && !this.#isOpen(sent.browser)) {
      // With the old cookie alone it is reuse
      if (sid !== undefined) this.#session(sid).mayBeEnded = true;
    } else if (event.type === "token_reused" && event.revoked)
      this.#wrong ??= "reuse was detected, and nobody copied a token";
    if (type === "record_rejected") this.#wrong ??= "a record that we wrote is rejected";
    if (sid !== undefined && (type === "evicted" || type === "revoked")) this.#session(sid).mayBeEnded = true;
  }

  /** The cookie that the browser has now opens a session for certain. */
  #isOpen({ expected }: Browser): boolean {
    const known = expected === undefined ? undefined : this.#sessions.get(expected);
    return known !== undefined && !known.ended && !known.mayBeEnded;
  }

  revokedAll({ browser, startedAt, took }: Sent): void {
    for (const known of this.#sessions.values()) {
      if (known.unsure) known.mayBeEnded = true;
      if (known.subject !== browser.subject || known.ended) continue;
      if (known.signedInAt < startedAt && took < SOON) known.ended = "revoked with all";
      else known.mayBeEnded = true;
    }
    // A sign-in that is under way may be before it or after it
    for (const { sid, kind } of this.#underWay) {
      if (kind === "sign in" && sid !== undefined) this.#session(sid).mayBeEnded = true;
    }
  }

  /** The process is done with a request. */
  answered(sent: Sent, error: unknown, cookie: string | undefined): void {
    this.#underWay.delete(sent);
    const { kind, sid, browser, dropped, id, took } = sent;
    this.#count(error === undefined ? kind : `${kind} failed`);
    this.#say(`  ${id} ${kind} ${sid ?? ""} ${error === undefined ? "answered" : error} ${short(cookie)}`);
    if (error !== undefined && sent.faults === 0) this.#wrong ??= `${id} fails although nothing failed: ${error}`;
    if (sent.faults > 0) this.#loose.add(browser.subject);
    else if (kind === "sign in") this.#loose.delete(browser.subject);
    if (error !== undefined) {
      if (kind === "sign in" && sid !== undefined) this.#session(sid).unsure = true;
      if (kind === "destroy" && sid !== undefined) this.#session(sid).mayBeEnded = true;
      if (kind === "revoke all") this.#mayBeEnded(browser.subject);
      return;
    }
    if (kind === "sign in" && sid !== undefined) {
      const known = this.#session(sid);
      known.subject = browser.subject;
      known.signedInAt = this.tick();
    }
    if (kind === "add" && sid !== undefined && !dropped) this.#session(sid).acknowledged.add(id);
    if (kind === "destroy" && sid !== undefined) {
      if (took > SOON) this.#session(sid).mayBeEnded = true;
      else this.#session(sid).ended = "destroyed";
    }
    if (cookie && !this.#tokens.has(cookie)) this.#tokens.set(cookie, { order: this.#tokens.size, sid });
  }

  #mayBeEnded(subject: string): void {
    for (const known of this.#sessions.values()) if (known.subject === subject) known.mayBeEnded = true;
  }

  /** An answer arrives at its browser, or is lost. */
  delivered(sent: Sent, cookie: string | undefined, isLost: boolean): void {
    const { browser, kind, id, sid } = sent;
    const changes = kind === "sign in" || kind === "renew" || kind === "destroy" || sid === id;
    this.#say(`  ${id} ${isLost ? "is lost" : "arrives"} ${short(cookie)}`);
    if (isLost) {
      this.#count("lost");
      if (changes && sent.done) this.#unknown(browser);
      return;
    }
    if (!sent.done) return; // an error page: what was so before is so
    const isLate = sent.epoch !== browser.epoch;
    if (cookie === undefined) {
      if (!isLate && sid !== undefined && browser.jar !== undefined && kind !== "destroy") browser.expected = sid;
      if (kind === "destroy") this.#unknown(browser);
      return;
    }
    const before = browser.jar === undefined ? undefined : this.#tokens.get(browser.jar);
    const isOlder = before !== undefined && (this.#tokens.get(cookie)?.order ?? 0) < before.order;
    browser.jar = cookie === "" ? undefined : cookie;
    if (cookie !== "") browser.held.push(cookie);
    if (changes || isLate || isOlder) browser.epoch++;
    browser.expected = isLate || isOlder || cookie === "" ? undefined : sid;
  }

  #unknown(browser: Browser): void {
    browser.epoch++;
    browser.expected = undefined;
  }

  /** Whatever a process had under way is gone, and nobody knows how far it was. */
  crashed(process: Sent["process"]): void {
    this.#count("restart");
    this.#say("a process restarts");
    for (const sent of [...this.#underWay].filter((sent) => sent.process === process)) {
      this.#underWay.delete(sent);
      const { kind, sid, browser, id } = sent;
      this.#loose.add(browser.subject);
      if (kind === "destroy" && sid !== undefined) this.#session(sid).mayBeEnded = true;
      if (kind === "revoke all") this.#mayBeEnded(browser.subject);
      if (kind === "sign in" && sid !== undefined) this.#session(sid).unsure = true;
      if (kind === "sign in" || kind === "renew" || kind === "destroy" || sid === id) this.#unknown(browser);
    }
  }

  /** Nothing is under way: what is there must be what was answered. */
  async check({ browsers, look, list, limit }: Checking): Promise<void> {
    this.stopIfWrong();
    this.#count("checkpoint");
    const open = new Map<string, Set<string>>();
    for (const browser of browsers) {
      const { jar, expected, name } = browser;
      if (jar === undefined) continue;
      const seen = await look(jar);
      if (seen.handle !== undefined && seen.sid !== undefined) this.saw(seen.handle, seen.sid);
      const ended = seen.sid === undefined ? undefined : this.#sessions.get(seen.sid)?.ended;
      if (ended) this.#fail(`${name} opens ${seen.sid}, which was ${ended}`);
      if (seen.live && seen.subject) open.set(seen.subject, (open.get(seen.subject) ?? new Set()).add(seen.handle!));
      if (seen.sid !== undefined) this.#holds(seen, name);
      const known = expected === undefined ? undefined : this.#session(expected);
      if (known === undefined || known.ended || known.mayBeEnded) browser.expected = seen.sid;
      else {
        this.#count("expected");
        if (!seen.live) this.#fail(`${name} is signed out of ${expected} with ${short(jar)}`);
      }
    }
    for (const [token, { sid }] of this.#tokens) {
      if (sid === undefined || !this.#sessions.get(sid)?.ended) continue;
      const seen = await look(token);
      if (seen.sid === sid) this.#fail(`${short(token)} opens ${sid}, which was ${this.#sessions.get(sid)?.ended}`);
      this.#tokens.delete(token);
    }
    for (const [subject, handles] of open) {
      const listed = (await list(subject)).map(({ handle }) => handle);
      for (const handle of handles) if (!listed.includes(handle)) this.#fail(`${short(handle)} is open and not listed`);
      if (listed.length > limit && !this.#loose.has(subject))
        this.#fail(
          `${subject} has ${listed.length} sessions, and the limit is ${limit}: ${listed.map((h) => `${short(h)} ${this.#sids.get(h)}`)}`,
        );
    }
  }

  /** All that was acknowledged is there, once. */
  #holds({ sid, ids }: Look, name: string): void {
    const { acknowledged } = this.#session(sid as string);
    for (const id of acknowledged) if (!ids.includes(id)) this.#fail(`${name} lost ${id} of ${sid}`);
    if (new Set(ids).size !== ids.length) this.#fail(`${name} has a change twice: ${ids}`);
    this.#count("data checked");
  }

  /** Throws for what was found where nobody listens to an error. */
  stopIfWrong(): void {
    if (this.#wrong !== undefined) this.#fail(this.#wrong);
  }

  #fail(message: string): never {
    assert.fail(`${message}\n\n${this.#log.join("\n")}`);
  }
}

function short(token: string | undefined): string {
  return token === undefined ? "-" : token.slice(0, 6);
}
