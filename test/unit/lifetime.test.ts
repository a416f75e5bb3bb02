import { describe, expect, test } from "vitest";
import { cookieMaxAge, endOf, limitPassed, rotationDue, tombstoneEnd, touchDue } from "../../src/rules/lifetime.ts";

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

  test("a tombstone outlives every request on its way: 30 s, or the grace if longer", () => {
    expect(tombstoneEnd(1000, 5_000)).toBe(31_000);
    expect(tombstoneEnd(1000, 60_000)).toBe(61_000);
  });
});
