import { describe, expect, test } from "vitest";
import { createSessions, memoryStore } from "../../src/index.ts";
import { jsonCodec } from "../../src/session/codec.ts";
import { createDecoder, type DecodedRecord } from "../../src/stored/decoder.ts";
import { encodeMark, encodeRecord } from "../../src/stored/record.ts";

const now = 1_800_000_000_000;
const textOf = (data: unknown): string =>
  encodeRecord({ kind: "live", createdAt: now, renewedAt: now, data: JSON.stringify(data) });

describe("what a text means", () => {
  test("is remembered for the text that is stored, and for no other under the same key", () => {
    const { decode } = createDecoder(jsonCodec);
    const first = decode("key", textOf({ n: 1 }), now);
    expect(decode("key", textOf({ n: 1 }), now)).toBe(first);
    expect(decode("key", textOf({ n: 2 }), now)).toMatchObject({ content: { n: 2 } });
    expect(decode("key", encodeMark({ kind: "ended" }), now)).toEqual({ kind: "ended", to: undefined });
    expect(decode("key", "[1,2", now)).toBeUndefined();
    expect(decode("other", textOf({ n: 1 }), now)).not.toBe(first);
  });

  test("is known without decoding after a write", () => {
    const { decode, remember } = createDecoder(jsonCodec);
    const written = { ...(decode("key", textOf({ n: 1 }), now) as DecodedRecord) };
    remember("key", textOf({ n: 2 }), written);
    expect(decode("key", textOf({ n: 2 }), now)).toBe(written);
  });

  test("is forgotten before it takes much memory", () => {
    const { decode } = createDecoder(jsonCodec);
    const long = textOf({ text: "x".repeat(10_000) });
    const keys = Array.from({ length: 60 }, (_, n) => `key-${String.fromCharCode(48 + n)}--`);
    const first = decode("first", long, now);
    for (const key of keys.slice(0, 40)) decode(key, long, now);
    expect(decode("first", long, now)).toBe(first);
    for (const key of keys.slice(40)) decode(key, long, now);
    expect(decode("first", long, now)).not.toBe(first);
  });

  test("is not remembered where the text is long", () => {
    const { decode, remember } = createDecoder(jsonCodec);
    const long = textOf({ text: "x".repeat(1_000_000) });
    const first = decode("key", long, now) as DecodedRecord;
    expect(decode("key", long, now)).not.toBe(first);
    remember("key", long, first);
    expect(decode("key", long, now)).not.toBe(first);
  });

  test("is right for two keys that share a place, which takes turns between them", () => {
    const { decode } = createDecoder(jsonCodec);
    for (const n of [1, 2, 3, 4]) expect(decode(`${n}---`, textOf({ n }), now)).toMatchObject({ content: { n } });
    const last = decode("4---", textOf({ n: 4 }), now);
    expect(decode("4---", textOf({ n: 4 }), now)).toBe(last);
  });

  test("is not shared where the codec is one's own, whose values may not freeze", () => {
    const { decode, remember } = createDecoder({ encode: JSON.stringify, decode: JSON.parse });
    const first = decode("key", textOf({ n: 1 }), now) as DecodedRecord;
    expect(decode("key", textOf({ n: 1 }), now)).not.toBe(first);
    remember("key", textOf({ n: 1 }), first);
    expect(decode("key", textOf({ n: 1 }), now)).not.toBe(first);
  });
});

describe("requests of one session that share what was decoded", () => {
  interface Data {
    list: { items: number[] };
    other: string;
  }

  async function signedIn() {
    const sessions = createSessions<Data>({
      store: memoryStore(),
      describe: () => ({ browser: { name: "a browser" } }),
    });
    const first = await sessions.load(new Request("https://example.com/"));
    first.signIn("ada");
    first.set("list", { items: [1] });
    const cookie = ((await sessions.commit(first)).get("set-cookie") as string).split(";", 1)[0] as string;
    return { sessions, load: () => sessions.load(new Request("https://example.com/", { headers: { cookie } })) };
  }

  test("cannot change it for each other", async () => {
    const { load } = await signedIn();
    const [a, b] = [await load(), await load()];
    expect(() => (a.get("list") as { items: number[] }).items.push(2)).toThrow(TypeError);
    expect(() => Object.assign(a.all(), { other: "x" })).toThrow(TypeError);
    a.set("other", "of a");
    a.update("list", (list) => {
      list?.items.push(2);
      return list;
    });
    a.delete("list");
    expect(b.all()).toEqual({ list: { items: [1] } });
    expect((await load()).all()).toEqual({ list: { items: [1] } });
  });

  test("see what was written, and what is written after that", async () => {
    const { sessions, load } = await signedIn();
    for (const n of [2, 3]) {
      const writer = await load();
      writer.update("list", (list) => ({ items: [...(list?.items ?? []), n] }));
      await sessions.commit(writer);
    }
    expect((await load()).get("list")).toEqual({ items: [1, 2, 3] });
  });

  test("get the description of a device frozen", async () => {
    const { sessions } = await signedIn();
    const { meta } = (await sessions.list("ada"))[0] as { meta: { browser: { name: string } } };
    expect(meta).toEqual({ browser: { name: "a browser" } });
    expect(() => Object.assign(meta.browser, { name: "another" })).toThrow(TypeError);
  });
});
