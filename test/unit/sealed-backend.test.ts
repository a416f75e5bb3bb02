import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { memoryStore, type Session, type SessionStore } from "../../src/index.ts";
import { generateKey, sealedCookies } from "../../src/sealed.ts";
import {
  all,
  cookiesOf,
  type Data,
  type Handler,
  HOUR,
  KEY,
  MINUTE,
  NAME,
  randomText,
  START,
  start,
  take,
  write,
} from "../support/sealed.ts";

describe("a sealed session", () => {
  test("comes back with its cookie, which shows nothing of it", async () => {
    const { visit, cookies } = start();
    await visit((session) => {
      session.set("marker", "VISIBLE");
      session.signIn("ada");
    });
    expect(cookies()).toMatch(new RegExp(`^${NAME}=[\\w-]+$`));
    expect(Buffer.from(cookies().slice(NAME.length + 9), "base64url").toString("latin1")).not.toMatch(/VISIBLE|ada/);
    const { result, lines } = await visit((session) => [
      session.get("marker"),
      session.subject,
      session.isNew,
      session.authenticatedAt,
    ]);
    expect(result).toEqual(["VISIBLE", "ada", false, START]);
    expect(lines).toEqual([]);
  });

  test("any JSON comes back as it was, hostile keys too", async () => {
    const { send } = start({ maxCookies: 10 });
    const keys = fc.oneof(
      fc.string(),
      fc.constantFrom("__proto__", "constructor", "toString", "hasOwnProperty", "", "a\nb", "\u2028", "\ud83d"),
    );
    await fc.assert(
      fc.asyncProperty(fc.dictionary(keys, fc.jsonValue({ maxDepth: 3 }), { minKeys: 1, maxKeys: 6 }), async (data) => {
        const jar = new Map<string, string>();
        take(
          jar,
          (await send((session) => Object.entries(data).forEach(([key, value]) => session.set(key, value)))).lines,
        );
        const { result } = await send(all, cookiesOf(jar));
        expect(new Map(Object.entries(result as Data))).toEqual(
          new Map(Object.entries(JSON.parse(JSON.stringify(data)) as Data)),
        );
      }),
      { numRuns: 150 },
    );
    expect(({} as Data).polluted).toBeUndefined();
  });

  test("a visitor who writes nothing gets no cookie", async () => {
    const { visit, events } = start({ revocations: memoryStore() });
    for (const handler of [
      all,
      (session: Session<Data>) => session.renew(),
      (session: Session<Data>) => session.destroy(),
    ]) {
      expect((await visit(handler)).lines).toEqual([]);
    }
    expect(events).toEqual([]);
  });

  test("a session that is only read is not sealed again before touchEvery, and then it is", async () => {
    const { visit, time } = start({}, { lifetime: { idle: 3600, touchEvery: 600 } });
    await visit(write("a", 1));
    time.now += 10 * MINUTE - 1;
    expect((await visit(all)).lines).toEqual([]);
    time.now += 1;
    expect((await visit(all)).lines).toHaveLength(1);
    time.now += 59 * MINUTE;
    expect((await visit(all)).result).toEqual({ a: 1 });
  });

  test("ends by the idle limit and by the absolute limit, whatever the browser keeps", async () => {
    const { visit, send, time, cookies, events } = start({}, { lifetime: { idle: 3600, absolute: 7200 } });
    await visit(write("a", 1));
    const first = cookies();
    time.now += HOUR - 1;
    expect((await visit(all)).result).toEqual({ a: 1 });
    time.now += 1;
    expect((await send(all, first)).result).toEqual({});
    expect((await visit(all)).result).toEqual({ a: 1 });
    expect(events.at(-1)).toMatchObject({ type: "expired", limit: "idle" });
    time.now = START + 2 * HOUR - 2;
    expect((await visit(all)).result).toEqual({ a: 1 });
    time.now += 2;
    expect((await visit(all)).result).toEqual({});
    expect(events.at(-1)).toMatchObject({ type: "expired", limit: "absolute" });
  });

  test("shorter limits hold for cookies that are out already, longer ones do not revive any", async () => {
    const long = start();
    await long.visit(write("a", 1));
    const short = start({}, { lifetime: { idle: 60 } });
    short.time.now += MINUTE;
    expect((await short.send(all, long.cookies())).result).toEqual({});
    const longer = start({}, { lifetime: { idle: 80_000_000, absolute: 90_000_000 } });
    longer.time.now += 12 * HOUR;
    expect((await longer.send(all, long.cookies())).result).toEqual({});
  });

  test("a cookie from far in the future is none", async () => {
    const ahead = start();
    ahead.time.now += 48 * HOUR;
    await ahead.visit(write("a", 1));
    const { send, events } = start();
    expect((await send(all, ahead.cookies())).result).toEqual({});
    expect(events).toEqual([{ type: "record_rejected" }]);
  });

  test("sign-in starts a new absolute period and a new session with a new handle, renewal neither", async () => {
    const { visit, time, types } = start({}, { lifetime: { idle: 3600, absolute: 7200 } });
    const about: Handler = ({ handle, createdAt, authenticatedAt, subject }) => ({
      handle,
      createdAt,
      authenticatedAt,
      subject,
    });
    await visit(write("a", 1));
    const first = (await visit(about)).result as Data;
    time.now += 30 * MINUTE;
    await visit((session) => session.renew());
    const renewed = (await visit(about)).result as Data;
    expect(renewed).toEqual(first);
    await visit((session) => session.signIn("ada"));
    const signedIn = (await visit(about)).result as Data;
    expect(signedIn).toMatchObject({ createdAt: time.now, authenticatedAt: time.now, subject: "ada" });
    expect(signedIn.handle).not.toBe(first.handle);
    await visit((session) => session.renew());
    await visit(write("a", 1));
    expect(((await visit(about)).result as Data).handle).toBe(signedIn.handle);
    expect(types()).toEqual(["created", "renewed", "signed_in", "renewed"]);
    expect((await visit(all)).result).toEqual({ a: 1 });
  });

  test("another subject's sign-in clears the data", async () => {
    const { visit } = start();
    await visit((session) => {
      session.signIn("ada");
      session.set("cart", ["book"]);
    });
    await visit((session) => session.signIn("bob"));
    expect((await visit((session) => [session.subject, session.all()])).result).toEqual(["bob", {}]);
  });

  test("a persistent session has Max-Age on every piece, and a touch keeps it", async () => {
    const { visit, time } = start({}, { lifetime: { idle: 3600, absolute: 7200 } });
    const { lines } = await visit((session) => {
      session.set("text", randomText(5_000));
      session.persist();
    });
    expect(lines).toHaveLength(2);
    for (const line of lines) expect(line).toContain("; Max-Age=7200;");
    time.now += 30 * MINUTE;
    const touched = (await visit(all)).lines;
    expect(touched).toHaveLength(1);
    for (const line of touched) expect(line).toContain("; Max-Age=5400;");
    const [first, second, ...removed] = (await visit((session) => session.persist(false))).lines;
    for (const line of [first, second]) expect(line).not.toContain("Max-Age");
    expect(removed).toEqual([expect.stringMatching(/^__Host-Http-session\.0=;.*Max-Age=0/)]);
  });

  test("destroy() removes the cookie and all pieces", async () => {
    const { visit, jar, types } = start({ maxCookies: 4 });
    await visit(write("text", randomText(9_000)));
    expect(jar.size).toBe(4);
    const { lines } = await visit((session) => session.destroy());
    expect(lines).toHaveLength(4);
    expect(jar.size).toBe(0);
    expect(types()).toEqual(["created", "destroyed"]);
  });

  test("update() is applied to what the request carried, and a write makes the cookie newer, never older", async () => {
    const { visit, send, cookies, time } = start();
    await visit(write("n", 1));
    const carried = cookies();
    const increment: Handler = (session) => session.update("n", (n) => (n as number) + 1);
    const [one, two] = [await send(increment, carried), await send(increment, carried)];
    for (const { lines } of [one, two]) {
      const jar = new Map<string, string>();
      take(jar, lines);
      expect((await send(all, cookiesOf(jar))).result).toEqual({ n: 2 });
    }
    // A machine whose clock is behind: the cookie that it writes ends no sooner than the one it got
    time.now -= HOUR;
    await visit(increment);
    time.now += 12 * HOUR + 30 * MINUTE;
    expect((await visit(all)).result).toEqual({ n: 2 });
  });

  test("of several cookies of the name the newest counts, whichever comes first", async () => {
    const { visit, send, cookies, time } = start();
    await visit(write("n", "old"));
    const old = cookies();
    time.now += MINUTE;
    await visit(write("n", "new"));
    expect((await send(all, `${old}; ${cookies()}`)).result).toEqual({ n: "new" });
    expect((await send(all, `${cookies()}; ${old}`)).result).toEqual({ n: "new" });
    expect((await send(all, `${NAME}=junk; ${NAME}=${"1".repeat(60)}; ${cookies()}`)).result).toEqual({ n: "new" });
  });

  test("a response that cannot carry a cookie refuses what would be lost, and lets the rest pass", async () => {
    const { sessions, visit, cookies, time } = start();
    const commit = async (handler: Handler, cookie = ""): Promise<Headers> => {
      const session = await sessions.load({
        url: "https://example.com/",
        headers: new Headers(cookie ? { cookie } : {}),
      });
      handler(session);
      return sessions.commit(session, { deliverable: false });
    };
    await visit(write("a", 1));
    for (const handler of [
      write("a", 2),
      (session: Session<Data>) => session.renew(),
      (session: Session<Data>) => session.destroy(),
    ]) {
      await expect(commit(handler, cookies())).rejects.toMatchObject({ code: "cookie_undeliverable" });
    }
    await expect(commit(write("a", 1))).rejects.toMatchObject({ code: "cookie_undeliverable" });
    time.now += 6 * HOUR; // a touch is due
    expect((await commit(all, cookies())).getSetCookie()).toEqual([]);
  });
});

describe("size", () => {
  test("more than one cookie holds is split, comes back whole, and left-over pieces are removed when it shrinks", async () => {
    const { visit, jar } = start({ maxCookies: 4 });
    const text = randomText(9_000);
    await visit(write("text", text));
    expect([...jar.keys()]).toEqual([NAME, `${NAME}.1`, `${NAME}.2`, `${NAME}.3`]);
    expect((await visit(all)).result).toEqual({ text });
    const { lines } = await visit(write("text", "short"));
    expect(lines.slice(1).map((line) => line.split("=")[0])).toEqual([`${NAME}.1`, `${NAME}.2`, `${NAME}.3`]);
    expect([...jar.keys()]).toEqual([NAME]);
    expect((await visit(all)).result).toEqual({ text: "short" });
  });

  test("a left-over piece that was not removed changes nothing, and the next write removes it", async () => {
    const { visit, jar } = start();
    await visit(write("text", randomText(5_000)));
    const leftOver = jar.get(`${NAME}.1`) as string;
    await visit(write("text", "short"));
    jar.set(`${NAME}.1`, leftOver);
    expect((await visit(all)).result).toEqual({ text: "short" });
    await visit(write("text", "other"));
    expect([...jar.keys()]).toEqual([NAME]);
  });

  test("no cookie is removed that the request did not carry", async () => {
    const { visit } = start();
    const { lines } = await visit(write("a", 1));
    expect(lines).toHaveLength(1);
    expect((await visit((session) => session.destroy())).lines).toHaveLength(1);
  });

  test("a torn set, and a mix of two sessions, is no session", async () => {
    const [a, b] = [start({ maxCookies: 4 }), start({ maxCookies: 4 })];
    await a.visit(write("text", randomText(9_000)));
    await b.visit(write("text", randomText(9_000)));
    for (const name of a.jar.keys()) {
      const without = new Map(a.jar);
      without.delete(name);
      expect((await a.send(all, cookiesOf(without))).result).toEqual({});
      const mixed = new Map(a.jar).set(name, b.jar.get(name) as string);
      expect((await a.send(all, cookiesOf(mixed))).result).toEqual({});
      const cut = new Map(a.jar).set(name, (a.jar.get(name) as string).slice(0, -1));
      expect((await a.send(all, cookiesOf(cut))).result).toEqual({});
    }
    const swapped = new Map(a.jar)
      .set(`${NAME}.1`, a.jar.get(`${NAME}.2`) as string)
      .set(`${NAME}.2`, a.jar.get(`${NAME}.1`) as string);
    expect((await a.send(all, cookiesOf(swapped))).result).toEqual({});
    expect(new Set(a.types())).toEqual(new Set(["created", "record_rejected"]));
  });

  test("any single bit changed in any piece makes it no session", async () => {
    const { visit, cookies, sessions } = start();
    await visit(write("text", randomText(5_000)));
    const header = cookies();
    const [from, to] = [header.indexOf("=") + 1, header.indexOf("; ") + 2 + NAME.length + 3];
    const isNew = async (cookie: string): Promise<boolean> =>
      (await sessions.load({ url: "https://example.com/", headers: { get: () => cookie } })).isNew;
    expect(await isNew(header)).toBe(false);
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: from, max: header.length - 1 }), fc.nat(7), async (at, bit) => {
        fc.pre(at < header.indexOf("; ") || at >= to); // values only
        const changed =
          header.slice(0, at) + String.fromCharCode(header.charCodeAt(at) ^ (1 << bit)) + header.slice(at + 1);
        expect(await isNew(changed)).toBe(true);
      }),
      { numRuns: 500 },
    );
  });

  test("beyond maxCookies the commit throws, names the largest keys, and the old cookie stays good", async () => {
    const { visit } = start();
    await visit(write("small", 1));
    const writing = visit((session) => {
      session.set("large", randomText(12_000));
      session.set("larger", randomText(13_000));
    });
    await expect(writing).rejects.toMatchObject({ code: "cookie_too_large" });
    await expect(writing).rejects.toThrow(/"larger" \(130\d\d characters\), "large" \(120\d\d characters\), "small"/);
    expect((await visit(all)).result).toEqual({ small: 1 });
    await expect(start({ maxCookies: 1 }).visit(write("a", randomText(4_000)))).rejects.toMatchObject({
      code: "cookie_too_large",
    });
    await expect(start({ compress: true }).visit(write("a", "x".repeat(300_000)))).rejects.toMatchObject({
      code: "cookie_too_large",
    });
  });
});

describe("compress", () => {
  test("makes more fit, opens with and without the option, and leaves alone what does not shrink", async () => {
    const packed = start({ compress: true });
    const text = "the same words again and again, ".repeat(1_000);
    await packed.visit(write("text", text));
    expect(packed.jar.size).toBe(1);
    expect((await packed.visit(all)).result).toEqual({ text });
    expect((await start().send(all, packed.cookies())).result).toEqual({ text });
    const random = randomText(60);
    await packed.visit(write("text", random));
    expect((await packed.visit(all)).result).toEqual({ text: random });
  });
});

describe("what comes from the network", () => {
  test("no text in the Cookie header throws, and none is a session", async () => {
    const { send, sessions } = start();
    const values = fc.oneof(
      fc.string(),
      fc.base64String(),
      fc.string({ maxLength: 200 }).map((text) => `1${text}`),
    );
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(fc.constantFrom(NAME, `${NAME}.1`, `${NAME}.2`), values), { maxLength: 8 }),
        async (pairs) => {
          const cookie = pairs.map(([name, value]) => `${name}=${value}`).join("; ");
          const session = await sessions.load({ url: "https://example.com/", headers: { get: () => cookie } });
          expect(session.isNew).toBe(true);
        },
      ),
      { numRuns: 500 },
    );
    const plain = JSON.stringify({ subject: "admin" });
    for (const value of [
      plain,
      encodeURIComponent(plain),
      Buffer.from(plain).toString("base64url"),
      `1${plain}`,
      "null",
      "[]",
      "",
    ]) {
      expect((await send((session) => [session.isNew, session.subject], `${NAME}=${encodeURI(value)}`)).result).toEqual(
        [true, undefined],
      );
    }
  });

  test("a cookie does not open under another name", async () => {
    const { visit, cookies } = start({}, { cookie: { name: "a" } });
    await visit(write("admin", true));
    const other = start({}, { cookie: { name: "b" } });
    expect((await other.send(all, cookies().replace(/^a=/, "b="))).result).toEqual({});
    expect(other.types()).toEqual(["record_rejected"]);
  });

  test("keys rotate without a logout, and a dropped key ends its sessions", async () => {
    const [older, newer] = [generateKey(), generateKey()];
    const before = start({ keys: [older] });
    await before.visit(write("a", 1));
    const during = start({ keys: [newer, older] });
    take(during.jar, [`${before.cookies()}; Path=/`]);
    expect((await during.visit((session) => session.update("a", (a) => (a as number) + 1))).lines).toHaveLength(1);
    const after = start({ keys: [newer] });
    expect((await after.send(all, during.cookies())).result).toEqual({ a: 2 });
    expect((await after.send(all, before.cookies())).result).toEqual({});
  });

  test("the header may be as long as it likes", async () => {
    const { send, visit, cookies } = start();
    await visit(write("a", 1));
    const prefix = cookies().slice(NAME.length + 1, NAME.length + 9);
    const many = Array.from({ length: 5_000 }, (_, at) => `${NAME}.${at % 12}=${prefix}${"A".repeat(at % 50)}`).join(
      "; ",
    );
    expect((await send(all, `${many.slice(0, 60_000)}; ${cookies()}`)).result).toEqual({ a: 1 });
    expect((await send(all, `${NAME}=${prefix}${"A".repeat(60_000)}; ${cookies()}`)).result).toEqual({ a: 1 });
  });
});

describe("revocations", () => {
  test("without them a copied cookie opens after destroy() until it expires", async () => {
    const { visit, send, cookies } = start();
    await visit(write("a", 1));
    const copy = cookies();
    await visit((session) => session.destroy());
    expect((await send(all, copy)).result).toEqual({ a: 1 });
  });

  test.each([
    ["destroy", (session: Session<Data>) => session.destroy()],
    ["renew", (session: Session<Data>) => session.renew()],
    ["signIn", (session: Session<Data>) => session.signIn("ada")],
  ] as const)("with them %s() ends every copy of the cookie, for all processes that share the list", async (_, end) => {
    const revocations = memoryStore({ clock: () => START });
    const [here, there] = [start({ revocations }), start({ revocations })];
    await here.visit(write("a", 1));
    const copy = here.cookies();
    await here.visit(end);
    for (const process of [here, there]) expect((await process.send(all, copy)).result).toEqual({});
  });

  test("a read costs one read of the list, a visitor none, and the list holds no more than it must", async () => {
    const { store, calls, values } = watched(memoryStore({ clock: () => START }));
    const { visit, send } = start({ revocations: store });
    await visit(write("a", 1));
    await send(all, "");
    expect(calls).toEqual([]);
    await visit(all);
    expect(calls.splice(0)).toEqual(["read"]);
    const handle = (await visit((session) => session.handle)).result as string;
    await visit((session) => session.destroy());
    expect(calls.splice(0)).toEqual(["read", "read", "create"]);
    // A day longer than the session could live, for servers whose clocks are behind
    expect(values).toEqual([[handle, String(START), { expiresAt: START + 8 * 24 * HOUR, lasting: true }]]);
    expect(handle).toMatch(/^[\w-]{43}$/);
  });

  test("a request that was on its way at the logout neither brings the session back nor sets a cookie for it", async () => {
    for (const slow of [write("a", 2), (session: Session<Data>) => session.renew()]) {
      const { visit, send, cookies, jar, types } = start({ revocations: memoryStore({ clock: () => START }) });
      await visit(write("a", 1));
      const before = cookies();
      const late = await send(async (session) => {
        slow(session);
        session.set("late", true);
        take(jar, (await send((other) => other.destroy(), before)).lines);
      }, before);
      expect(late.lines).toEqual([]);
      expect(types()).toEqual(["created", "destroyed", "changes_dropped"]);
      expect(jar.size).toBe(0);
    }
  });

  test("a touch that was on its way at the logout sets no cookie either", async () => {
    const { visit, send, cookies, time } = start({ revocations: memoryStore({ clock: () => START }) });
    await visit(write("a", 1));
    time.now += 6 * HOUR;
    const before = cookies();
    expect((await send(async () => send((session) => session.destroy(), before), before)).lines).toEqual([]);
  });

  test("of two sign-ins that race one keeps the data and both work; a logout that comes late ends what it left behind", async () => {
    const { send, visit, cookies, types } = start({ revocations: memoryStore({ clock: () => START }) });
    await visit(write("cart", ["book"]));
    const before = cookies();
    const inner = new Map<string, string>();
    const outer = new Map<string, string>();
    const racing = await send(async (session) => {
      session.signIn("ada");
      take(inner, (await send((other) => other.signIn("ada"), before)).lines);
    }, before);
    take(outer, racing.lines);
    expect((await send((session) => [session.subject, session.all()], cookiesOf(inner))).result).toEqual([
      "ada",
      { cart: ["book"] },
    ]);
    expect((await send((session) => [session.subject, session.all()], cookiesOf(outer))).result).toEqual(["ada", {}]);
    // The logout carried the cookie from before the sign-in
    await send((session) => session.destroy(), before);
    expect((await send(all, cookiesOf(inner))).result).toEqual({});
    expect(types()).toEqual(["created", "signed_in", "created", "signed_in", "destroyed"]);
  });

  test("a request that starts late with a cookie that was just ended cannot replace the newer one; much later it is a new visitor", async () => {
    const { visit, send, cookies, time, types } = start({ revocations: memoryStore({ clock: () => START }) });
    await visit(write("a", 1));
    const before = cookies();
    await visit((session) => session.signIn("ada"));
    expect((await send(write("late", true), before)).lines).toEqual([]);
    expect(types().at(-1)).toBe("changes_dropped");
    expect((await send((session) => session.signIn("bob"), before)).lines).toHaveLength(1);
    time.now += MINUTE;
    expect((await send(write("late", true), before)).lines).toHaveLength(1);
  });

  test("a list that fails is an error, or by choice an anonymous request that leaves the cookie alone", async () => {
    const { visit, cookies } = start();
    await visit(write("a", 1));
    const fail = (): never => {
      throw new Error("down");
    };
    const revocations = { ...memoryStore(), read: fail, create: fail } as SessionStore;
    const strict = start({ revocations });
    await expect(strict.send(all, cookies())).rejects.toMatchObject({ code: "store_failed" });
    const lenient = start({ revocations }, { onStoreFailure: "anonymous" });
    expect(await lenient.send(all, cookies())).toEqual({ result: {}, lines: [] });
    await expect(lenient.send(write("a", 2), cookies())).rejects.toMatchObject({ code: "session_unavailable" });
    const silent = start(
      { revocations: { ...memoryStore(), read: () => new Promise(() => {}) } as SessionStore },
      { storeTimeout: 20 },
    );
    await expect(silent.send(all, cookies())).rejects.toMatchObject({ code: "store_timeout" });
  });

  test("sweep() drops what has expired from the list", async () => {
    const time = { now: START };
    const { visit, sessions, time: own } = start({ revocations: memoryStore({ clock: () => time.now }) });
    await visit(write("a", 1));
    await visit((session) => session.destroy());
    expect(await sessions.sweep()).toBe(0);
    time.now = own.now = START + 9 * 24 * HOUR;
    expect(await sessions.sweep()).toBe(1);
    expect(await start().sessions.sweep()).toBe(0);
  });
});

describe("what a cookie cannot do", () => {
  test("list, revoke and revokeAll are refused with the reason", async () => {
    const { sessions } = start({ revocations: memoryStore() });
    for (const call of [
      () => sessions.list("ada"),
      () => sessions.revoke("ada", "handle"),
      () => sessions.revokeAll("ada"),
    ]) {
      await expect(call()).rejects.toMatchObject({ code: "not_supported" });
    }
  });

  test("maxPerSubject and rotation are refused at construction", () => {
    for (const options of [
      { maxPerSubject: 3 },
      { rotation: { every: "request" as const } },
      { rotation: { every: 60 } },
    ]) {
      expect(() => start({}, options)).toThrow(TypeError);
    }
    expect(() => start({}, { rotation: { every: false } })).not.toThrow();
  });

  test("options that cannot work are refused at construction", () => {
    const bad: [object | undefined, typeof TypeError | typeof RangeError][] = [
      [undefined, TypeError],
      [{}, TypeError],
      [{ keys: KEY }, TypeError],
      [{ keys: [] }, TypeError],
      [{ keys: ["short"] }, RangeError],
      [{ keys: [KEY], maxCookies: 0 }, RangeError],
      [{ keys: [KEY], maxCookies: 11 }, RangeError],
      [{ keys: [KEY], maxCookies: 1.5 }, RangeError],
      [{ keys: [KEY], compress: "yes" }, TypeError],
      [{ keys: [KEY], revocations: {} }, TypeError],
      [{ keys: [KEY], revocations: sealedCookies({ keys: [KEY] }) }, TypeError],
      [{ keys: [KEY], revocation: memoryStore() }, TypeError],
    ];
    for (const [options, error] of bad)
      expect(() => sealedCookies(options as never), JSON.stringify(options)).toThrow(error);
  });
});

/** A store that tells what was asked of it. */
function watched(store: SessionStore): { store: SessionStore; calls: string[]; values: unknown[][] } {
  const calls: string[] = [];
  const values: unknown[][] = [];
  return {
    calls,
    values,
    store: {
      ...store,
      read: (key) => {
        calls.push("read");
        return store.read(key);
      },
      create: (key, value, meta) => {
        calls.push("create");
        values.push([key, value, meta]);
        return store.create(key, value, meta);
      },
    },
  };
}
