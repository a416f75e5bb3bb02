import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { joinedValues, MAX_COOKIES, removePieces, splitIntoCookies } from "../../src/sealed/pieces.ts";

const FORM = { name: "__Host-Http-session", attributes: "; Path=/; HttpOnly; Secure; SameSite=Lax", scope: "/" };
const PREFIX = "1keyname";
const recognizes = (value: string): boolean => value.startsWith(PREFIX);

/** What a sealed value looks like: prefix, 16 characters of nonce, the rest. */
const sealed = (length: number, nonce = "AbCdEfGhIjKlMnOp"): string => PREFIX + nonce + "x".repeat(length - 24);
const split = (value: string, maxCookies = 4): string[] =>
  splitIntoCookies(value, FORM, maxCookies, undefined, 0) as string[];
const pairs = (lines: readonly string[]): string[] => lines.map((line) => line.split(";")[0] as string);
const join = (given: readonly string[]): string[] => joinedValues(given.join("; "), FORM.name, recognizes);

describe("splitIntoCookies()", () => {
  test("a small value is one cookie with the plain name", () => {
    expect(split(sealed(200))).toEqual([`${FORM.name}=${sealed(200)}${FORM.attributes}`]);
  });

  test("no line is longer than 3800 characters, name and attributes counted", () => {
    for (const maxAge of [undefined, 604_800]) {
      for (let length = 3_600; length < 3_900; length++) {
        const lines = splitIntoCookies(sealed(length), FORM, 4, maxAge, 1_800_000_000_000) as string[];
        expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(3_800);
        expect(joinedValues(pairs(lines).join("; "), FORM.name, recognizes)).toEqual([sealed(length)]);
      }
    }
  });

  test("more than maxCookies is refused", () => {
    expect(split(sealed(14_000))).toHaveLength(4);
    expect(splitIntoCookies(sealed(16_000), FORM, 4, undefined, 0)).toBeUndefined();
    expect(split(sealed(16_000), 5)).toHaveLength(5);
    expect(splitIntoCookies(sealed(4_000), FORM, 1, undefined, 0)).toBeUndefined();
  });
});

describe("joinedValues()", () => {
  test("joins what was split, in whatever order and among whatever else the header has it", () => {
    const others = fc.array(fc.constantFrom("a=1", "session=x", `${FORM.name}.1=left`, `${FORM.name}.9=left`), {
      maxLength: 8,
    });
    const order = fc.array(fc.nat(), { minLength: 12, maxLength: 12 });
    fc.assert(
      fc.property(fc.integer({ min: 50, max: 14_500 }), others, order, (length, others, order) => {
        const sent = [...pairs(split(sealed(length))), ...others].map((pair, at) => ({
          pair,
          place: order[at] as number,
        }));
        expect(join(sent.sort((a, b) => a.place - b.place).map(({ pair }) => pair))).toEqual([sealed(length)]);
      }),
    );
  });

  test("the left-over of another seal is not joined", () => {
    const old = pairs(split(sealed(9_000, "OldOldOldOldOldO")));
    const now = pairs(split(sealed(300)));
    expect(join([...now, ...old.slice(1)])).toEqual([sealed(300)]);
  });

  test("a missing piece ends the value: what is left does not pass for the whole", () => {
    const [first, second, third] = pairs(split(sealed(9_000))) as [string, string, string];
    expect(join([first, third])).toEqual([first.slice(FORM.name.length + 1)]);
    expect(join([second, third])).toEqual([]);
  });

  test("as many pieces are joined as can be configured, and no more, however many the client sends", () => {
    const sent = pairs(split(sealed(30_000), MAX_COOKIES));
    expect(sent.length).toBeGreaterThan(4);
    expect(join(sent)).toEqual([sealed(30_000)]);
    const more = Array.from({ length: 9 }, (_, at) => `${FORM.name}.${at + 9}=${sent[1]?.split("=")[1]}`);
    expect(join([...pairs(split(sealed(36_000), MAX_COOKIES)), ...more])[0]?.length).toBeLessThanOrEqual(10 * 4_096);
  });

  test("four values of the name at most, each with its own pieces; the mark tells them apart", () => {
    const [mine, theirs] = [sealed(5_000), sealed(5_000, "QrStUvWxYzQrStUv")];
    expect(join([...pairs(split(theirs)), ...pairs(split(mine))])).toEqual([theirs, mine]);
    const many = Array.from({ length: 9 }, (_, at) => `${FORM.name}=${sealed(100 + at)}`);
    expect(join(many)).toHaveLength(4);
  });

  test("values of another key, and longer than a cookie can be, do not take the place of ours", () => {
    const junk = Array.from({ length: 9 }, (_, at) => `${FORM.name}=2foreign${at}`);
    expect(join([...junk, `${FORM.name}=${sealed(5_000)}`, `${FORM.name}=${sealed(100)}`])).toEqual([sealed(100)]);
  });
});

test("removePieces() names the pieces and the touch that the request carried, and no other", () => {
  const header = `${FORM.name}=a; ${FORM.name}.0=t; ${FORM.name}.1=b; other.2=c; ${FORM.name}.3=; ${FORM.name}.10=d`;
  const names = (from: number): string[] => pairs(removePieces(header, FORM, from));
  expect(names(0)).toEqual([`${FORM.name}=`, `${FORM.name}.1=`, `${FORM.name}.3=`, `${FORM.name}.0=`]);
  expect(names(2)).toEqual([`${FORM.name}.3=`, `${FORM.name}.0=`]);
  expect(removePieces(null, FORM, 0)).toEqual([]);
  expect(removePieces(header, FORM, 1)[0]).toContain(`${FORM.attributes}; Max-Age=0`);
});
