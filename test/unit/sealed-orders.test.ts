import { describe, expect, test } from "vitest";
import { memoryStore, type Session } from "../../src/index.ts";
import { generateKey } from "../../src/sealed.ts";
import { cookiesOf, type Data, type Handler, HOUR, START, start, take } from "../support/sealed.ts";

/*
 * Every order in which two and three requests of one browser are loaded, committed and answered, on two servers in the
 * middle of a change of keys whose clocks are half a minute apart. A touch is due in each of them.
 */

type Kind = "read" | "write a" | "write b" | "sign in" | "renew" | "sign out";
type Step = "load" | "commit" | "answer";

const HANDLERS: Record<Kind, Handler> = {
  read: (session) => session.all(),
  "write a": (session) => session.set("a", 1),
  "write b": (session) => session.set("b", 1),
  "sign in": (session) => session.signIn("bob"),
  renew: (session) => session.renew(),
  "sign out": (session) => session.destroy(),
};
const KINDS = Object.keys(HANDLERS) as Kind[];
const about: Handler = (session) => [session.subject, session.all()];

interface End {
  /** Whom and what the browser has at last. */
  readonly last: unknown;
  /** Who is opened by the cookies that it had at any time. */
  readonly subjects: readonly unknown[];
  readonly rejected: number;
}

const keys = [generateKey(), generateKey()];

/** The same request goes to the same server, whichever others there are. */
async function run(
  kinds: readonly (Kind | undefined)[],
  order: readonly (readonly [number, Step])[],
  withList: boolean,
) {
  const list = withList ? { revocations: memoryStore({ clock: () => START }) } : {};
  const servers = [start({ keys, ...list }), start({ keys: keys.toReversed(), ...list })] as const;
  const [first, second] = servers;
  const { jar } = first;
  await first.visit((session) => session.signIn("ada"));
  first.time.now += 6 * HOUR;
  second.time.now += 6 * HOUR + 30_000;
  const seen = [cookiesOf(jar)];
  const open: Session<Data>[] = [];
  const lines: string[][] = [];
  for (const [at, step] of order) {
    const kind = kinds[at];
    const { sessions } = at % 2 ? second : first;
    if (kind === undefined) continue;
    if (step === "load") {
      const headers = new Headers({ cookie: cookiesOf(jar) });
      const session = await sessions.load({ url: "https://example.com/", headers });
      HANDLERS[kind](session);
      open[at] = session;
    } else if (step === "commit") lines[at] = (await sessions.commit(open[at] as Session<Data>)).getSetCookie();
    else {
      take(jar, lines[at] ?? []);
      seen.push(cookiesOf(jar));
    }
  }
  const subjects = [];
  for (const cookies of seen) subjects.push((await first.send((session) => session.subject, cookies)).result);
  const events = servers.flatMap((server) => server.events);
  const rejected = events.filter(({ type }) => type === "record_rejected").length;
  return { last: (await second.send(about, cookiesOf(jar))).result, subjects, rejected } satisfies End;
}

/** All orders of the steps of so many requests, in which each has its own in a row. */
function orders(count: number, steps: readonly Step[]): [number, Step][][] {
  const grow = (done: readonly number[]): [number, Step][][] => {
    const next = done.flatMap((taken, at) => (taken < steps.length ? [at] : []));
    if (next.length === 0) return [[]];
    return next.flatMap((at) =>
      grow(done.map((taken, other) => (other === at ? taken + 1 : taken))).map((rest): [number, Step][] => [
        [at, steps[done[at] as number] as Step],
        ...rest,
      ]),
    );
  };
  return grow(Array<number>(count).fill(0));
}

/** Load and commit in one for triples: what comes between is tried with pairs. */
function tripled(): [number, Step][][] {
  return orders(3, ["load", "answer"]).map((order) =>
    order.flatMap(([at, step]): [number, Step][] =>
      step === "load"
        ? [
            [at, "load"],
            [at, "commit"],
          ]
        : [[at, step]],
    ),
  );
}

const pairs = KINDS.flatMap((a) => KINDS.map((b) => [a, b]));
const FEW: readonly Kind[] = ["read", "write a", "sign out"];
const triples = FEW.flatMap((a) => FEW.flatMap((b) => FEW.map((c) => [a, b, c] as Kind[])));

describe.each([false, true])("with a list of ended sessions: %s", (withList) => {
  test.each([
    ["pairs", pairs as Kind[][], orders(2, ["load", "commit", "answer"])],
    ["triples", triples, tripled()],
  ] as const)("every order of %s", { timeout: 120_000 }, async (_, all, every) => {
    for (const kinds of all) {
      for (const order of every) {
        const story = `${kinds.join(", ")}: ${order.map(([at, step]) => `${at} ${step}`).join(", ")}`;
        const end = await run(kinds, order, withList);
        expect(end.rejected, story).toBe(0);
        if (kinds.includes("read")) {
          // What only reads leaves no trace: it is as if it had not been sent
          const alone = await run(
            kinds.map((kind) => (kind === "read" ? undefined : kind)),
            order,
            withList,
          );
          expect(end.last, story).toEqual(alone.last);
        }
        // Once a logout was committed nobody has ada's session any more, by whatever cookie; unless it was a logout of bob,
        // which knows nothing of a renewal that is on its way
        if (withList && kinds.includes("sign out") && !kinds.includes("sign in")) {
          expect(end.last, story).not.toContain("ada");
          expect(end.subjects, story).not.toContain("ada");
        }
      }
    }
  });
});
