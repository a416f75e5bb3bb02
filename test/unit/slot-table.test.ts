import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { createSlotTable } from "../../src/stores/memory/slot-table.ts";
import { none } from "../../src/stores/memory/slots.ts";
import { createTextHash } from "../../src/stores/memory/text-hash.ts";

type Step = { readonly take: number; readonly text: string } | { readonly free: number };

const hashes: Record<string, (text: string) => number> = {
  "a good hash": createTextHash(),
  "one hash for all texts": () => -7,
  "three hashes, and those negative": (text) => -1 - (text.length % 3),
  "hashes that differ in their highest bit only": (text) => (text.length % 2) << 31,
};

describe.each(Object.entries(hashes))("a slot table with %s", (_, hashOf) => {
  test("finds what a Map from slot to text has, over any steps", () => {
    const text = fc.string({ maxLength: 2, unit: fc.constantFrom("a", "b", "\u{1f36a}") });
    const step: fc.Arbitrary<Step> = fc.oneof(
      { weight: 3, arbitrary: fc.record({ take: fc.nat(200), text }) },
      { weight: 2, arbitrary: fc.record({ free: fc.nat(200) }) },
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 400, size: "max" }), (steps) => {
        const model = new Map<number, string>();
        const table = createSlotTable((slot) => model.get(slot), hashOf);
        for (const step of steps) {
          const slot = 1 + ("take" in step ? step.take : step.free);
          if ("take" in step && !model.has(slot)) {
            model.set(slot, step.text);
            table.add(step.text, slot);
          } else if ("free" in step && model.has(slot)) {
            table.remove(slot);
            model.delete(slot);
          }
        }
        for (const text of new Set(["", "b", "x", ...model.values()])) {
          const expected = [...model].filter(([, held]) => held === text).map(([slot]) => slot);
          expect(all(table.find, text)).toEqual(expected.sort(byNumber));
        }
      }),
    );
  });

  test("finds every one of thousands, while they come and after most have gone and others came", () => {
    const texts: string[] = [""];
    const table = createSlotTable((slot) => texts[slot], hashOf);
    const count = 3000;
    for (let slot = 1; slot <= count; slot++) {
      texts[slot] = `text ${slot}`;
      table.add(`text ${slot}`, slot);
      expect(table.find(`text ${1 + (slot >> 1)}`)).toBe(1 + (slot >> 1));
    }
    for (let slot = 1; slot <= count; slot++) if (slot % 10 !== 0) table.remove(slot);
    for (let slot = 1; slot <= count; slot++) expect(table.find(`text ${slot}`)).toBe(slot % 10 === 0 ? slot : none);
    for (let slot = 1; slot <= count; slot += 2) {
      texts[slot] = `again ${slot}`;
      table.add(`again ${slot}`, slot);
    }
    for (let slot = 1; slot <= count; slot += 2) expect(table.find(`again ${slot}`)).toBe(slot);
  });
});

test("an empty slot table finds nothing", () => {
  expect(createSlotTable(() => "").find("")).toBe(none);
});

test("a slot table takes a high slot first, as when the millionth session is the first with a subject", () => {
  const table = createSlotTable(() => "anna");
  table.add("anna", 2_000_000);
  table.add("anna", 3);
  expect(all(table.find, "anna")).toEqual([3, 2_000_000]);
});

describe("a text hash", () => {
  const names = Array.from({ length: 4096 }, (_, i) => `user-${i}`);

  test("is the same for the same text, and another in each table", () => {
    const [one, other] = [createTextHash(), createTextHash()];
    expect(names.map(one)).toEqual(names.map(one));
    expect(names.map(one)).not.toEqual(names.map(other));
  });

  test.each([
    ["differ at the end", (name: string) => name],
    ["differ at the beginning only", (name: string) => `${name.padStart(40, "x")}${"@example.com".repeat(20)}`],
    ["differ in the high half of a character only", (_: string, i: number) => `x${String.fromCharCode(i << 4)}y`],
  ])("spreads texts that %s over the buckets", (_, textOf) => {
    const hash = createTextHash();
    const buckets = new Array(4096).fill(0);
    names.map(textOf).forEach((text) => {
      buckets[hash(text) & 4095]++;
    });
    // Chance makes it 7 or 8
    expect(Math.max(...buckets)).toBeLessThan(64);
  });
});

function all(find: (text: string, last?: number) => number, text: string): number[] {
  const found: number[] = [];
  for (let slot = find(text); slot !== none; slot = find(text, slot)) found.push(slot);
  return found.sort(byNumber);
}

function byNumber(a: number, b: number): number {
  return a - b;
}
