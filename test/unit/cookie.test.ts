import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { attributesOf, cookieValues, nameOfSetCookie, removeCookie, setCookie } from "../../src/http/cookie.ts";

const anything = () => true;
const values = (header: string | null, name = "id") => cookieValues(header, name, anything);

describe("cookieValues", () => {
  test.each<[string, string | null, string[]]>([
    ["no header", null, []],
    ["an empty header", "", []],
    ["our cookie alone", "id=a", ["a"]],
    ["among others", "x=1; id=a; y=2", ["a"]],
    ["without the space after ;", "x=1;id=a;y=2", ["a"]],
    ["SP and HTAB around name and value", " \t id \t = \t a \t ;x=1", ["a"]],
    ["only the first = separates", "id=a=b=", ["a=b="]],
    ["an empty value", "id=; id=a", ["", "a"]],
    ["values in the order sent, each once", "id=b; id=a; id=b", ["b", "a"]],
    ["four at most", "id=1; id=2; id=3; id=4; id=5", ["1", "2", "3", "4"]],
    ["no = at all", "id", []],
    ["a nameless cookie that spells ours (CVE-2023-23934)", "=id=a", []],
    ["an exact name: a longer one", "idx=a; xid=b; id2=c", []],
    ["an exact name: another case", "ID=a; Id=b", []],
    ["a percent-encoded name (CVE-2020-7070)", "%69d=a; i%64=b", []],
    ["a name with dot or bracket made underscore (CVE-2022-31629)", "i.d=a; i d=b; i[d=c", []],
    ["quotes are not taken off", 'id="a"', ['"a"']],
    ["values are not decoded", "id=%61", ["%61"]],
    ["$Version is not a mode", "$Version=1; id=a; $Path=/", ["a"]],
    ["a no-break space before the name, as a sibling subdomain can plant (CVE-2026-39410)", "\u00a0id=a", []],
    ["other Unicode space", "\u2003id=a; \u3000id=b; \ufeffid=c", []],
    ["control characters around the name", "\u000bid=a; \u000cid=b; \rid=c; \nid=d; \0id=e", []],
    ["a comma does not separate: a foreign value cannot spell our cookie", "x=1, id=a", []],
    ["prototype names", "__proto__=x; constructor=y; id=a", ["a"]],
    ["nothing but separators", ";;; ; ;=;= ;", []],
  ])("%s", (_name, header, expected) => {
    expect(values(header)).toEqual(expected);
  });

  test("a value that is not well formed is passed over and does not count among the four", () => {
    const header = `${"id=bad; ".repeat(50)}id=good`;
    expect(cookieValues(header, "id", (value) => value === "good")).toEqual(["good"]);
  });

  test("a cookie beyond 64 kB of header is not looked for", () => {
    expect(values(`${"x".repeat(65_540)}; id=a`)).toEqual([]);
    expect(values(`${"x".repeat(65_000)}; id=a`)).toEqual(["a"]);
  });

  test("any bytes from 0x20 to 0xFF: no exception, and only what stands there as a pair of ours is found", () => {
    const byte = fc.integer({ min: 0x20, max: 0xff }).map((code) => String.fromCharCode(code));
    const chunk = fc.oneof(byte, fc.constantFrom("id", "=", ";", " ", "\t", "id=", "; id=a", "\u00a0", ","));
    fc.assert(
      fc.property(fc.array(chunk, { maxLength: 60 }), (chunks) => {
        const header = chunks.join("");
        // The definition, slowly: split at ";", strip SP and HTAB, compare the name
        const strip = (text: string) => text.replace(/^[ \t]+|[ \t]+$/g, "");
        const expected = header
          .split(";")
          .map((pair) => [strip(pair.slice(0, Math.max(0, pair.indexOf("=")))), pair] as const)
          .filter(([name, pair]) => name === "id" && pair.includes("="))
          .map(([, pair]) => strip(pair.slice(pair.indexOf("=") + 1)));
        expect(values(header)).toEqual([...new Set(expected)].slice(0, 4));
      }),
      { numRuns: 2000 },
    );
  });

  /** A header that counts how many of its characters are looked at. */
  class CountedHeader {
    steps = 0;
    readonly text: string;
    constructor(text: string) {
      this.text = text;
    }
    get length() {
      return this.text.length;
    }
    indexOf(search: string, from: number) {
      const found = this.text.indexOf(search, from);
      this.steps += (found < 0 ? this.text.length : found) - from + 1;
      return found;
    }
    startsWith(search: string, at: number) {
      this.steps += search.length;
      return this.text.startsWith(search, at);
    }
    charCodeAt(at: number) {
      this.steps++;
      return this.text.charCodeAt(at);
    }
    slice(from: number, to: number) {
      this.steps += to - from;
      return this.text.slice(from, to);
    }
  }

  test.each(["a=", ";", " ", "id", "id=", "id ", "id=a;", "; id \t=\t", "\t;", "=", "x=y; "])(
    "looks at each character a bounded number of times: %j repeated",
    (unit) => {
      for (const size of [1_000, 10_000, 60_000]) {
        const header = new CountedHeader(unit.repeat(size / unit.length));
        cookieValues(header as unknown as string, "id", () => false);
        expect(header.steps).toBeLessThanOrEqual(5 * size + 10);
      }
    },
  );
});

describe("Set-Cookie", () => {
  const host = { path: "/", domain: undefined, sameSite: "lax", partitioned: false, priority: undefined } as const;

  test("has all protection by default, and a browser-session lifetime", () => {
    const form = { name: "__Host-Http-session", attributes: attributesOf(host, true), scope: "/" };
    expect(setCookie(form, "value")).toBe("__Host-Http-session=value; Path=/; HttpOnly; Secure; SameSite=Lax");
  });

  test("writes Max-Age and Expires, equal and whole", () => {
    const form = {
      name: "id",
      attributes: attributesOf(
        { ...host, path: "/app", domain: "example.com", sameSite: "none", partitioned: true, priority: "high" },
        true,
      ),
      scope: "/",
    };
    expect(setCookie(form, "v", 3600, Date.UTC(2026, 0, 1))).toBe(
      "id=v; Path=/app; Domain=example.com; HttpOnly; Secure; SameSite=None; Partitioned; Priority=High; Max-Age=3600; Expires=Thu, 01 Jan 2026 01:00:00 GMT",
    );
  });

  test("removal repeats the attributes", () => {
    const form = {
      name: "id",
      attributes: attributesOf({ ...host, domain: "example.com", partitioned: true }, true),
      scope: "/ example.com Partitioned",
    };
    expect(removeCookie(form)).toBe(`${setCookie(form, "")}; Max-Age=0; Expires=Thu, 01 Jan 1970 00:00:00 GMT`);
  });

  test.each([
    ["a=b; Path=/", "a"],
    ["a", "a"],
    ["a; Path=/", "a"],
    [" a =b", "a"],
    ["=b", ""],
  ])("the name in %j is %j", (line, name) => {
    expect(nameOfSetCookie(line)).toBe(name);
  });
});
