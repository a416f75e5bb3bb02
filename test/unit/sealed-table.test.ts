import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { memoryStore, type Session, type SessionStore, type SessionsOptions } from "../../src/index.ts";
import { generateKey } from "../../src/sealed.ts";
import {
  cookiesOf,
  type Data,
  type Handler,
  HOUR,
  KEY,
  NAME,
  randomText,
  START,
  start,
  startOn,
  take,
  write,
} from "../support/sealed.ts";

/* The table of docs/sealed-or-stored.md, line by line: a line without a proof fails, and so does a proof without a line. */

type World = ReturnType<typeof start>;
type Options = Omit<SessionsOptions, "store">;

interface Column {
  /** A world of this kind; those of one test share key, store and list. */
  open(options?: Options): World;
  readonly calls: string[];
  /** All that is kept on the server is lost. */
  lose(): void;
}

/** A memory store that tells what was asked of it, and that can be lost. */
function kept() {
  let store = memoryStore({ clock: () => START });
  const calls: string[] = [];
  const proxy = new Proxy({} as SessionStore, {
    has: (_, name) => name in store,
    get: (_, name: keyof SessionStore) => {
      const method = store[name as "read"];
      if (typeof method !== "function") return method;
      return (...values: [string]) => {
        calls.push(name);
        return store[name as "read"](...values);
      };
    },
  });
  const lose = (): void => {
    store = memoryStore({ clock: () => START });
  };
  return { proxy, calls, lose };
}

function columns(): [stored: Column, sealed: Column, listed: Column] {
  const [store, list] = [kept(), kept()];
  const keys = [generateKey()];
  return [
    { ...store, open: (options) => startOn(() => store.proxy, options) },
    { open: (options) => start({ keys }, options), calls: [], lose() {} },
    { ...list, open: (options) => start({ keys, revocations: list.proxy }, options) },
  ];
}

const about: Handler = (session) => [session.subject, session.all()];
const signIn =
  (subject: string): Handler =>
  (session) =>
    session.signIn(subject);
const destroy: Handler = (session) => session.destroy();
const renew: Handler = (session) => session.renew();

/** What each of the three gives. */
function each<T>(run: (column: Column) => Promise<T>): Promise<T[]> {
  return Promise.all(columns().map(run));
}

/** `slow` arrives first and is answered last, and in between `fast` is answered; `slow` is committed first or last. */
async function crossed(column: Column, slow: Handler, fast: Handler, slowCommits: "first" | "last") {
  const { visit, send, cookies, jar, time } = column.open();
  await visit(signIn("ada"));
  time.now += 6 * HOUR;
  const before = cookies();
  let late = slowCommits === "first" ? await send(slow, before) : undefined;
  const answer = await send(fast, before);
  late ??= await send(slow, before);
  take(jar, answer.lines);
  take(jar, late.lines);
  return (await visit(about)).result;
}

const nobody = [undefined, {}];

const proofs: Record<string, () => Promise<void>> = {
  async "what a request costs"() {
    const calls = await each(async (column) => {
      const { visit } = column.open();
      await visit(signIn("ada"));
      column.calls.length = 0;
      await visit(about);
      return column.calls;
    });
    expect(calls).toEqual([["read"], [], ["read"]]);
  },

  async "after `destroy()`, a copy of the cookie"() {
    const opens = await each(async (column) => {
      const { visit, cookies, send } = column.open();
      await visit(signIn("ada"));
      const copy = cookies();
      await visit(destroy);
      return (await send((session) => session.subject, copy)).result;
    });
    expect(opens).toEqual([undefined, "ada", undefined]);
  },

  async "after `signIn()` or `renew()`, the cookie from before"() {
    for (const handler of [signIn("bob"), renew]) {
      const opens = await each(async (column) => {
        const { visit, cookies, send } = column.open();
        await visit(signIn("ada"));
        const copy = cookies();
        await visit(handler);
        return (await send((session) => session.subject, copy)).result;
      });
      expect(opens).toEqual([undefined, "ada", undefined]);
    }
  },

  async "a request that only reads, answered after a write, a sign-in or a logout"() {
    const others: [Handler, unknown][] = [
      [write("a", 1), ["ada", { a: 1 }]],
      [signIn("bob"), ["bob", {}]],
      [destroy, nobody],
    ];
    for (const [fast, expected] of others) {
      for (const order of ["first", "last"] as const)
        expect(await each((column) => crossed(column, about, fast, order))).toEqual([expected, expected, expected]);
    }
  },

  async "a request that writes, answered after a logout"() {
    for (const order of ["first", "last"] as const)
      expect(await each((column) => crossed(column, write("a", 1), destroy, order))).toEqual([
        nobody,
        ["ada", { a: 1 }],
        nobody,
      ]);
  },

  async "a request that writes, answered after a sign-in"() {
    const former = ["ada", { a: 1 }];
    expect(await each((column) => crossed(column, write("a", 1), signIn("bob"), "last"))).toEqual([
      ["bob", {}],
      former,
      ["bob", {}],
    ]);
    const [stored, sealed, listed] = await each((column) => crossed(column, write("a", 1), signIn("bob"), "first"));
    expect([stored, sealed, listed]).toEqual([["bob", {}], former, nobody]);
  },

  async "`sessions.save()`"() {
    const seen = await each(async (column) => {
      const { visit, sessions, cookies } = column.open();
      await visit(signIn("ada"));
      const session = await sessions.load(new Request("https://example.com/", { headers: { cookie: cookies() } }));
      session.set("a", 1);
      await sessions.save(session); // nobody sends what it returns, as in the event of a socket
      return (await visit((later) => later.get("a"))).result;
    });
    expect(seen).toEqual([1, undefined, undefined]);
  },

  async "two requests write different keys at once"() {
    const seen = await each((column) => crossed(column, write("a", 1), write("b", 2), "last"));
    expect(seen).toEqual([
      ["ada", { a: 1, b: 2 }],
      ["ada", { a: 1 }],
      ["ada", { a: 1 }],
    ]);
  },

  async "a logout with several cookies of the name"() {
    const [stored, sealed, listed] = await each(async (column) => {
      const browsers = [column.open(), column.open()] as const;
      for (const { visit } of browsers) await visit(signIn("ada"));
      const { lines } = await browsers[0].send(destroy, browsers.map(({ cookies }) => cookies()).join("; "));
      const open = [];
      for (const { send, cookies } of browsers) open.push((await send((session) => session.subject, cookies())).result);
      return [open.filter(Boolean).length, lines.length];
    });
    expect([stored, sealed, listed]).toEqual([
      [0, 1],
      [2, 1],
      [0, 1],
    ]);
  },

  async "`handle` of a session"() {
    const handles = await each(async (column) => {
      const { visit } = column.open();
      const seen: unknown[] = [];
      for (const handler of [signIn("ada"), write("a", 1), renew, renew, signIn("ada"), renew]) {
        await visit(handler);
        seen.push((await visit((session) => session.handle)).result);
      }
      return [new Set(seen.slice(0, 4)).size, new Set(seen.slice(4)).size, new Set(seen).size];
    });
    expect(handles).toEqual([
      [1, 1, 2],
      [1, 1, 2],
      [1, 1, 2],
    ]);
  },

  async "`list`, `revoke`, `revokeAll`, `maxPerSubject`"() {
    const answers = await each(async (column) => {
      const { sessions, visit } = column.open();
      await visit(signIn("ada"));
      const codes = [];
      for (const call of [() => sessions.list("ada"), () => sessions.revokeAll("ada")]) {
        codes.push(await call().then(Object, (error: { code: string }) => error.code));
      }
      const limited = (): unknown => column.open({ maxPerSubject: 1 });
      try {
        return [...codes, typeof limited()];
      } catch (error) {
        return [...codes, (error as Error).name];
      }
    });
    const refused = ["not_supported", "not_supported", "TypeError"];
    expect(answers).toEqual([[[expect.objectContaining({ subject: "ada" })], Object(1), "object"], refused, refused]);
  },

  async "`rotation.every`"() {
    const [stored, ...sealed] = columns();
    expect(() => stored.open({ rotation: { every: 60 } })).not.toThrow();
    for (const column of sealed) expect(() => column.open({ rotation: { every: 60 } })).toThrow(TypeError);
  },

  async "`cookie.path`, `cookie.domain` or `cookie.partitioned` changes in a deploy"() {
    for (const cookie of [
      { path: "/x" },
      { domain: "example.com" },
      { sameSite: "none", partitioned: true },
    ] satisfies Options["cookie"][]) {
      const opens = await each(async (column) => {
        const { visit, cookies } = column.open({ cookie: { name: "sid" } });
        await visit(signIn("ada"));
        return (await column.open({ cookie: { name: "sid", ...cookie } }).send((s) => s.subject, cookies())).result;
      });
      expect(opens).toEqual(["ada", undefined, undefined]);
    }
  },

  async "size of the session"() {
    const fits = await each(async (column) => {
      const results = [];
      for (const length of [8_000, 9_000]) {
        const { visit, cookies } = column.open();
        await visit(signIn("ada"));
        const stored = await visit(write("text", randomText(length))).then(
          () => true,
          () => false,
        );
        results.push(stored, cookies().length > 8_000);
      }
      return results;
    });
    expect(fits).toEqual([
      [true, false, true, false],
      [true, true, false, false],
      [true, true, false, false],
    ]);
  },

  async "the store, or the list, is lost"() {
    const seen = await each(async (column) => {
      const [open, ended] = [column.open(), column.open()];
      await open.visit(signIn("ada"));
      await ended.visit(signIn("bob"));
      const copy = ended.cookies();
      await ended.visit(destroy);
      column.lose();
      const subject = (session: Session<Data>): unknown => session.subject;
      return [(await open.visit(subject)).result, (await ended.send(subject, copy)).result];
    });
    expect(seen[0]).toEqual([undefined, undefined]);
    expect(seen[1]).toEqual(["ada", "bob"]);
    expect(seen[2]).toEqual(["ada", "bob"]);
  },

  async "the key leaks"() {
    const forged = start({ keys: [KEY] });
    await forged.visit(signIn("admin"));
    for (const revocations of [undefined, memoryStore()]) {
      const victim = start({ keys: [KEY], ...(revocations && { revocations }) });
      expect((await victim.send(about, cookiesOf(forged.jar))).result).toEqual(["admin", {}]);
    }
    expect(forged.cookies()).toContain(NAME);
  },
};

const page = readFileSync(new URL("../../docs/sealed-or-stored.md", import.meta.url), "utf8");
const lines = [...page.matchAll(/^\| (?!\|)([^|]+) \|[^|]*\|[^|]*\|[^|]*\|$/gm)].map(([, first = ""]) => first.trim());

test.each(lines)("%s", async (line) => {
  expect(Object.keys(proofs)).toContain(line);
  await proofs[line]?.();
});

test("the table has a line for each proof", () => {
  expect(Object.keys(proofs).filter((name) => !lines.includes(name))).toEqual([]);
});
