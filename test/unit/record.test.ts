import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { memoryStore } from "../../src/index.ts";
import { CLOCK_SKEW } from "../../src/rules/lifetime.ts";
import { decodeStored, encodeMark, encodeRecord, type LiveRecord } from "../../src/stored/record.ts";
import { startProcess, startSession } from "../support/process.ts";

const NOW = 1_800_000_000_000;

describe("records", () => {
  test("a small record is two short lines, with nothing for what it does not have", () => {
    const record: LiveRecord = { kind: "live", data: '{"a":1}', createdAt: NOW, renewedAt: NOW, persistent: false };
    expect(encodeRecord(record)).toBe(`[1,${NOW},0]\n{"a":1}`);
  });

  const time = fc.integer({ min: 0, max: NOW });
  const optional = <T>(value: fc.Arbitrary<T>) => fc.option(value, { nil: undefined });
  const live = fc
    .record({
      data: fc.string({ unit: "binary" }),
      createdAt: time,
      age: fc.nat(),
      subject: optional(fc.string({ unit: "binary" })),
      authenticatedAt: optional(time),
      persistent: optional(fc.constant(true)),
      meta: optional(fc.jsonValue({ noUnicodeString: false }).map((value) => JSON.parse(JSON.stringify(value)))),
      previous: optional(fc.string()),
    })
    .map(({ age, ...rest }): LiveRecord => ({ kind: "live", ...rest, renewedAt: rest.createdAt + age }));

  test("whatever is encoded is decoded, the data to the byte", () => {
    fc.assert(
      fc.property(live, (record) => {
        expect(decodeStored(encodeRecord(record), NOW)).toEqual(record);
      }),
    );
    fc.assert(
      fc.property(fc.string(), fc.string(), optional(time), (to, nonce, until) => {
        expect(decodeStored(encodeMark({ kind: "forward", to, nonce, until }), NOW)).toEqual({
          kind: "forward",
          to,
          nonce,
          until,
        });
        expect(decodeStored(encodeMark({ kind: "ended", to }), NOW)).toEqual({ kind: "ended", to });
      }),
    );
    expect(decodeStored(encodeMark({ kind: "ended" }), NOW)).toEqual({ kind: "ended", to: undefined });
  });

  test("anything at all decodes to a record of ours or to nothing, and never throws", () => {
    const almost = fc.tuple(fc.json(), fc.constantFrom("", "\n", "\n{}"), fc.json()).map((parts) => parts.join(""));
    const bent = fc.array(fc.jsonValue(), { maxLength: 6 }).map((head) => JSON.stringify([1, ...head]));
    fc.assert(
      fc.property(
        fc.oneof(
          fc.anything(),
          fc.string({ unit: "binary" }),
          almost,
          bent,
          bent.map((head) => `${head}\n{}`),
        ),
        (value) => {
          const stored = decodeStored(value, NOW);
          if (stored === undefined) return;
          if (stored.kind === "live") {
            expect(Number.isSafeInteger(stored.createdAt) && Number.isSafeInteger(stored.renewedAt)).toBe(true);
            expect(stored.renewedAt).toBeGreaterThanOrEqual(stored.createdAt);
            expect(["string", "undefined"]).toContain(typeof stored.subject);
          } else if (stored.kind === "forward") expect(typeof stored.to).toBe("string");
          else expect(stored.kind).toBe("ended");
        },
      ),
      { numRuns: 3000 },
    );
  });

  test("a record from a clock a little ahead is one, from the far future is none", () => {
    const at = (createdAt: number) =>
      decodeStored(encodeRecord({ kind: "live", data: "{}", createdAt, renewedAt: createdAt }), NOW);
    expect(at(NOW + CLOCK_SKEW)).toBeDefined();
    expect(at(NOW + CLOCK_SKEW + 1)).toBe(undefined);
  });

  test("whatever one process writes another reads, and nobody is signed out, for any two clocks within a day", async () => {
    const skew = fc.integer({ min: -CLOCK_SKEW, max: CLOCK_SKEW });
    const act = fc.constantFrom("read", "write", "renew", "sign in", "rotate");
    await fc.assert(
      fc.asyncProperty(skew, fc.array(fc.tuple(act, fc.boolean()), { maxLength: 6 }), async (ahead, steps) => {
        const lifetime = { idle: 5 * 86_400, absolute: 9 * 86_400 };
        const store = memoryStore({ clock: () => NOW });
        const options = { lifetime, rotation: { every: 60 } };
        const one = startProcess(store, { ...options, clock: () => NOW });
        const other = startProcess(store, { ...options, clock: () => NOW + ahead });
        let token = await startSession(one, { a: "x" }, "ada");
        for (const [kind, here] of steps) {
          const { subject, cookies } = await (here ? one : other).request(token, (session) => {
            if (kind === "write") session.set("b", "y");
            if (kind === "renew") session.renew();
            if (kind === "sign in") session.signIn("ada");
          });
          expect(subject).toBe("ada");
          token = cookies[0] ?? token;
        }
        for (const process of [one, other]) {
          expect((await process.request(token)).subject).toBe("ada");
          expect(process.events.map(({ type }) => type)).not.toContain("record_rejected");
        }
      }),
      { numRuns: 200 },
    );
  });

  test("a truncated record is none, wherever it is cut in the head", () => {
    const text = encodeRecord({ kind: "live", data: '{"a":1}', createdAt: NOW, renewedAt: NOW, subject: "ada" });
    for (let length = 0; length < text.indexOf("\n"); length++)
      expect(decodeStored(text.slice(0, length), NOW)).toBe(undefined);
  });
});
