import { expect, test } from "vitest";
import { type Plan, planCommit, type Situation } from "../../src/rules/plan.ts";

const lifetime = { idle: 100, absolute: 1000, touchEvery: 10 };
const NOW = 500;

const none = { status: "none" } as const;
const ended = { status: "ended" } as const;
const live = { status: "live", direct: true, renewedAt: NOW, idleEnd: NOW + 100 } as const;
const old = { ...live, renewedAt: 0 };
const followed = { ...old, direct: false };

const TABLE: [string, Partial<Situation>, Plan][] = [
  ["a visitor who only looks", none, "nothing"],
  ["a visitor's first write", { ...none, changed: true, empty: false }, "create"],
  ["a visitor's write that left nothing", { ...none, changed: true, empty: true }, "nothing"],
  ["a visitor who signs in, with no data", { ...none, changed: true, signedIn: true }, "create"],
  ["a visitor who renews", { ...none, renewed: true }, "nothing"],
  ["a visitor who signs out", { ...none, destroyed: true, changed: true, empty: false }, "nothing"],

  ["a session that was ended, looked at", ended, "nothing"],
  ["a session that was ended, written to", { ...ended, changed: true, empty: false }, "drop"],
  ["a session that was ended, signed in to", { ...ended, changed: true, signedIn: true }, "create"],
  ["a session that was ended, signed out of", { ...ended, destroyed: true }, "destroy"],
  ["a session that was ended, renewed", { ...ended, renewed: true }, "nothing"],

  ["a live session, looked at", live, "nothing"],
  ["a live session, looked at after touchEvery", { ...live, idleEnd: NOW + 90 }, "touch"],
  ["a live session, written to", { ...live, changed: true }, "update"],
  ["writing moves the expiry by itself", { ...live, changed: true, idleEnd: NOW + 90 }, "update"],
  ["sign-in", { ...live, signedIn: true, changed: true }, "renew"],
  ["renew()", { ...live, renewed: true }, "renew"],
  ["logout beats everything", { ...old, destroyed: true, signedIn: true, renewed: true, changed: true }, "destroy"],
  ["a token old enough to rotate", old, "rotate"],
  ["rotation carries the changes", { ...old, changed: true }, "rotate"],
  ["sign-in beats rotation", { ...old, signedIn: true }, "renew"],
  ["only the holder of the live token rotates", followed, "nothing"],
  ["a write through a rotated token", { ...followed, changed: true }, "update"],
  ["no rotation where no cookie can be sent", { ...old, deliverable: false }, "nothing"],
  ["the first sight of a new token", { ...live, unconfirmed: true }, "update"],
  ["a poll that is due for everything", { ...old, keepsAlive: false, unconfirmed: true, idleEnd: NOW + 1 }, "nothing"],
  ["a poll that writes", { ...old, keepsAlive: false, changed: true }, "update"],
  ["a poll that signs out", { ...old, keepsAlive: false, destroyed: true }, "destroy"],
  ["a poll that signs in", { ...old, keepsAlive: false, signedIn: true }, "renew"],
  ["a rotated token does not confirm its successor", { ...live, direct: false, unconfirmed: true }, "nothing"],
];

test.each(TABLE)("%s", (_name, situation, plan) => {
  const base: Situation = {
    status: "none",
    destroyed: false,
    signedIn: false,
    renewed: false,
    changed: false,
    empty: true,
    direct: false,
    unconfirmed: false,
    deliverable: true,
    keepsAlive: true,
    renewedAt: 0,
    idleEnd: 0,
  };
  expect(planCommit({ ...base, ...situation }, 60, lifetime, NOW)).toBe(plan);
});

test("without rotation no age of a token makes one", () => {
  const situation = {
    ...old,
    destroyed: false,
    signedIn: false,
    renewed: false,
    changed: false,
    empty: true,
    unconfirmed: false,
    deliverable: true,
    keepsAlive: true,
  };
  expect(planCommit(situation, false, lifetime, NOW)).toBe("nothing");
  expect(planCommit(situation, 0, lifetime, NOW)).toBe("rotate");
});
