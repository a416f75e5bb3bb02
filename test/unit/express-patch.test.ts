import { describe, expect, test } from "vitest";
import { apply, asStored, type Copies, diff, freeze, thaw } from "../../adapters/express-session/patch.ts";

type Value = Record<string, unknown>;

/** What is stored in the end when `one` and `other` both read `start`, and `other` is stored first. */
function overlapping(start: Value, other: (value: never) => void, one: (value: never) => void): unknown {
  let stored: unknown = start;
  const patches = [other, one].map((change) => {
    const copies: Copies = new Map();
    const live = thaw(start, copies);
    change(live as never);
    return diff(start, asStored(live, "value"), live, copies);
  });
  for (const patch of patches) if (patch) stored = apply(patch, stored);
  return stored;
}

type User = { user: { name: string; theme?: string; roles?: string[] } };
type List = { list: unknown[] };

const changes: [string, Value, (value: never) => void, (value: never) => void, Value][] = [
  ["two properties", { a: 1 }, (s: Value) => (s.b = 2), (s: Value) => (s.c = 3), { a: 1, b: 2, c: 3 }],
  [
    "two paths of one object",
    { user: { name: "ada" } },
    ({ user }: User) => (user.name = "grace"),
    ({ user }: User) => (user.theme = "dark"),
    { user: { name: "grace", theme: "dark" } },
  ],
  [
    "the same, in objects that were assigned",
    { user: { name: "ada" } },
    (s: User) => (s.user = { ...s.user, name: "grace" }),
    (s: User) => (s.user = { ...s.user, theme: "dark" }),
    { user: { name: "grace", theme: "dark" } },
  ],
  [
    "a path that is removed, and one that is set",
    { user: { name: "ada", theme: "dark" } },
    ({ user }: User) => delete user.theme,
    ({ user }: User) => (user.roles = ["admin"]),
    { user: { name: "ada", roles: ["admin"] } },
  ],
  ["one path assigned twice: the later one", { n: 1 }, (s: Value) => (s.n = 2), (s: Value) => (s.n = 3), { n: 3 }],
  [
    "an object made by both",
    {},
    (s: Value) => (s.flash = { info: ["a"] }),
    (s: Value) => (s.flash = { info: ["b"], error: ["c"] }),
    { flash: { info: ["a", "b"], error: ["c"] } },
  ],
  [
    "a change inside of what was removed",
    { user: { name: "ada" } },
    (s: Value) => delete s.user,
    ({ user }: User) => (user.theme = "dark"),
    {},
  ],
  [
    "a new object where one was removed",
    { user: { name: "ada" } },
    (s: Value) => delete s.user,
    (s: Value) => (s.user = { name: "grace" }),
    { user: { name: "grace" } },
  ],
  [
    "an object that became text",
    { user: { name: "ada" } },
    (s: Value) => (s.user = "ada"),
    ({ user }: User) => (user.theme = "dark"),
    { user: "ada" },
  ],
  [
    "two pushes",
    { list: [1] },
    ({ list }: List) => list.push(2),
    ({ list }: List) => list.push(3),
    { list: [1, 2, 3] },
  ],
  [
    "two pushes of equals",
    { list: [] },
    ({ list }: List) => list.push(1),
    ({ list }: List) => list.push(1),
    { list: [1, 1] },
  ],
  [
    "a push in place, and one by spread",
    { list: [1] },
    ({ list }: List) => list.push(2),
    (s: List) => (s.list = [...s.list, 3]),
    { list: [1, 2, 3] },
  ],
  [
    "a push and a shift",
    { list: [1, 2] },
    ({ list }: List) => list.push(3),
    ({ list }: List) => list.shift(),
    { list: [2, 3] },
  ],
  [
    "two shifts of one element",
    { list: [1, 2] },
    ({ list }: List) => list.shift(),
    ({ list }: List) => list.shift(),
    { list: [2] },
  ],
  [
    "an unshift and a push",
    { list: [1] },
    ({ list }: List) => list.push(2),
    ({ list }: List) => list.unshift(0),
    { list: [0, 1, 2] },
  ],
  [
    "emptied, and a push",
    { list: [1, 2] },
    ({ list }: List) => list.push(3),
    (s: List) => (s.list = []),
    { list: [3] },
  ],
  [
    "an element that both change",
    { list: [{ id: 1, n: 1 }] },
    ({ list }: List) => Object.assign(list[0] as Value, { n: 2 }),
    ({ list }: List) => Object.assign(list[0] as Value, { seen: true }),
    { list: [{ id: 1, n: 2, seen: true }] },
  ],
  [
    "an element that one changes and one moves",
    { list: [{ id: 1, n: 1 }, { id: 2 }] },
    ({ list }: List) => list.unshift({ id: 0 }),
    ({ list }: List) => Object.assign(list[0] as Value, { n: 2 }),
    { list: [{ id: 0 }, { id: 1, n: 2 }, { id: 2 }] },
  ],
  ["sorted, alone", { list: [2, 1] }, () => {}, ({ list }: List) => list.sort(), { list: [1, 2] }],
];

describe("overlapping changes of the properties of a session", () => {
  test.each(changes)("%s", (_name, start, other, one, expected) => {
    expect(overlapping(freeze(structuredClone(start)), other, one)).toEqual(expected);
  });

  test("what nobody else changed becomes exactly what it was changed to", () => {
    const start = freeze({ list: [1, 2, 3, 4], user: { a: { b: [1] } } });
    const ways: ((s: { list: number[]; user: { a: { b: unknown } } }) => void)[] = [
      (s) => s.list.reverse(),
      (s) => s.list.splice(1, 2, 9, 9, 9),
      (s) => s.list.fill(1),
      (s) => (s.list.length = 2),
      (s) => (s.user.a.b = [[1]]),
      (s) => (s.user = { a: { b: {} } }),
    ];
    for (const way of ways) {
      const expected = structuredClone(start) as never;
      way(expected);
      expect(overlapping(start, () => {}, way as never)).toEqual(expected);
    }
  });

  test("reads as JSON gives it back: a Date as text, undefined as nothing, a key called __proto__ as a key", () => {
    const stored = overlapping(
      {},
      () => {},
      (s: Value) => {
        s.at = new Date(0);
        s.none = undefined;
        s.nested = JSON.parse('{ "__proto__": { "admin": true } }');
      },
    ) as { nested: Value };
    expect(stored).toEqual({ at: "1970-01-01T00:00:00.000Z", nested: stored.nested });
    expect(Object.keys(stored.nested)).toEqual(["__proto__"]);
    expect(stored.nested.admin).toBeUndefined();
  });

  test("a cycle, or a bigint, is refused by name", () => {
    const cycle: Value = {};
    cycle.self = cycle;
    for (const value of [cycle, 1n]) {
      expect(() => asStored(value, "cart")).toThrow(expect.objectContaining({ code: "value_not_storable" }));
      expect(() => asStored(value, "cart")).toThrow(/"cart"/);
    }
  });
});
