import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { type Codec, createSessions, jsonCodec, memoryStore, type SessionsOptions } from "../../src/index.ts";
import { COOKIE, cookiesOf } from "../support/process.ts";

/* Whatever is not ours may be async, and may fail. Nothing that it does ends the process. */

interface Data {
  n: number;
}

const unhandled: unknown[] = [];
const listen = (error: unknown) => void unhandled.push(error);
beforeEach(() => {
  unhandled.length = 0;
  process.on("unhandledRejection", listen);
});
afterEach(async () => {
  for (let turn = 0; turn < 3; turn++) await new Promise(setImmediate);
  process.off("unhandledRejection", listen);
  expect(unhandled).toEqual([]);
});

const request = (token?: string) =>
  new Request("https://example.com/", token === undefined ? {} : { headers: { cookie: `${COOKIE}=${token}` } });

const rejects = async () => {
  throw new Error("late");
};

describe("observe", () => {
  const hostile = {
    // biome-ignore lint/suspicious/noThenProperty: a thenable that throws is the point
    then() {
      throw new Error("in then");
    },
  };
  test.each<[string, () => unknown]>([
    ["rejects", rejects],
    [
      "throws",
      () => {
        throw new Error("at once");
      },
    ],
    ["returns a thenable that throws", () => hostile],
  ])("that %s changes nothing", async (_, observe) => {
    const sessions = createSessions<Data>({ observe: observe as () => void });
    const begin = sessions.wrap((_request, session) => {
      session.signIn("ada");
      return new Response();
    });
    expect(cookiesOf(await begin(request()))).toHaveLength(1);
  });
});

test("a describe that answers with a promise is refused, and nothing is stored", async () => {
  const store = memoryStore();
  const sessions = createSessions<Data>({ store, describe: rejects });
  const session = await sessions.load(request());
  session.signIn("ada");
  await expect(sessions.commit(session)).rejects.toThrow(/describe must answer at once; it returned a promise/);
  expect(await sessions.list("ada")).toEqual([]);
});

test("a function for update that answers with a promise is refused, and the session stays as it was", async () => {
  const sessions = createSessions<Data>();
  const session = await sessions.load(request());
  session.set("n", 1);
  expect(() => session.update("n", rejects as unknown as () => number)).toThrow(
    /function for update must answer at once/,
  );
  expect(session.get("n")).toBe(1);
});

describe("a codec", () => {
  const own: Codec = { encode: JSON.stringify, decode: JSON.parse };

  test.each<[string, Partial<Record<keyof Codec, unknown>>]>([
    ["encode", { encode: async (data: unknown) => JSON.stringify(data) }],
    ["encode", { encode: rejects }],
    ["decode", { decode: async (text: string) => JSON.parse(text) }],
    ["copy", { copy: async (value: unknown) => value }],
  ])("whose %s answers with a promise is refused when the sessions are made", (method, wrong) => {
    const options = { codec: { ...own, ...wrong } } as SessionsOptions;
    expect(() => createSessions(options)).toThrow(new RegExp(`codec.${method} must answer at once`));
  });

  test("whose encode gives no text fails the commit, and nothing is stored", async () => {
    let created = 0;
    const store = memoryStore();
    const create: typeof store.create = (...args) => {
      created++;
      return store.create(...args);
    };
    const encode = (data: object) => ("n" in data ? (new Uint8Array(2) as unknown as string) : "{}");
    const sessions = createSessions<Data>({ store: { ...store, create }, codec: { ...own, encode } });
    const session = await sessions.load(request());
    expect(() => session.set("n", 1)).not.toThrow();
    await expect(sessions.commit(session)).rejects.toThrow(/codec.encode must return text, not object/);
    expect(created).toBe(0);
  });

  test("with methods of a class, and one that throws at what it does not like, work", async () => {
    class Prefixed implements Codec {
      readonly prefix = "v1:";
      encode(data: Record<string, unknown>): string {
        if (Object.keys(data).length === 0) throw new Error("nothing to encode");
        return this.prefix + jsonCodec.encode(data);
      }
      decode(text: string): unknown {
        return jsonCodec.decode(text.slice(this.prefix.length));
      }
    }
    const sessions = createSessions<Data>({ codec: new Prefixed() });
    const begin = sessions.wrap((_request, session) => {
      session.set("n", 1);
      return new Response();
    });
    const token = cookiesOf(await begin(request()))[0];
    expect((await sessions.load(request(token))).get("n")).toBe(1);
  });
});
