import { describe, expect, test } from "vitest";
import { memoryStore, type Session } from "../../src/index.ts";
import { all, cookiesOf, type Data, type Handler, HOUR, MINUTE, START, start, take, write } from "../support/sealed.ts";

const about: Handler = (session) => [session.subject, session.all()];
const nobody = [undefined, {}];
const signIn =
  (subject: string, options = {}): Handler =>
  (session) =>
    session.signIn(subject, options);
const withList = () => start({ revocations: memoryStore({ clock: () => START }) });

describe("the handle of a sealed session", () => {
  test("can be read before anything is stored, and is the one that is stored", async () => {
    for (const act of [write("a", 1), signIn("ada")]) {
      const { visit } = start();
      const before = (await visit((session) => [session.handle, act(session)][0])).result;
      expect(before).toMatch(/^[\w-]{43}$/);
      expect((await visit((session) => session.handle)).result).toBe(before);
    }
  });

  test("is a new one after sign-in and sign-out, known in the same request, and the event names the one before", async () => {
    const { visit, events } = start();
    await visit(signIn("ada"));
    const first = (await visit((session) => session.handle)).result;
    const next = (await visit((session) => [session.signIn("ada"), session.handle][1])).result;
    expect(next).not.toBe(first);
    expect(events.at(-1)).toMatchObject({ type: "signed_in", handle: next, previous: first });
    await visit((session) => {
      session.signOut();
      session.set("a", 1);
    });
    expect((await visit((session) => session.handle)).result).not.toBe(next);
    expect(events.slice(-2)).toMatchObject([{ type: "signed_out", handle: next, subject: "ada" }, { type: "created" }]);
  });
});

describe("limits of one sealed session", () => {
  test("hold for it alone, through writes and renewals, until the next sign-in", async () => {
    const { visit, time } = start({}, { lifetime: { idle: 7200, absolute: 36_000 } });
    await visit(signIn("ada", { lifetime: { idle: 600, absolute: 3600 } }));
    for (let minutes = 9; minutes < 60; minutes += 9) {
      time.now = START + minutes * MINUTE;
      await visit(minutes % 2 ? all : (session) => session.renew());
      expect((await visit((session) => session.subject)).result).toBe("ada");
    }
    const { result } = await visit((session) => session.expiresAt);
    expect(result).toBe(START + HOUR);
    time.now = START + HOUR;
    expect((await visit((session) => session.subject)).result).toBeUndefined();
    await visit(signIn("ada", { lifetime: { idle: 600 } }));
    await visit(signIn("ada"));
    time.now += 90 * MINUTE;
    expect((await visit((session) => session.subject)).result).toBe("ada");
  });

  test("end it when nobody comes", async () => {
    const { visit, time } = start();
    await visit(signIn("ada", { lifetime: { idle: 600 } }));
    time.now += 10 * MINUTE;
    expect((await visit((session) => session.subject)).result).toBeUndefined();
  });
});

describe("signOut() of a sealed session", () => {
  test("leaves a visitor with what is kept, or nobody and no cookie", async () => {
    const { visit, jar } = start();
    await visit((session) => {
      session.signIn("ada");
      session.set("cart", ["book"]);
      session.set("secret", 1);
    });
    await visit((session) => session.signOut({ keep: ["cart"] }));
    expect((await visit(about)).result).toEqual([undefined, { cart: ["book"] }]);
    await visit((session) => session.signOut());
    expect(jar.size).toBe(0);
  });

  test("ends all that the cookies open, where there is a list", async () => {
    for (const keep of [["cart"], []]) {
      const revocations = memoryStore({ clock: () => START });
      const browsers = [start({ revocations }), start({ revocations })] as const;
      for (const { visit } of browsers)
        await visit((session) => {
          session.signIn("ada");
          session.set("cart", 1);
        });
      const header = browsers.map(({ cookies }) => cookies()).join("; ");
      const { lines } = await browsers[0].send((session) => session.signOut({ keep }), header);
      for (const { send, cookies } of browsers) expect((await send(about, cookies())).result).toEqual(nobody);
      const after = new Map<string, string>();
      take(after, lines);
      const kept = (await browsers[0].send(about, cookiesOf(after))).result;
      expect(kept).toEqual(keep.length > 0 ? [undefined, { cart: 1 }] : nobody);
      expect(browsers[0].events.filter(({ type }) => type === "signed_out")).toHaveLength(2);
    }
  });

  test("that races with a sign-in ends what the sign-in made", async () => {
    const { visit, send, cookies } = withList();
    await visit(signIn("ada"));
    const before = cookies();
    await visit(signIn("bob"));
    await send((session) => session.signOut(), before);
    expect((await visit(about)).result).toEqual(nobody);
  });
});

describe("a request that is no sign of life", () => {
  test("keeps what it writes and moves no limit", async () => {
    const options = { lifetime: { idle: 3600 }, keepAlive: ({ url }: { url: string }) => !url.endsWith("/poll") };
    const { sessions, visit, cookies, jar, time } = start({}, options);
    await visit(write("a", 1));
    const poll = async (act: Handler): Promise<void> => {
      const request = new Request("https://example.com/poll", { headers: { cookie: cookies() } });
      const session = await sessions.load(request);
      act(session);
      take(jar, (await sessions.commit(session)).getSetCookie());
    };
    for (const minutes of [20, 40, 59]) {
      time.now = START + minutes * MINUTE;
      await poll(all);
      await poll(write("b", minutes));
      expect(
        (await sessions.load(new Request("https://example.com/", { headers: { cookie: cookies() } }))).expiresAt,
      ).toBe(START + HOUR);
    }
    // And a request that is one moves it on by the whole limit again
    expect((await visit(all)).result).toEqual({ a: 1, b: 59 });
    time.now += HOUR - 1;
    expect((await visit(all)).result).toEqual({ a: 1, b: 59 });
  });
});

describe("save() of a sealed session", () => {
  const steps = async (session: Session<Data>, save: () => Promise<Headers>): Promise<string[][]> => {
    session.signIn("ada");
    session.set("a", 1);
    const first = (await save()).getSetCookie();
    session.set("b", 2);
    const second = (await save()).getSetCookie();
    return [first, second];
  };

  test.each([false, true])(
    "gives a cookie with what was done so far, and the commit one with all, list: %s",
    async (list) => {
      const { sessions, send, events } = list ? withList() : start();
      const session = await sessions.load(new Request("https://example.com/"));
      const [first = [], second = []] = await steps(session, () => sessions.save(session));
      session.set("c", 3);
      const last = (await sessions.commit(session)).getSetCookie();
      const seen = [];
      for (const lines of [first, second, last]) {
        const jar = new Map<string, string>();
        take(jar, lines);
        seen.push((await send(about, cookiesOf(jar))).result);
      }
      expect(seen).toEqual([
        ["ada", { a: 1 }],
        ["ada", { a: 1, b: 2 }],
        ["ada", { a: 1, b: 2, c: 3 }],
      ]);
      expect(events.map(({ type }) => type)).toEqual(["created", "signed_in"]);
    },
  );

  test("is sent again by a commit that has nothing of its own", async () => {
    const { sessions } = start();
    const session = await sessions.load(new Request("https://example.com/"));
    const [, second] = await steps(session, () => sessions.save(session));
    expect((await sessions.commit(session)).getSetCookie()).toEqual(second);
  });

  test("does not bring back what was ended meanwhile", async () => {
    const { sessions, visit, cookies } = withList();
    await visit(signIn("ada"));
    const session = await sessions.load(new Request("https://example.com/", { headers: { cookie: cookies() } }));
    await visit((other) => other.destroy());
    session.set("late", true);
    expect((await sessions.save(session)).getSetCookie()).toEqual([]);
    session.set("later", true);
    expect((await sessions.commit(session)).getSetCookie()).toEqual([]);
  });
});
