import { describe, expect, test } from "vitest";
import { createSessions, memoryStore, type Session } from "../../src/index.ts";
import { generateKey, sealedCookies } from "../../src/sealed.ts";
import { cookieJar } from "../../src/testing.ts";
import {
  all,
  cookiesOf,
  type Data,
  type Handler,
  HOUR,
  MINUTE,
  NAME,
  randomText,
  START,
  start,
  take,
  write,
} from "../support/sealed.ts";

const about: Handler = (session) => [session.subject, session.all()];
const signIn =
  (subject: string): Handler =>
  (session) =>
    session.signIn(subject);
const destroy: Handler = (session) => session.destroy();

describe("a request that only reads, answered after another", () => {
  const others: [string, Handler, unknown][] = [
    ["a write", write("a", "new"), ["ada", { a: "new" }]],
    ["a sign-in", signIn("bob"), ["bob", {}]],
    ["a renewal", (session) => session.renew(), ["ada", { a: "old" }]],
    ["a logout", destroy, [undefined, {}]],
  ];

  test.each(others.flatMap((other) => [false, true].map((list) => [...other, list] as const)))(
    "undoes nothing of %s, and keeps no one's session from ending in time",
    async (_, handler, expected, withList) => {
      const sealed = withList ? { revocations: memoryStore({ clock: () => START }) } : {};
      const { visit, send, cookies, jar, time } = start(sealed);
      await visit((session) => {
        session.signIn("ada");
        session.set("a", "old");
      });
      time.now += 6 * HOUR; // a touch is due
      const poll = await send(all, cookies());
      const other = await send(handler, cookies());
      take(jar, other.lines);
      take(jar, poll.lines);
      expect((await visit(about)).result).toEqual(expected);
      expect((await visit(about)).result).toEqual(expected);
    },
  );

  test("sets no cookie but the touch, which holds a session open for as long as its idle limit, and no longer", async () => {
    const { visit, time } = start({}, { lifetime: { idle: 3600 } });
    await visit(write("a", 1));
    for (let visits = 0; visits < 5; visits++) {
      time.now += HOUR - 1;
      const { lines, result } = await visit((session) => [session.get("a"), session.expiresAt]);
      expect(lines.map((line) => line.split("=")[0])).toEqual([`${NAME}.0`]);
      expect(result).toEqual([1, time.now + 1]);
    }
    time.now += HOUR;
    expect((await visit(all)).result).toEqual({});
  });

  test("leaves a touch that means nothing to another session, to altered bytes and to a clock far behind", async () => {
    const { visit, send, jar, time, cookies } = start({}, { lifetime: { idle: 3600 } });
    await visit(write("a", 1));
    time.now += HOUR - 1;
    await visit(all);
    const touch = jar.get(`${NAME}.0`) as string;
    const other = start({}, { lifetime: { idle: 3600 } });
    await other.visit(write("b", 2));
    other.jar.set(`${NAME}.0`, touch);
    other.time.now += HOUR;
    expect((await other.send(all, other.cookies())).result).toEqual({});
    time.now += HOUR - 1;
    expect((await send(all, cookies())).result).toEqual({ a: 1 });
    const altered = `${touch.slice(0, 30)}${touch[30] === "A" ? "B" : "A"}${touch.slice(31)}`;
    expect((await send(all, cookiesOf(new Map([...jar, [`${NAME}.0`, altered]])))).result).toEqual({});
    // A touch is no session, and a session no touch
    expect((await send(all, `${NAME}=${touch}`)).result).toEqual({});
    expect((await send(all, cookiesOf(new Map([...jar, [`${NAME}.0`, jar.get(NAME) as string]])))).result).toEqual({});
  });

  test("leaves a touch that a write, a sign-in and a logout remove", async () => {
    for (const handler of [write("a", 2), signIn("ada"), destroy]) {
      const { visit, jar, time } = start();
      await visit(write("a", 1));
      time.now += 6 * HOUR;
      await visit(all);
      expect([...jar.keys()]).toEqual([NAME, `${NAME}.0`]);
      await visit(handler);
      expect([...jar.keys()]).toEqual(handler === destroy ? [] : [NAME]);
    }
  });
});

describe("a deploy", () => {
  type Cookie = NonNullable<Parameters<typeof createSessions>[0]>["cookie"];

  /** One browser, and servers that share the key. */
  function site() {
    const keys = [generateKey()];
    let now = START;
    const clock = (): number => now;
    const browser = cookieJar(undefined, { origin: "https://app.shop.test/x/y", clock });
    const deploy = (cookie: Cookie, ring: readonly string[] = keys) => {
      const sessions = createSessions<Data>({ store: sealedCookies({ keys: ring }), cookie: cookie ?? {}, clock });
      return async (handler: Handler): Promise<unknown> => {
        now += MINUTE;
        const url = "https://app.shop.test/x/y";
        const session = await sessions.load(new Request(url, { headers: { cookie: browser.header(url) } }));
        const result = await handler(session);
        browser.keep(url, await sessions.commit(session));
        return result;
      };
    };
    return { deploy, keys };
  }

  const forms: Cookie[] = [
    { name: "sid" },
    { name: "sid", path: "/x" },
    { name: "sid", domain: "shop.test" },
    { name: "sid", domain: "shop.test", path: "/x/y" },
    { name: "sid", sameSite: "none", partitioned: true },
    { name: "sid", domain: "app.shop.test" },
  ];
  const changes = forms.flatMap((from) => forms.filter((to) => to !== from).map((to) => ({ from, to })));

  test.each(changes)("that changes $from to $to brings nobody back whom a response cannot sign out", async (change) => {
    const { deploy } = site();
    await deploy(change.from)(signIn("alice"));
    const changed = deploy(change.to);
    expect(await changed(about)).toEqual([undefined, {}]);
    await changed(destroy);
    await changed(signIn("bob"));
    expect(await changed(about)).toEqual(["bob", {}]);
    await changed(destroy);
    expect(await changed(about)).toEqual([undefined, {}]);
  });

  test("that changes what a browser does not tell cookies apart by signs nobody out", async () => {
    const { deploy } = site();
    await deploy({ name: "sid" })(signIn("alice"));
    for (const cookie of [
      { sameSite: "strict" },
      { priority: "high" },
      { secure: "auto" },
      { persistent: true },
    ] as const)
      expect(await deploy({ name: "sid", ...cookie })(about)).toEqual(["alice", {}]);
  });

  test("that changes the key in two steps signs nobody out, whichever server a request meets", async () => {
    const { deploy, keys } = site();
    const newer = generateKey();
    const count: Handler = (session) => session.update("n", (n) => ((n as number | undefined) ?? 0) + 1);
    const steps = [keys, [...keys, newer], [newer, ...keys]].map((ring) => deploy({}, ring));
    await steps[0]?.(signIn("alice"));
    let expected = 0;
    for (const [old, changed] of [steps.slice(0, 2), steps.slice(1, 3)]) {
      for (const server of [old, changed, old, old, changed, changed, old]) {
        await server?.(count);
        expect(await server?.(about)).toEqual(["alice", { n: ++expected }]);
      }
    }
  });

  test("that changes the key in one step signs out whoever meets both servers: the order that the page warns of", async () => {
    const { deploy, keys } = site();
    const [old, changed] = [deploy({}, keys), deploy({}, [generateKey(), ...keys])];
    await old(signIn("alice"));
    await changed(write("a", 1));
    expect(await old(about)).toEqual([undefined, {}]);
  });

  test("that lowers maxCookies signs nobody out, and a session that is too large by now can still be ended", async () => {
    const { visit, jar } = start({ maxCookies: 5 });
    await visit(signIn("alice"));
    await visit(write("text", randomText(13_000)));
    expect(jar.size).toBe(5);
    const lower = start({ maxCookies: 1 });
    for (const [name, value] of jar) lower.jar.set(name, value);
    expect((await lower.visit((session) => session.subject)).result).toBe("alice");
    await lower.visit(destroy);
    expect(lower.jar.size).toBe(0);
  });
});

describe("cookies of two managers", () => {
  test.each(["__Host-app.2", "__Host-app.0", "app.9", "x.1"])("no cookie may be called %s", (name) => {
    expect(() => createSessions({ cookie: { name } })).toThrow(
      `Cannot use cookie name "${name}": a name that ends in a dot and a digit is a part of a sealed session`,
    );
  });

  test.each(["__Host-app.10", "__Host-app.v2", "app2", "app-2", "2"])("one may be called %s", (name) => {
    expect(() => createSessions({ cookie: { name } })).not.toThrow();
  });

  test("that share a key and a name, but not a path, do not open each other's", async () => {
    const keys = [generateKey()];
    const sessions = ["/shop", "/admin"].map((path) =>
      createSessions<Data>({ store: sealedCookies({ keys }), cookie: { name: "sid", path } }),
    );
    const [shop, admin] = sessions as [(typeof sessions)[0], (typeof sessions)[0]];
    const session = await shop.load(new Request("https://x.test/shop"));
    session.signIn("anna");
    const cookie = (await shop.commit(session)).getSetCookie()[0]?.split(";")[0] as string;
    const request = new Request("https://x.test/", { headers: { cookie } });
    expect((await shop.load(request)).subject).toBe("anna");
    expect((await admin.load(request)).subject).toBeUndefined();
  });
});

describe("clocks apart", () => {
  test("a cookie from a server hours ahead does not count before one of this hour, whichever comes first", async () => {
    const keys = [generateKey()];
    const [ahead, here] = [start({ keys }), start({ keys })];
    ahead.time.now += 3 * HOUR;
    await ahead.visit(signIn("old"));
    await here.visit(signIn("new"));
    for (const header of [`${ahead.cookies()}; ${here.cookies()}`, `${here.cookies()}; ${ahead.cookies()}`])
      expect((await here.send((session) => session.subject, header)).result).toBe("new");
    // Alone it opens: nobody is signed out because a clock is wrong
    expect((await here.send((session) => session.subject, ahead.cookies())).result).toBe("old");
  });

  test("of two sealed in one millisecond the later sign-in counts, and never the order in the header", async () => {
    const keys = [generateKey()];
    const pairs: [Handler, Handler, unknown][] = [
      [write("a", 1), signIn("ada"), "ada"],
      [signIn("ada"), write("a", 1), "ada"],
      [signIn("ada"), signIn("bob"), expect.any(String)],
      [write("a", 1), write("a", 2), undefined],
    ];
    for (const [first, second, subject] of pairs) {
      const [one, two] = [start({ keys }), start({ keys })];
      await one.visit(first);
      await two.visit(second);
      const seen = [];
      for (const header of [`${one.cookies()}; ${two.cookies()}`, `${two.cookies()}; ${one.cookies()}`])
        seen.push((await one.send(about, header)).result as unknown[]);
      expect(seen[0]).toEqual(seen[1]);
      expect(seen[0]?.[0]).toEqual(subject);
    }
  });

  test("what replaces a cookie is newer, by any clock within a day, and everybody reads it", async () => {
    const keys = [generateKey()];
    for (const apart of [-24 * HOUR, -HOUR, -1, 0, 1, HOUR, 24 * HOUR]) {
      const lifetime = { idle: 3 * 86_400 };
      const servers = [start({ keys }, { lifetime }), start({ keys }, { lifetime })] as const;
      servers[1].time.now += apart;
      const jar = new Map<string, string>();
      take(jar, (await servers[0].send(signIn("ada"))).lines);
      for (let n = 1; n <= 6; n++) {
        const server = servers[(n % 2) as 0 | 1];
        const before = cookiesOf(jar);
        take(jar, (await server.send(write("n", n), before)).lines);
        for (const reader of servers) {
          reader.time.now += 1;
          expect((await reader.send(about, cookiesOf(jar))).result).toEqual(["ada", { n }]);
          if (Math.abs(apart) <= 1)
            expect((await reader.send(about, `${before}; ${cookiesOf(jar)}`)).result).toEqual(["ada", { n }]);
        }
      }
    }
  });

  test("a logout is final on a server whose clock is hours behind, until its clock too is past the end", async () => {
    const time = { now: START };
    const revocations = memoryStore({ clock: () => time.now });
    const [here, behind] = [start({ revocations }), start({ revocations })];
    await here.visit(signIn("ada"));
    const copy = here.cookies();
    await here.visit(destroy);
    time.now = START + 7 * 24 * HOUR + HOUR;
    behind.time.now = START + HOUR;
    expect((await behind.send(about, copy)).result).toEqual([undefined, {}]);
  });
});

describe("a logout", () => {
  test("ends every session that the cookies of the request open", async () => {
    const revocations = memoryStore({ clock: () => START });
    const keys = [generateKey()];
    const browsers = [start({ keys, revocations }), start({ keys, revocations }), start({ keys, revocations })];
    for (const [at, { visit }] of browsers.entries()) await visit(signIn(`user ${at}`));
    const header = browsers.map(({ cookies }) => cookies()).join("; ");
    const { send, events } = browsers[0] as (typeof browsers)[0];
    await send(destroy, header);
    for (const { cookies } of browsers) expect((await send(about, cookies())).result).toEqual([undefined, {}]);
    const ended = events.filter(({ type }) => type === "destroyed").map(({ subject }) => subject);
    expect(ended.sort()).toEqual(["user 0", "user 1", "user 2"]);
  });

  test("that follows a renewal or a sign-in names the session that it ends", async () => {
    for (const handler of [signIn("bob"), (session: Session<Data>) => session.renew()]) {
      const { send, visit, cookies, events } = start({ revocations: memoryStore({ clock: () => START }) });
      await visit(signIn("ada"));
      const before = cookies();
      const { result } = await visit(handler).then(() => visit((session) => session.handle));
      await send(destroy, before);
      expect(events.at(-1)).toMatchObject({ type: "destroyed", handle: result });
      expect((await visit(about)).result).toEqual([undefined, {}]);
    }
  });
});

describe("a list of ended sessions in memory", () => {
  test("keeps each of them, however small the store and however many others want its room", async () => {
    const revocations = memoryStore({ clock: () => START, maxEntries: 20 });
    const copies: string[] = [];
    for (let at = 0; at < 60; at++) {
      const { visit, cookies } = start({ revocations });
      await visit(signIn(`user ${at}`));
      copies.push(cookies());
      await visit(destroy);
      if (at % 2) revocations.create(`other ${at}`, "x", { expiresAt: START + HOUR });
    }
    const { send } = start({ revocations });
    for (const copy of copies) expect((await send(about, copy)).result).toEqual([undefined, {}]);
    expect(revocations.size).toBeLessThan(60 + 5);
  });
});
