import { afterEach, describe, expect, test, vi } from "vitest";

afterEach(() => {
  vi.unstubAllGlobals();
  vi.resetModules();
});

describe.each(["with node:buffer", "without it"])("base64url, %s", (how) => {
  async function load() {
    if (how === "without it") vi.stubGlobal("process", { ...process, getBuiltinModule: () => undefined });
    vi.resetModules();
    return import("../../src/platform/base64url.ts");
  }

  test("gives back the bytes, in the one spelling that others give them", async () => {
    const { decodeBase64url, encodeBase64url } = await load();
    for (const length of [0, 1, 2, 3, 32, 255, 70_000]) {
      const bytes = Uint8Array.from({ length }, (_, at) => (at * 97 + length) & 255);
      const text = encodeBase64url(bytes);
      expect(text).toBe(Buffer.from(bytes).toString("base64url"));
      expect(Buffer.from(decodeBase64url(text) as Uint8Array).equals(bytes)).toBe(true);
    }
  });

  test.each(["A", "AB", "AAB", "AA=", "A+A", "A/A", "AA A", "é", "AAAA\n"])("%j is not base64url", async (text) => {
    const { decodeBase64url } = await load();
    expect(decodeBase64url(text)).toBeUndefined();
  });
});
