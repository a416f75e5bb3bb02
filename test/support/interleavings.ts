import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { SessionStore } from "../../src/index.ts";
import { decodeStored } from "../../src/stored/record.ts";
import { type Answer, type Handler, startProcess, startSession } from "./process.ts";
import { scheduledStore } from "./scheduled-store.ts";

/*
 * The promises under concurrency. Two or three requests that carry the same token run in processes of their own over
 * one store; each operation of the store stops twice (before it takes effect, and before its answer arrives), and
 * fast-check chooses who goes on. A process may also crash at any of these points: it then never answers, and nothing
 * of it runs again.
 */

/** What the requests run on. */
export interface Ground {
  /** Opens the store; one may serve all runs, since their keys are random and nothing asks for a subject's list. */
  open(clock: () => number): SessionStore | Promise<SessionStore>;
  /** Epoch milliseconds at which each run begins: near the engine's own time, where it has one. */
  readonly start: number;
  /** Orders to try for each property. */
  readonly runs: number;
}

type Kind = "read" | "set b" | "set c" | "count" | "sign in" | "renew" | "destroy";

const HANDLERS: Record<Kind, Handler> = {
  read: () => {},
  "set b": (session) => session.set("b", "written"),
  "set c": (session) => session.set("c", "written"),
  count: (session) => session.update("count", (n = 0) => n + 1),
  "sign in": (session) => session.signIn("ada"),
  renew: (session) => session.renew(),
  destroy: (session) => session.destroy(),
};

interface Run {
  readonly kind: Kind;
  readonly answer: Answer | undefined;
  /** The changes were stored: answered, and not reported as dropped. */
  readonly acknowledged: boolean;
}

interface World {
  readonly runs: Run[];
  /** The token that all requests carried. */
  readonly first: string;
  /** Every token a browser was ever given, the first included. */
  readonly tokens: string[];
  /** Asks as a browser would, after all is over. */
  look(token: string): Promise<Answer>;
  /** Live records in the store that a list shows or an anonymous token opens. */
  liveRecords(): Promise<number>;
}

const ROTATING = { rotation: { every: 60, grace: 30 } };

async function explore(
  ground: Ground,
  kinds: Kind[],
  scheduler: fc.Scheduler,
  { rotating = false, crashAt = [] as number[], sameProcess = false, subject = undefined as string | undefined } = {},
): Promise<World> {
  let now = ground.start;
  const clock = () => now;
  const keys = new Set<string>();
  const opened = await ground.open(clock);
  const store = {
    ...opened,
    create(key: string, ...rest: [string, { expiresAt: number; subject?: string }]) {
      keys.add(key);
      return opened.create(key, ...rest);
    },
  };
  // A hundred requests that take turns on a real engine take their time
  const options = { clock, storeTimeout: 60_000, ...(rotating ? ROTATING : {}) };
  const setUp = startProcess(store, options);
  const first = await startSession(setUp, { a: "start", count: 0 }, subject);
  now += rotating ? 61_000 : 1_000;

  let gates = 0;
  let underWay = 0;
  let over = 0;
  /** Stops an operation before and after its effect. */
  async function stop(label: string, crashed = (): boolean => false): Promise<void> {
    if (label.endsWith("answered")) underWay--;
    await scheduler.schedule(Promise.resolve(), label);
    if (crashed()) await new Promise(() => {});
    if (label.endsWith("sent")) underWay++;
  }

  const together = sameProcess ? startProcess(scheduledStore(store, stop), options) : undefined;
  const running = kinds.map(async (kind, index): Promise<Run> => {
    let crashed = false;
    let reportCrash = (): void => {};
    const gone = new Promise<undefined>((resolve) => {
      reportCrash = () => resolve(undefined);
    });
    const isCrashed = (): boolean => {
      if (crashAt.includes(gates++)) crashed = true;
      if (crashed) reportCrash();
      return crashed;
    };
    const mine =
      together ??
      startProcess(
        scheduledStore(store, (label) => stop(`${kind} ${index} ${label}`, isCrashed)),
        options,
      );
    const before = mine.events.length;
    const answer = await Promise.race([mine.request(first, HANDLERS[kind]), gone]).finally(() => over++);
    const dropped = !sameProcess && mine.events.slice(before).some((event) => event.type === "changes_dropped");
    return { kind, answer, acknowledged: answer !== undefined && !dropped };
  });
  const answered = Promise.all(running);
  answered.catch(() => {
    over = kinds.length;
  });
  // The next step is chosen when nothing moves by itself any more: a real engine takes its own time to answer
  while (over < kinds.length) {
    await new Promise(setImmediate);
    if (underWay === 0 && scheduler.count() > 0) await scheduler.waitNext(1);
  }
  const runs = await answered;

  const after = startProcess(store, { clock });
  return {
    runs,
    first,
    tokens: [first, ...runs.flatMap(({ answer }) => answer?.cookies ?? []).filter(Boolean)],
    look: (token) => after.request(token),
    async liveRecords() {
      let count = 0;
      for (const key of keys) {
        const entry = await store.read(key);
        const record = entry && decodeStored(entry.value, now);
        if (record?.kind !== "live") continue;
        const before = record.previous === undefined ? undefined : await store.read(record.previous);
        const mark = before && decodeStored(before.value, now);
        // A rotation that crashed half-way leaves a record whose token nobody has
        if (record.previous === undefined || (mark?.kind === "forward" && mark.to === key)) count++;
      }
      return count;
    },
  };
}

const kindsOf = (...kinds: Kind[]) => fc.array(fc.constantFrom(...kinds), { minLength: 2, maxLength: 3 });
const crashes = fc.array(fc.nat(40), { maxLength: 2 });

function expectNothingLost({ runs }: World, data: Record<string, unknown>): void {
  const counted = runs.filter(({ kind, acknowledged }) => kind === "count" && acknowledged).length;
  expect(data.a).toBe("start");
  expect(data.count).toBeGreaterThanOrEqual(counted);
  if (runs.every(({ answer }) => answer)) expect(data.count).toBe(counted);
  if (runs.some(({ kind, acknowledged }) => kind === "set b" && acknowledged)) expect(data.b).toBe("written");
  if (runs.some(({ kind, acknowledged }) => kind === "set c" && acknowledged)) expect(data.c).toBe("written");
}

/** The properties, as tests. The names are the promises. */
export function interleavingTests(ground: Ground): void {
  const RUNS = { numRuns: ground.runs };
  describe("orders of the store operations of two and three requests, drawn at random", () => {
    for (const rotating of [false, true]) {
      test(`writes ${rotating ? "during a rotation" : "without rotation"}: no acknowledged change is lost, one live record, every token leads to it`, async () => {
        await fc.assert(
          fc.asyncProperty(kindsOf("read", "set b", "set c", "count"), fc.scheduler(), async (kinds, scheduler) => {
            const world = await explore(ground, kinds, scheduler, { rotating });
            expect(world.runs.every(({ acknowledged }) => acknowledged)).toBe(true);
            expect(await world.liveRecords()).toBe(1);
            // Whatever order the answers reach the browser in, it keeps a token that works and sees everything
            for (const token of world.tokens) expectNothingLost(world, (await world.look(token)).saw);
            // Siblings are never minted: all were given the same successor
            expect(new Set(world.tokens).size).toBe(rotating ? 2 : 1);
          }),
          RUNS,
        );
      });

      test(`a crash at any point ${rotating ? "of a rotation" : "of a write"} logs nobody out and loses nothing acknowledged`, async () => {
        await fc.assert(
          fc.asyncProperty(
            kindsOf("read", "set b", "set c", "count"),
            fc.scheduler(),
            crashes,
            async (kinds, scheduler, crashAt) => {
              const world = await explore(ground, kinds, scheduler, { rotating, crashAt });
              expect(await world.liveRecords()).toBe(1);
              for (const token of world.tokens) expectNothingLost(world, (await world.look(token)).saw);
              expect(new Set(world.tokens).size).toBeLessThanOrEqual(2);
            },
          ),
          RUNS,
        );
      });
    }

    test("requests in one process wait for each other: 100 parallel updates add exactly 100", async () => {
      await fc.assert(
        fc.asyncProperty(fc.scheduler(), async (scheduler) => {
          const world = await explore(ground, Array<Kind>(100).fill("count"), scheduler, { sameProcess: true });
          expect((await world.look(world.first)).saw.count).toBe(100);
        }),
        { numRuns: Math.min(3, ground.runs) },
      );
    });

    for (const rotating of [false, true]) {
      test(`logout racing writes, renewals ${rotating ? "and rotations" : "without rotation"}: once it is acknowledged no token of the session reads anything`, async () => {
        await fc.assert(
          fc.asyncProperty(
            kindsOf("read", "set b", "count", "renew", "destroy"),
            fc.scheduler(),
            crashes,
            async (others, scheduler, crashAt) => {
              const world = await explore(ground, ["destroy", ...others.slice(0, 2)], scheduler, { rotating, crashAt });
              if (!world.runs.some(({ kind, answer }) => kind === "destroy" && answer)) return;
              for (const token of world.tokens) {
                const { saw, cookies } = await world.look(token);
                expect(saw).toEqual({});
                expect(cookies).toEqual([]);
              }
              // A renewal that crashed half-way leaves a record too, but nobody has its token
              if (world.runs.every(({ answer }) => answer)) expect(await world.liveRecords()).toBe(0);
            },
          ),
          RUNS,
        );
      });

      test(`sign-in and renewal ${rotating ? "racing rotations" : "without rotation"} are hard cuts: the first token opens nothing afterwards, and nobody is led to the new one`, async () => {
        await fc.assert(
          fc.asyncProperty(
            kindsOf("read", "set b", "count", "sign in", "renew"),
            fc.scheduler(),
            async (others, scheduler) => {
              const world = await explore(ground, ["sign in", ...others.slice(0, 2)], scheduler, { rotating });
              const { saw, subject, cookies } = await world.look(world.first);
              expect([saw, subject, cookies]).toEqual([{}, undefined, []]);
              for (const { kind, answer } of world.runs) {
                // Only the requests that cut, and the offers of a rotation before the cut, set a cookie; none removes
                // one
                expect(answer?.cookies).not.toContain("");
                if (kind === "sign in") expect((await world.look(answer?.cookies[0] as string)).subject).toBe("ada");
              }
              if (!others.includes("sign in") && !others.includes("renew")) {
                const cutter = world.runs[0]?.answer?.cookies[0] as string;
                const seen = await world.look(cutter);
                expect(seen.subject).toBe("ada");
                expectNothingLost(world, seen.saw);
                expect(await world.liveRecords()).toBe(1);
              }
            },
          ),
          RUNS,
        );
      });
    }

    test("no answer replaces or clears a newer cookie: what a browser holds at the end is live, in whatever order answers arrive", async () => {
      await fc.assert(
        fc.asyncProperty(
          kindsOf("read", "set b", "count"),
          fc.scheduler(),
          fc.array(fc.nat()),
          async (kinds, scheduler, shuffle) => {
            const world = await explore(ground, kinds, scheduler, { rotating: true });
            const answers = world.runs
              .map(({ answer }, index) => ({ answer, order: shuffle[index] ?? index }))
              .sort((x, y) => x.order - y.order);
            let jar = world.first;
            for (const { answer } of answers) for (const cookie of answer?.cookies ?? []) jar = cookie;
            expect(jar).not.toBe("");
            expect((await world.look(jar)).saw.a).toBe("start");
          },
        ),
        RUNS,
      );
    });
  });
}
