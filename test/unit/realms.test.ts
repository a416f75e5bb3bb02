import { createContext, runInContext } from "node:vm";
import { expect, test } from "vitest";
import { addSessionHeaders, type Codec, createSessions, SessionError, withSessionHeaders } from "../../src/index.ts";

/* Jest, `vm` and edge sandboxes have their own `Object`, `Array` and `Error`: nothing may be told by their identity. */

const realm = createContext({ Response, Headers, ReadableStream });
const foreign = (code: string): unknown => runInContext(code, realm);

const request = () => new Request("https://example.com/");

test("plain objects and arrays of another realm are stored as ours are, and come back frozen", async () => {
  const sessions = createSessions();
  const session = await sessions.load(request());
  const value = foreign("({ list: [1, { deep: [true] }], empty: Object.create(null) })");
  expect(Object.getPrototypeOf(value)).not.toBe(Object.prototype);
  session.set("value", value);
  expect(session.get("value")).toEqual({ list: [1, { deep: [true] }], empty: {} });
  const frozen = session.get("value") as { list: unknown[] };
  expect([Object.isFrozen(frozen), Object.isFrozen(frozen.list[1])]).toEqual([true, true]);
});

test.each(["new Date(0)", "new Map()", "new (class Cart {})()", "new Error('no')", "/x/", "new Uint8Array(1)"])(
  "%s of another realm is refused as ours is",
  async (code) => {
    const session = await createSessions().load(request());
    expect(() => session.set("value", foreign(code))).toThrow(expect.objectContaining({ code: "value_not_storable" }));
  },
);

test("a codec of another realm gives values that are frozen as well", async () => {
  const codec = foreign("({ encode: (data) => JSON.stringify(data), decode: (text) => JSON.parse(text) })") as Codec;
  const sessions = createSessions({ codec });
  const session = await sessions.load(request());
  session.set("value", { list: [1] });
  const value = session.get("value") as { list: unknown[] };
  expect([Object.isFrozen(value), Object.isFrozen(value.list)]).toEqual([true, true]);
});

test("immutable headers whose error is of another realm are recognised: the response is copied", async () => {
  const throwing = foreign("(() => { throw new TypeError('immutable'); })") as () => never;
  const headers = new Headers({ location: "/" });
  const immutable = new Response(null, { status: 303, headers });
  for (const method of ["set", "append", "delete"] as const) immutable.headers[method] = throwing;
  const answer = withSessionHeaders(immutable, new Headers({ vary: "Cookie", "cache-control": "no-store" }));
  expect([answer.status, answer.headers.get("cache-control"), answer.headers.get("location")]).toEqual([
    303,
    "no-store",
    "/",
  ]);
});

test("a store whose errors and promises are of another realm is a store that failed", async () => {
  const read = foreign("(async () => { throw new Error('down'); })") as () => Promise<undefined>;
  const sessions = createSessions({ store: { read, create: () => 1, update: () => 1, delete: () => true } });
  const cookie = `__Host-Http-session=${"A".repeat(43)}`;
  await expect(sessions.load(new Request("https://example.com/", { headers: { cookie } }))).rejects.toMatchObject({
    code: "store_failed",
  });
});

test("what a handler of another realm throws and answers", async () => {
  const sessions = createSessions<{ n: number }>();
  const begin = (handler: unknown) =>
    sessions.wrap(
      (_request, session) => {
        session.set("n", 1);
        return (handler as () => Response)();
      },
      { keepOn: () => true },
    )(request());
  const response = await begin(foreign("() => new Response(new ReadableStream({ start(c) { c.close(); } }))"));
  expect(response.headers.getSetCookie()).toHaveLength(1);
  const thrown = await Promise.resolve(begin(foreign("() => { throw new Response('no', { status: 401 }); }"))).catch(
    (error: Response) => error,
  );
  expect([thrown.status, await thrown.text(), thrown.headers.getSetCookie().length]).toEqual([401, "no", 1]);
});

test("an error of another copy of this package keeps its code: a bundler or a framework may load it twice", async () => {
  const copy = (await import("../../src/errors.ts?another-copy" as "../../src/errors.ts")).SessionError;
  expect(copy).not.toBe(SessionError);
  const read = () => {
    throw new copy("store_timeout", "late");
  };
  const store = { read, create: () => 1, update: () => 1, delete: () => true };
  const headers = { cookie: `__Host-Http-session=${"A".repeat(43)}` };
  const load = createSessions({ store }).load(new Request("https://example.com/", { headers }));
  await expect(load).rejects.toMatchObject({ code: "store_timeout" });
  const anonymous = createSessions({ store, onStoreFailure: "anonymous" });
  const session = await anonymous.load(new Request("https://example.com/", { headers }));
  expect(() => session.set("a", 1)).toThrow(expect.objectContaining({ code: "session_unavailable" }));
});

test("what an adapter of another copy of this package collects", async () => {
  const copy = await import("../../src/http/response.ts?another-copy" as "../../src/http/response.ts");
  const sessions = createSessions();
  const session = await sessions.load(request());
  session.set("n", 1);
  const collected = copy.sessionHeaders();
  await sessions.commitTo(session, collected);
  const headers = new Headers();
  addSessionHeaders(headers, collected);
  expect([headers.getSetCookie().length, headers.get("cache-control")]).toEqual([1, "no-store"]);
});
