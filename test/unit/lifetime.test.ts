import { describe, expect, test } from "vitest";
import {
  cookieMaxAge,
  endOf,
  idleEndOf,
  limitPassed,
  limitsOf,
  rotationDue,
  tombstoneEnd,
  touchDue,
} from "../../src/rules/lifetime.ts";

const lifetime = { idle: 100, absolute: 1000, touchEvery: 10 };

describe("lifetime", () => {
  test.each([
    { idleEnd: 200, createdAt: 100, now: 199, passed: undefined },
    { idleEnd: 200, createdAt: 100, now: 200, passed: "idle" },
    { idleEnd: 5000, createdAt: 100, now: 1099, passed: undefined },
    { idleEnd: 5000, createdAt: 100, now: 1100, passed: "absolute" },
    { idleEnd: 200, createdAt: 100, now: 1100, passed: "absolute" },
    { idleEnd: 200, createdAt: 100, now: 0, passed: undefined },
  ])(
    "limitPassed: created $createdAt, idle until $idleEnd, now $now: $passed",
    ({ idleEnd, createdAt, now, passed }) => {
      expect(limitPassed(idleEnd, createdAt, now, lifetime)).toBe(passed);
    },
  );

  test.each([
    { idleEnd: 200, now: 109, due: false },
    { idleEnd: 200, now: 110, due: true },
    { idleEnd: 200, now: 50, due: false },
  ])("touchDue: idle until $idleEnd, now $now: $due", ({ idleEnd, now, due }) => {
    expect(touchDue(idleEnd, now, lifetime)).toBe(due);
  });

  test.each([
    { every: false, now: 9_999, due: false },
    { every: 0, now: 100, due: true },
    { every: 60, now: 159, due: false },
    { every: 60, now: 160, due: true },
  ] as const)("rotationDue: every $every, renewed at 100, now $now: $due", ({ every, now, due }) => {
    expect(rotationDue(every, 100, now)).toBe(due);
  });

  test.each([
    { expiresAt: 500, writtenUnder: undefined, idle: 100, end: 500 },
    { expiresAt: 500, writtenUnder: 100, idle: 100, end: 500 },
    { expiresAt: 500, writtenUnder: 300, idle: 100, end: 300 },
    { expiresAt: 500, writtenUnder: 50, idle: 100, end: 500 },
  ])(
    "idleEndOf: stored until $expiresAt under $writtenUnder, now $idle: $end",
    ({ expiresAt, writtenUnder, idle, end }) => {
      expect(idleEndOf(expiresAt, writtenUnder, idle)).toBe(end);
    },
  );

  test("limitsOf: a session's own limits hold where they are shorter, and a touch comes as often in proportion", () => {
    expect(limitsOf(undefined, lifetime)).toBe(lifetime);
    expect(limitsOf({ idle: 50 }, lifetime)).toEqual({ idle: 50, absolute: 1000, touchEvery: 5 });
    expect(limitsOf({ absolute: 300 }, lifetime)).toEqual({ idle: 100, absolute: 300, touchEvery: 10 });
    expect(limitsOf({ idle: 5000, absolute: 5000 }, lifetime)).toEqual(lifetime);
  });

  test("a session ends at the earlier limit", () => {
    expect(endOf(500, 0, lifetime)).toBe(500);
    expect(endOf(1500, 0, lifetime)).toBe(1000);
  });

  test("a cookie's Max-Age is whole seconds to the absolute limit, one at least, 400 days at most", () => {
    const long = { ...lifetime, absolute: 500 * 86_400_000 };
    expect(cookieMaxAge(0, 0, long)).toBe(400 * 86_400);
    expect(cookieMaxAge(0, 499 * 86_400_000 + 1, long)).toBe(86_400);
    expect(cookieMaxAge(0, 1000, lifetime)).toBe(1);
  });

  test("a tombstone outlives every request on its way: 30 s, or the grace if longer, and the leeway of clocks", () => {
    expect(tombstoneEnd(1000, 5_000)).toBe(36_000);
    expect(tombstoneEnd(1000, 60_000)).toBe(66_000);
  });
});
