import * as nodeCrypto from "node:crypto";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { checkKey, deriveKey, generateKey, type SealingKey } from "../../src/sealed/key.ts";
import { createSealer, type Sealer } from "../../src/sealed/seal.ts";

const NAME = "__Host-Http-session";
const [KEY, OTHER_KEY] = [generateKey(), generateKey()];
const sealer = createSealer([KEY]);

const bytes = (text: string): Uint8Array<ArrayBuffer> => new TextEncoder().encode(text);
const text = (given: Uint8Array | undefined): string | undefined => given && new TextDecoder().decode(given);
const open = (by: Sealer, value: string, name = NAME): string | undefined =>
  text(by.open(value, name) as Uint8Array | undefined);
const seal = (by: Sealer, plain: string, name = NAME): string => by.seal(bytes(plain), name) as string;

describe("createSealer()", () => {
  test("opens what it sealed, and makes no promise for it on Node", () => {
    fc.assert(
      fc.property(fc.string({ unit: "grapheme", maxLength: 300 }), (plain) => {
        expect(open(sealer, seal(sealer, plain))).toBe(plain);
      }),
    );
  });

  test("no value opens after a change of any single bit", () => {
    const value = seal(sealer, '{"cart":["book"],"theme":"dark"}');
    for (let at = 0; at < value.length; at++) {
      for (let bit = 0; bit < 8; bit++) {
        const changed =
          value.slice(0, at) + String.fromCharCode(value.charCodeAt(at) ^ (1 << bit)) + value.slice(at + 1);
        expect(open(sealer, changed), `bit ${bit} of character ${at}`).toBeUndefined();
      }
    }
  });

  test("no value opens cut short or made longer", () => {
    const value = seal(sealer, "some text");
    for (let length = 0; length < value.length; length++) expect(open(sealer, value.slice(0, length))).toBeUndefined();
    for (const more of ["A", "AA", "AAAA", "=", "==", " ", "%00"]) expect(open(sealer, value + more)).toBeUndefined();
  });

  test("random text opens nothing, with the prefix of a good key too", () => {
    const prefix = seal(sealer, "").slice(0, 8);
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), fc.base64String(), (any, base64) => {
        expect(open(sealer, any)).toBeUndefined();
        expect(open(sealer, prefix + any)).toBeUndefined();
        expect(
          open(sealer, prefix + base64.replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "")),
        ).toBeUndefined();
      }),
      { numRuns: 1000 },
    );
  });

  test("a value has one spelling: padding, the other alphabet and spare bits do not open", () => {
    // 28 bytes of nonce and tag: with these lengths each number of spare bits occurs
    for (const plain of ["a", "ab", "abc"]) {
      const value = seal(sealer, plain);
      const last = value.at(-1) as string;
      const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
      for (const character of alphabet) {
        if (character !== last) expect(open(sealer, value.slice(0, -1) + character)).toBeUndefined();
      }
      expect(open(sealer, value.padEnd(Math.ceil(value.length / 4) * 4 + 4, "="))).toBeUndefined();
    }
    const withDash = Array.from({ length: 50 }, () => seal(sealer, "text")).find((value) =>
      value.slice(8).includes("-"),
    ) as string;
    expect(open(sealer, withDash.slice(0, 8) + withDash.slice(8).replaceAll("-", "+"))).toBeUndefined();
  });

  test("a value opens under the name it was sealed for and no other", () => {
    const value = seal(sealer, "text", "a");
    expect(open(sealer, value, "a")).toBe("text");
    for (const name of ["b", "A", "a.1", "", "__Host-a"]) expect(open(sealer, value, name)).toBeUndefined();
  });

  test("the newest key seals, all keys open, and a dropped key opens nothing", () => {
    const older = seal(createSealer([OTHER_KEY]), "older");
    const rotated = createSealer([KEY, OTHER_KEY]);
    expect(open(rotated, older)).toBe("older");
    expect(open(sealer, older)).toBeUndefined();
    expect(sealer.recognizes(older)).toBe(false);
    expect(open(sealer, seal(rotated, "newer"))).toBe("newer");
  });

  test("another version opens nothing", () => {
    const value = seal(sealer, "text");
    for (const version of ["0", "2", "A"]) expect(open(sealer, version + value.slice(1))).toBeUndefined();
  });

  test("a value names no other key: the prefix of one with the rest of another opens nothing", () => {
    const both = createSealer([KEY, OTHER_KEY]);
    const prefix = seal(createSealer([OTHER_KEY]), "").slice(0, 8);
    expect(open(both, prefix + seal(both, "text").slice(8))).toBeUndefined();
  });

  test("no nonce comes twice", () => {
    const nonces = new Set(Array.from({ length: 20_000 }, () => seal(sealer, "").slice(8, 24)));
    expect(nonces.size).toBe(20_000);
  });
});

describe("deriveKey()", () => {
  // What is derived is part of the format: change none of these
  const VECTORS = [
    [
      "auH27zK-3vZ7NBFkdRw0KPwmzrYCGsabAX3VilsM13s",
      "c873d1295a03d924708138293ddd8c55b4f5e2b154729ce2aecd83c7bb71dd3b",
      "lyX4Iam",
    ],
    [
      "3q2+78r+upb/Zm9vYmFyMTIzNDU2Nzg5MGFiY2RlZmc=",
      "f181eecefe9b562e183402f046380d27763de032ad89d2cd5c9c9c0ef6e33fab",
      "JIub4aR",
    ],
    [
      "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
      "85d577307199c04acdcc31308a92be67b4cd5798d99b0f60cc78789a2db26651",
      "4RyZuH6",
    ],
  ] as const;
  const shown = ({ secret, id }: SealingKey): string[] => [Buffer.from(secret).toString("hex"), id];

  test.each(VECTORS)("gives for %s what it always gave", (key, ...expected) => {
    expect(shown(deriveKey(key))).toEqual(expected);
  });

  test("is HKDF-SHA-256 as Node has it, and the start of a SHA-256", () => {
    const secret = Buffer.from(nodeCrypto.hkdfSync("sha256", KEY, "@sojourn/session", "sealed cookie", 32));
    const id = nodeCrypto.createHash("sha256").update(`sealed cookie ${KEY}`).digest("base64url").slice(0, 7);
    expect(shown(deriveKey(KEY))).toEqual([secret.toString("hex"), id]);
  });
});

describe("checkKey()", () => {
  test("takes 32 random bytes in each usual spelling", () => {
    for (let run = 0; run < 300; run++) {
      const random = nodeCrypto.randomBytes(32);
      for (const form of ["base64url", "base64", "hex"] as const)
        expect(() => checkKey(random.toString(form), "key")).not.toThrow();
      expect(() => checkKey(random.toString("hex").toUpperCase(), "key")).not.toThrow();
      expect(() => checkKey(generateKey(), "key")).not.toThrow();
    }
  });

  test.each([
    ["empty", ""],
    ["a password", "correct horse battery staple"],
    ["a long pass phrase", "this is a very long pass phrase that nobody is ever going to guess"],
    ["a pass phrase of just the right length", "my-super-secret-session-key-for-production1"],
    ["16 bytes", nodeCrypto.randomBytes(16).toString("base64url")],
    ["16 bytes in hex", nodeCrypto.randomBytes(16).toString("hex")],
    ["31 bytes", nodeCrypto.randomBytes(31).toString("base64url")],
    ["a line end", `${KEY}\n`],
    ["quotes", `"${KEY}"`],
    ["one character", "A".repeat(43)],
    ["zeros in hex", "0".repeat(64)],
    ["a repeated word", "ChangeMe".repeat(6).slice(0, 43)],
    ["digits in order", "0123456789abcdef".repeat(4)],
    ["letters in order", "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrs".slice(0, 43)],
    ["text in base64", Buffer.from("an ASCII text of 32 bytes, a key").toString("base64")],
  ])("refuses %s, with the command that makes a good one, and does not show it", (_, key) => {
    expect(() => checkKey(key, "keys[0]")).toThrow(RangeError);
    try {
      checkKey(key, "keys[0]");
    } catch (error) {
      expect((error as Error).message).toContain("openssl rand -base64 32");
      if (key.length > 8) expect((error as Error).message).not.toContain(key.trim());
    }
  });

  test("refuses what is no text", () => {
    for (const key of [undefined, null, 42, new Uint8Array(32)])
      expect(() => checkKey(key, "keys[0]")).toThrow(TypeError);
  });
});

test("createSealer() refuses a list without keys and a key named twice", () => {
  for (const keys of [[], undefined, KEY]) expect(() => createSealer(keys as never)).toThrow(TypeError);
  expect(() => createSealer([KEY, OTHER_KEY, KEY])).toThrow(RangeError);
});
