import { deflateRawSync } from "node:zlib";
import fc from "fast-check";
import { expect, test } from "vitest";
import { pack, unpack } from "../../src/sealed/packing.ts";

const packed = (plain: Uint8Array): Uint8Array<ArrayBuffer> => Uint8Array.of(0, ...deflateRawSync(plain));

test("pack() and unpack() give back any text that begins as a record does, compressed or not", async () => {
  await fc.assert(
    fc.asyncProperty(fc.string({ unit: "grapheme", maxLength: 2_000 }), fc.boolean(), async (rest, compress) => {
      const bytes = await pack(`[1]\n${rest}`, compress);
      expect(await unpack(bytes as Uint8Array<ArrayBuffer>)).toBe(`[1]\n${rest}`);
    }),
    { numRuns: 50 },
  );
});

test("pack() compresses what gets shorter by it and nothing else", async () => {
  const words = `[${"word ".repeat(500)}`;
  expect(((await pack(words, true)) as Uint8Array).length).toBeLessThan(100);
  expect((pack(words, false) as Uint8Array).length).toBe(words.length);
  expect(((await pack("[1]", true)) as Uint8Array).length).toBe(3);
});

test("unpack() stops at a bound: a few bytes that claim to be many megabytes give nothing", async () => {
  const bomb = packed(new Uint8Array(20_000_000));
  expect(bomb.length).toBeLessThan(30_000);
  expect(await unpack(bomb)).toBeUndefined();
  expect(await unpack(packed(Buffer.alloc(262_144, "a")))).toBe("a".repeat(262_144));
  expect(await unpack(packed(Buffer.alloc(262_145, "a")))).toBeUndefined();
});

test("pack() refuses what unpack() would not give back", () => {
  expect(pack("a".repeat(262_145), false)).toBeUndefined();
  expect(pack("é".repeat(131_073), true)).toBeUndefined();
});

test("unpack() gives nothing for damaged bytes, and does not throw", async () => {
  const good = packed(Buffer.from("some text that is longer than nothing, some text"));
  for (let length = 1; length < good.length; length++) expect(await unpack(good.slice(0, length))).toBeUndefined();
  await fc.assert(
    fc.asyncProperty(fc.uint8Array({ maxLength: 50 }), async (bytes) => {
      await unpack(Uint8Array.of(0, ...bytes));
    }),
    { numRuns: 100 },
  );
});
