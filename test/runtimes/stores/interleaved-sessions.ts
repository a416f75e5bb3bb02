/**
 * Requests with the same cookie, in processes of their own over one real engine, in many orders of their store
 * operations: each operation stops before it is sent and before its answer arrives, and a random choice that can be
 * repeated says who goes on. The exhaustive search runs in memory (`test/proof`); here it is shown
 * that the engines take the place of memory.
 */
import type { MakeStore } from "../../../src/testing.ts";
import { type Answer, type Handler, startProcess, startSession, type TestProcess } from "../../support/process.ts";
import { scheduledStore } from "../../support/scheduled-store.ts";
import { equal, type MoreTests } from "./store-tests.ts";

const rounds = 20;

const handlers = {
  read: () => {},
  "set b": (session) => session.set("b", "written"),
  count: (session) => session.update("count", (n = 0) => n + 1),
  "sign in": (session) => session.signIn("ada"),
  renew: (session) => session.renew(),
  destroy: (session) => session.destroy(),
} satisfies Record<string, Handler>;

type Kind = keyof typeof handlers;

interface World {
  readonly kinds: readonly Kind[];
  readonly answers: readonly Answer[];
  /** Every cookie that a browser was given, the one that all requests carried first. */
  readonly tokens: readonly [string, ...string[]];
  /** A request after all is over. */
  look(token: string): Promise<Answer>;
}

interface Promised {
  /** What runs, and beside it one or two of the others. */
  readonly first: readonly Kind[];
  readonly others: readonly Kind[];
  check(world: World): Promise<void>;
}

const promises: Record<string, Promised> = {
  "writes during a rotation are all kept, and every cookie leads to them": {
    first: ["count"],
    others: ["read", "set b", "count"],
    async check({ kinds, tokens, look }) {
      equal(new Set(tokens).size, 2, "cookies of one rotation");
      for (const token of tokens) {
        const { a, b, count } = (await look(token)).saw;
        const expected = {
          a: "start",
          b: kinds.includes("set b") ? "written" : null,
          count: kinds.filter((kind) => kind === "count").length,
        };
        equal({ a, b: b ?? null, count }, expected, "what a later request sees");
      }
    },
  },
  "after a logout that races writes, rotations and renewals no cookie opens anything": {
    first: ["destroy"],
    others: ["read", "set b", "count", "renew"],
    async check({ tokens, look }) {
      for (const token of tokens) {
        const { saw, cookies } = await look(token);
        equal([saw, cookies], [{}, []], "what a later request sees and gets");
      }
    },
  },
  "a sign-in that races writes and rotations is a hard cut: the old cookie opens nothing, and the new one everything": {
    first: ["sign in"],
    others: ["read", "set b", "count"],
    async check({ tokens, answers, look }) {
      const { saw, subject = null, cookies } = await look(tokens[0]);
      equal([saw, subject, cookies], [{}, null, []], "what the old cookie opens");
      const signedIn = await look(answers[0]?.cookies[0] ?? "");
      equal([signedIn.subject, signedIn.saw.a], ["ada", "start"], "what the new cookie opens");
    },
  },
};

export function interleavedSessions(name: string, makeStore: MakeStore): MoreTests {
  return Object.fromEntries(
    Object.entries(promises).map(([promise, promised]) => [
      `${name}: ${promise}`,
      async () => {
        for (let round = 1; round <= rounds; round++) {
          await play(makeStore, promised, generator(round)).catch((cause: unknown) => {
            throw new Error(`In round ${round}: ${cause instanceof Error ? cause.message : cause}`, { cause });
          });
        }
      },
    ]),
  );
}

async function play(
  makeStore: MakeStore,
  { first, others, check }: Promised,
  random: (below: number) => number,
): Promise<void> {
  let now = Date.now();
  const clock = (): number => now;
  const made = await makeStore({ clock });
  const { store, dispose } = "store" in made ? made : { store: made, dispose: undefined };
  try {
    const options = { clock, rotation: { every: 60, grace: 30 } };
    const token = await startSession(startProcess(store, options), { a: "start", count: 0 });
    now += 61_000;

    const waiting: (() => void)[] = [];
    const gate = (): Promise<void> => new Promise((resolve) => waiting.push(resolve));
    const kinds = [...first, ...Array.from({ length: 1 + random(2) }, () => others[random(others.length)] ?? "read")];
    const request = (kind: Kind): Promise<Answer> => {
      const mine: TestProcess = startProcess(scheduledStore(store, gate), options);
      return mine.request(token, handlers[kind]);
    };
    let over = false;
    const all = Promise.all(kinds.map(request)).finally(() => {
      over = true;
    });
    all.catch(() => {}); // awaited below
    while (!over) {
      waiting.splice(random(waiting.length), 1)[0]?.();
      await new Promise((resolve) => setTimeout(resolve, 0));
    }
    const answers = await all;
    const tokens: [string, ...string[]] = [token, ...answers.flatMap(({ cookies }) => cookies)];
    const after = startProcess(store, { clock });
    await check({ kinds, answers, tokens, look: (cookie) => after.request(cookie) });
  } finally {
    await dispose?.call(made);
  }
}

/** Numbers below a bound, the same for the same seed (mulberry32). */
function generator(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296) * below);
  };
}
