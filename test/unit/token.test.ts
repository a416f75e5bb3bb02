import { createHash, createHmac } from "node:crypto";
import { afterEach, describe, expect, test, vi } from "vitest";
import { newNonce } from "../../src/platform/random-text.ts";
import { digest, isWellFormed, newToken, successorOf } from "../../src/stored/token.ts";

afterEach(() => {
  vi.restoreAllMocks();
});

describe("tokens", () => {
  test("100,000 are unique, well formed, and every position is evenly used (chi-square)", () => {
    const count = 100_000;
    const seen = new Set<string>();
    const used = Array.from({ length: 42 }, () => new Map<string, number>());
    for (let n = 0; n < count; n++) {
      const token = newToken();
      if (!isWellFormed(token)) throw new Error(`not well formed: ${token}`);
      seen.add(token);
      for (let at = 0; at < 42; at++) used[at]?.set(token[at] as string, (used[at]?.get(token[at] as string) ?? 0) + 1);
    }
    expect(seen.size).toBe(count);
    const expected = count / 64;
    for (const letters of used) {
      const chiSquare = [...letters.values()].reduce((sum, n) => sum + (n - expected) ** 2 / expected, 0);
      expect(letters.size).toBe(64);
      expect(chiSquare).toBeLessThan(150); // 63 degrees of freedom: beyond it by chance once in 10^8
    }
  });

  test("neither Math.random nor the clock has a part in them", () => {
    vi.spyOn(Math, "random").mockReturnValue(0.5);
    vi.spyOn(Date, "now").mockReturnValue(0);
    expect(new Set(Array.from({ length: 200 }, newToken)).size).toBe(200);
    expect(newNonce()).not.toBe(newNonce());
  });

  test("have one spelling: the spare bits of the last character must be zero", () => {
    const token = newToken();
    const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    const same = [...alphabet].filter((last) => isWellFormed(token.slice(0, 42) + last));
    expect(same).toHaveLength(16);
    const bytes = same.map((last) => Buffer.from(token.slice(0, 42) + last, "base64url").toString("hex"));
    expect(new Set(bytes).size).toBe(16);
  });

  test.each([
    "",
    "A".repeat(42),
    "A".repeat(44),
    `${"A".repeat(42)}B`,
    `${"A".repeat(42)}=`,
    `${"A".repeat(42)}+`,
    `${"A".repeat(42)}\n`,
    `${"é".repeat(43)}`,
  ])("%j is not one", (text) => {
    expect(isWellFormed(text)).toBe(false);
  });

  test("the digest is SHA-256 and the successor HMAC-SHA-256, as any other implementation computes them", () => {
    const token = newToken();
    expect(digest(token)).toBe(createHash("sha256").update(token).digest("base64url"));
    expect(successorOf(token, "nonce")).toBe(createHmac("sha256", token).update("nonce").digest("base64url"));
    expect(isWellFormed(successorOf(token, newNonce()))).toBe(true);
  });
});
