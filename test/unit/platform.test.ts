import * as nodeCrypto from "node:crypto";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { NONCE_BYTES, randomBytes } from "../../src/platform/bytes.ts";
import * as node from "../../src/platform/node.ts";
import * as portable from "../../src/platform/portable.ts";

/*
 * package.json chooses one of two files for `#platform`. Whichever it is, the other's tokens, cookies and records must
 * mean the same.
 */

const platforms = [
  ["on node:crypto", node],
  ["portable", portable],
] as const;

const anyText = fc.string({ unit: "binary", maxLength: 300 });

test("both platforms offer the same functions", () => {
  const shapeOf = (platform: object) => Object.entries(platform).map(([name, value]) => [name, typeof value]);
  expect(shapeOf(node)).toEqual(shapeOf(portable));
});

describe.each(platforms)("hashes %s", (_, platform) => {
  test("are what any other implementation computes, for texts of every length", () => {
    fc.assert(
      fc.property(anyText, anyText, (key, text) => {
        expect(platform.sha256(text)).toBe(nodeCrypto.createHash("sha256").update(text).digest("base64url"));
        expect(platform.sha1(text)).toBe(nodeCrypto.createHash("sha1").update(text).digest("hex"));
        const mac = nodeCrypto.createHmac("sha256", key).update(text).digest("base64url");
        expect(platform.hmacSha256(key, text)).toBe(mac);
        const derived = Buffer.from(nodeCrypto.hkdfSync("sha256", key, "salt", text, 32));
        expect(Buffer.from(platform.hkdfSha256(key, "salt", text)).equals(derived)).toBe(true);
      }),
    );
  });
});

describe.each(platforms)("base64url %s", (_, { decodeBase64url, encodeBase64url }) => {
  test("gives back the bytes, in the one spelling that others give them", () => {
    for (const length of [0, 1, 2, 3, 32, 255, 70_000]) {
      const bytes = Uint8Array.from({ length }, (_, at) => (at * 97 + length) & 255);
      const text = encodeBase64url(bytes);
      expect(text).toBe(Buffer.from(bytes).toString("base64url"));
      expect(Buffer.from(decodeBase64url(text) as Uint8Array).equals(bytes)).toBe(true);
    }
  });

  test.each(["A", "AB", "AAB", "AA=", "A+A", "A/A", "AA A", "é", "AAAA\n"])("%j is not base64url", (text) => {
    expect(decodeBase64url(text)).toBeUndefined();
  });
});

describe("AES-256-GCM", () => {
  const secret = new Uint8Array(32).fill(7);
  const nonce = new Uint8Array(NONCE_BYTES).fill(9);

  test("both platforms give the same bytes and open each other's", async () => {
    const [ours, theirs] = [node.createAead(secret), portable.createAead(secret)];
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 200 }), fc.uint8Array({ maxLength: 40 }), async (plain, context) => {
        const given = [nonce, Uint8Array.from(plain), Uint8Array.from(context)] as const;
        const sealed = Uint8Array.from(await ours.seal(...given));
        expect(Buffer.from(await theirs.seal(...given)).equals(sealed)).toBe(true);
        for (const aead of [ours, theirs]) {
          expect(Buffer.from((await aead.open(sealed, given[2])) as Uint8Array).equals(plain)).toBe(true);
          const altered = sealed.with(sealed.length - 1, (sealed.at(-1) as number) ^ 1) as Uint8Array<ArrayBuffer>;
          expect(await aead.open(altered, given[2])).toBeUndefined();
          // The full tag or nothing: GCM would take a shorter one
          for (let length = 0; length < sealed.length; length++)
            expect(await aead.open(sealed.slice(0, length), given[2])).toBeUndefined();
        }
      }),
      { numRuns: 10 },
    );
  });

  test("is synchronous on node:crypto", () => {
    expect(node.createAead(secret).seal(nonce, new Uint8Array(4), new Uint8Array(0))).toBeInstanceOf(Uint8Array);
  });
});

test("random bytes are drawn when they are asked for, so that a copied heap repeats none", () => {
  const { getRandomValues } = crypto;
  let drawn = 0;
  crypto.getRandomValues = ((array: Uint8Array) => {
    drawn += array.length;
    return getRandomValues.call(crypto, array);
  }) as typeof getRandomValues;
  try {
    for (const count of [32, 12, 16]) randomBytes(count);
    expect(drawn).toBe(60);
  } finally {
    crypto.getRandomValues = getRandomValues;
  }
});
