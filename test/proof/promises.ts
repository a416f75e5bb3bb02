import assert from "node:assert/strict";
import type { Fault } from "./explorer.ts";
import type { Outcome } from "./ground.ts";
import { ADDS, type Kind, SUBJECT } from "./requests.ts";
import type { Look, World } from "./world.ts";

/** End the session. */
const ENDS: readonly Kind[] = ["destroy", "sign out", "revoke", "revoke all"];
/** May begin another session in place of one that was ended. */
const BEGINS: readonly Kind[] = ["sign in", "sign out"];
/** Make a new token; the old one opens nothing from then on. */
const CUTS: readonly Kind[] = ["sign in", "renew"];
/** Faults after which nobody is left who could send a new token. */
const LOSES: readonly Fault[] = ["crash before", "crash after", "late"];
/** Events that say that something is wrong, where nothing is. */
const ALARMS = ["store_failed", "record_rejected", "token_reused", "expired"];

/** Holds what came of an order against the promises. Throws for the first that does not hold. */
export async function checkPromises(world: World): Promise<void> {
  const { outcomes, scene, tokens } = world;
  const looks: Look[] = [];
  // After a pause the first token may be past its grace, and looking would be reuse
  const open = scene.pause && tokens.length > 1 ? tokens.filter((token) => token !== world.first) : tokens;
  for (const token of open) looks.push(await world.look(token));
  assert.equal(world.endless(), 0, "a replaced token goes on working although its successor was seen");
  if (!scene.fault) checkAnswers(world);
  checkNothingInvented(world, looks);
  checkRevoked(world, looks);
  if (scene.limit !== undefined) return checkLimit(world, looks);
  if (mustHaveEnded(outcomes)) checkEnded(world, looks);
  else if (!outcomes.some(({ kind }) => ENDS.includes(kind))) {
    checkNothingLost(world, looks);
    if (outcomes.some(({ kind }) => CUTS.includes(kind))) checkCut(world, looks);
    else checkUncut(world, looks);
  }
  if (!scene.fault) await checkList(world, looks);
}

/** Where nothing fails every request is answered, and nothing looks like an attack or a fault. */
function checkAnswers({ outcomes, events, scene }: World): void {
  for (const { kind, error, done } of outcomes) {
    assert.equal(error, undefined, `"${kind}" fails: ${error}`);
    assert.ok(done, `"${kind}" is never answered`);
  }
  const alarms = scene.limit === undefined ? [...ALARMS, "evicted"] : ALARMS;
  for (const alarm of alarms) assert.ok(!events.includes(alarm), `an event "${alarm}", though nothing is wrong`);
  // A call that ends a session finds it, unless another ended it or began the next one
  const others = outcomes.filter(({ kind }) => ENDS.includes(kind) || kind === "sign in").length - 1;
  for (const { kind, answers } of outcomes) {
    assert.ok(answers[0]?.ended !== 0 || others > 0, `"${kind}" does not find the session`);
  }
}

/** No data appears that nobody wrote, no change is made twice, and siblings are never minted. */
function checkNothingInvented({ outcomes, scene, first }: World, looks: readonly Look[]): void {
  const most = sum(
    outcomes.filter(({ answers, error, done }) => done || answers.length > 0 || error !== undefined || scene.fault),
  );
  // A session that is there no more, not even as a tombstone, is begun anew by a request that comes later
  const mayBegin = scene.fault && outcomes.some(({ kind }) => ENDS.includes(kind));
  for (const { data } of looks) {
    if (Object.keys(data).length === 0 || (data.note !== undefined && data.count === undefined)) continue;
    if (!mayBegin) assert.equal(data.start, "start", "data that was there before is gone");
    assert.ok((data.count ?? 0) <= most, `count is ${data.count}, and only ${most} was added`);
  }
  const offers = outcomes.filter(({ kind }) => ![...CUTS, ...BEGINS].includes(kind)).flatMap(({ answers }) => answers);
  const successors = new Set(offers.map(({ cookie }) => cookie).filter((cookie) => cookie && cookie !== first));
  const mostOffers = (scene.rotating ? 1 : 0) + (mayBegin ? outcomes.length : 0);
  assert.ok(successors.size <= mostOffers, `${successors.size} successors were offered for one token`);
}

/** Acknowledged changes are in whatever the tokens open, and a request is never told that it is signed out. */
function checkNothingLost({ outcomes, scene }: World, looks: readonly Look[]): void {
  const least = sum(outcomes.filter(({ acknowledged }) => acknowledged));
  // Of a request that saves and is then cut off, a part may be there
  const isExact =
    !scene.fault && outcomes.every(({ acknowledged, kind }) => acknowledged || (kind !== "save" && !scene.oneProcess));
  for (const { data, live } of looks) {
    if (!live || Object.keys(data).length === 0) continue;
    assert.ok((data.count ?? 0) >= least, `count is ${data.count}, and ${least} was acknowledged`);
    if (isExact) assert.equal(data.count, least);
  }
  for (const { kind, answers } of outcomes) {
    for (const { cookie } of answers) assert.notEqual(cookie, "", `"${kind}" removes the cookie of a live session`);
  }
}

/** Without a sign-in or a renewal every token leads to the one session. */
function checkUncut({ outcomes, scene, subject, liveRecords, tokens, handle }: World, looks: readonly Look[]): void {
  for (const seen of looks) {
    assert.ok(seen.live, "a token that a browser was given opens nothing: signed out");
    assert.equal(seen.data.start, "start");
    assert.equal(seen.subject, subject);
    assert.equal(seen.handle, handle, "the session has another name");
  }
  assert.equal(liveRecords(), 1, "the session has more than one record, or none");
  if (scene.fault) return;
  assert.ok(
    outcomes.every(({ acknowledged }) => acknowledged),
    "a change is dropped from a live session",
  );
  assert.equal(tokens.length, scene.rotating ? 2 : 1);
}

/** A sign-in or a renewal is a hard cut. */
function checkCut(world: World, looks: readonly Look[]): void {
  const { outcomes, scene, first } = world;
  const cutters = outcomes.filter(({ kind }) => CUTS.includes(kind));
  const fresh = new Set(cutters.flatMap(({ answers }) => answers.map(({ cookie }) => cookie)));
  const carrying = looks.filter(({ live, data }) => live && data.start === "start");
  const done = cutters.some(({ answers }) => answers.some(({ cookie }) => cookie));
  // Whoever died between the two cannot send it, nor one who gave up before it took effect
  const faulty = scene.fault && outcomes[scene.fault.actor];
  const mayBeLost = faulty && CUTS.includes(faulty.kind) && LOSES.includes(scene.fault!.fault);
  if (!mayBeLost) assert.ok(carrying.length > 0, "nobody has a token of the session any more: signed out");
  if (done) {
    for (const seen of looks.filter(({ token }) => !fresh.has(token))) {
      const which = seen.token === first ? "the token from before" : "a token that was offered before";
      assert.ok(!seen.live, `${which} still opens the session after the cut`);
      assert.equal(seen.offered, undefined, `${which} is led to the new session`);
    }
    assert.ok(carrying.length <= 1, "the session goes on under more than one token");
  }
  for (const { kind, answers } of cutters) {
    for (const { cookie } of answers) {
      if (kind === "sign in") assert.ok(cookie, "a sign-in is answered without a cookie");
      if (!cookie || (scene.fault && cutters.length > 1)) continue;
      const seen = looks.find(({ token }) => token === cookie);
      assert.ok(seen?.live, `the cookie of "${kind}" opens nothing`);
      if (kind === "sign in") assert.equal(seen.subject, SUBJECT);
    }
  }
  const live = looks.filter((seen) => seen.live).length;
  if (!scene.fault) assert.equal(world.liveRecords(), live, "a record is left whose token nobody has");
}

/**
 * After a logout that was acknowledged no token reads anything of it; a sign-in that came later starts with nothing.
 */
function checkEnded({ outcomes, liveRecords, scene, handle }: World, looks: readonly Look[]): void {
  const beginners = outcomes.filter(({ kind }) => BEGINS.includes(kind));
  const fresh = new Set(beginners.flatMap(({ answers }) => answers.map(({ cookie }) => cookie)));
  for (const seen of looks) {
    assert.equal(seen.data.start, undefined, "data of a session that was ended can be read");
    if (seen.live) assert.notEqual(seen.handle, handle, "a session that was ended is open under its name");
    if (fresh.has(seen.token) || seen.data.count !== undefined) continue;
    assert.ok(!seen.live, "a session that was ended opens again");
    assert.equal(seen.offered, undefined, "a session that was ended is offered a cookie");
  }
  if (beginners.length === 0 && !scene.fault) assert.equal(liveRecords(), 0, "a record is left of what was ended");
}

/** A limit of one: whoever signed in last is signed in, and nobody else of that name. */
async function checkLimit(world: World, looks: readonly Look[]): Promise<void> {
  const { outcomes, scene } = world;
  const signIns = outcomes.filter(({ kind }) => kind === "sign in");
  const fresh = signIns.flatMap(({ answers }) => answers.map(({ cookie }) => cookie));
  const faulty = scene.fault && outcomes[scene.fault.actor];
  if (faulty?.kind === "sign in" && LOSES.includes(scene.fault!.fault)) return;
  const live = looks.filter((seen) => seen.live && (fresh.includes(seen.token) || signIns.length === 0 || scene.fault));
  assert.ok(live.length > 0, "whoever signed in is signed out by the limit");
  if (scene.fault || signIns.length === 0) return;
  assert.equal(live.length, 1, "more sessions are left than the limit allows");
  assert.deepEqual(await world.listed(), [live[0]?.handle]);
}

/** What the list shows is what the tokens open, no more and no less. */
async function checkList(world: World, looks: readonly Look[]): Promise<void> {
  const open = new Set(looks.filter(({ live, subject }) => live && subject === SUBJECT).map(({ handle }) => handle));
  assert.deepEqual(new Set(await world.listed()), open, "the list shows something else than what is open");
}

/**
 * A call that ends the session came to its end and says that it did. A sign-in begins a session with a name of its own,
 * which a revocation by the former name does not mean.
 */
function mustHaveEnded(outcomes: readonly Outcome[]): boolean {
  const isRenamed = outcomes.some(({ kind }) => kind === "sign in");
  return outcomes.some(
    ({ kind, acknowledged, answers }) =>
      ENDS.includes(kind) && acknowledged && answers[0]?.ended !== 0 && !(kind === "revoke" && isRenamed),
  );
}

/** What was revoked is open nowhere under its name. */
function checkRevoked({ outcomes, handle }: World, looks: readonly Look[]): void {
  if (!outcomes.some(({ kind, answers }) => kind === "revoke" && answers[0]?.ended === 1)) return;
  for (const seen of looks) assert.ok(!seen.live || seen.handle !== handle, "what was revoked is open");
}

function sum(outcomes: readonly Outcome[]): number {
  return outcomes.reduce((total, { kind }) => total + (ADDS[kind] ?? 0), 0);
}
