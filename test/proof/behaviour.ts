import type { Fault, FaultPlan, Operation, Step } from "./explorer.ts";

/*
 * What a request does depends on the answers that it gets and on nothing else. So the real code runs once for each
 * sequence of answers, and what it asks for then is remembered: a tree, in which an explorer finds its way without
 * running anything.
 */

/** What runs apart from all else: a request in a process of its own, or several in one. */
export interface Machine {
  /** Begins anew. Whatever it does after that depends on the answers, and on what it is told. */
  start(ask: Ask): Started | Promise<Started>;
  /** Waits until it does not move by itself. Default: until all microtasks are done. */
  settle?(): Promise<void>;
}

/** The answer comes when the explorer chooses. */
export type Ask = (operation: Operation) => Promise<unknown>;

export interface Started {
  /** All that came of it, as plain data. Asked for when it waits for nothing any more. */
  outcome(): unknown;
  /** A global operation took effect, such as time that passes. */
  told?(): void;
}

/** An operation that was asked for and did not take effect yet. */
export interface Pending extends Operation {
  readonly id: number;
  readonly fault: Fault | undefined;
}

/** Where a machine is after a sequence of answers. */
export interface Moment {
  readonly pending: readonly Pending[];
  /** What it asked for on the way here that never takes effect. */
  readonly lost: readonly Step[];
  /** The planned fault happened. */
  readonly faulted: boolean;
  /** What came of it, once it waits for nothing. */
  readonly outcome: unknown;
  /** The same for all moments of a machine that cannot be told apart from here on. */
  readonly name: string;
}

/** A machine, as far as it is known. */
export interface Behaviour {
  begin(): Moment | Promise<Moment>;
  /** Once an operation took effect, with this answer. */
  after(moment: Moment, operation: Pending, answer: unknown): Moment | Promise<Moment>;
  /** Once a global operation of another machine took effect. */
  told(moment: Moment): Moment | Promise<Moment>;
}

/** Ids of an actor's operations: actor × this + index. */
const PER_ACTOR = 1_000_000;

/** How stories and arguments name an operation: `actor.index`. */
export function nameOf({ id }: Pending): string {
  return `${Math.floor(id / PER_ACTOR)}.${id % PER_ACTOR}`;
}

/** Something that a machine notices: an answer, or `undefined` where it is told of a global operation. */
type Notice = { readonly id: number; readonly answer: unknown } | undefined;

interface Learned extends Moment {
  readonly before: { readonly moment: Learned; readonly notice: Notice } | undefined;
  readonly next: Map<string, Learned>;
}

/** Learns what a machine does, sequence by sequence; `fault` is what goes wrong in it. */
export function behaviourOf(machine: Machine, fault?: FaultPlan): Behaviour {
  let root: Learned | undefined;
  let moments = 0;
  const outcomes = new Map<string, string>();
  /** The run that was started last, and where it is. */
  let live: { readonly run: Run; readonly at: Learned } | undefined;

  function momentOf(run: Run, before: Learned["before"]): Learned {
    const pending = [...run.pending.values()].map(({ operation }) => operation);
    const outcome = pending.length > 0 ? undefined : run.outcome();
    moments++;
    const name = pending.length > 0 ? `at ${moments}` : nameOfOutcome([outcome, run.faulted]);
    return { pending, lost: run.takeLost(), faulted: run.faulted, outcome, name, before, next: new Map() };
  }

  function nameOfOutcome(outcome: unknown): string {
    const text = JSON.stringify(outcome);
    const name = outcomes.get(text) ?? `end ${outcomes.size}`;
    outcomes.set(text, name);
    return name;
  }

  async function begin(): Promise<Learned> {
    const run = await startRun(machine, fault);
    root ??= momentOf(run, undefined);
    run.takeLost();
    live = { run, at: root };
    return root;
  }

  /** A run that is at this moment: the last one, if it is on the way there. */
  async function runAt(moment: Learned): Promise<Run> {
    const way: Learned[] = [];
    let at: Learned | undefined = moment;
    for (; at !== undefined && at !== live?.at; at = at.before?.moment) way.push(at);
    if (at === undefined) {
      await begin();
      way.pop();
    }
    const { run } = live as NonNullable<typeof live>;
    live = undefined;
    for (const { before, pending } of way.reverse()) {
      await run.notice(before?.notice);
      run.takeLost();
      if (!pending.every(({ id, name, key }) => run.isWaiting(id, name, key)))
        throw new Error("The program is not deterministic: it did not ask the same again");
    }
    return run;
  }

  function after(from: Learned, notice: Notice): Learned | Promise<Learned> {
    const key = notice === undefined ? "" : `${notice.id} ${JSON.stringify(notice.answer)}`;
    return from.next.get(key) ?? learn(from, notice, key);
  }

  async function learn(from: Learned, notice: Notice, key: string): Promise<Learned> {
    const run = await runAt(from);
    await run.notice(notice);
    const at = momentOf(run, { moment: from, notice });
    from.next.set(key, at);
    live = { run, at };
    return at;
  }

  return {
    begin: () => root ?? begin(),
    after: (moment, { id, fault }, answer) =>
      after(moment as Learned, { id, answer: fault === undefined ? answer : undefined }),
    told: (moment) => after(moment as Learned, undefined),
  };
}

type Run = Awaited<ReturnType<typeof startRun>>;

interface Waiting {
  readonly operation: Pending;
  answer(value: unknown): void;
  fail(error: unknown): void;
}

/** Runs the real code. */
async function startRun({ start, settle = microtasks }: Machine, plan: FaultPlan | undefined) {
  const pending = new Map<number, Waiting>();
  /** How many operations an actor has asked for. */
  const asked: number[] = [];
  let lost: Step[] = [];
  let faulted = false;

  function ask(operation: Operation): Promise<unknown> {
    const { actor, name, key } = operation;
    const index = asked[actor] ?? 0;
    asked[actor] = index + 1;
    const fault = plan?.actor === actor && plan.index === index ? plan.fault : undefined;
    if (fault !== undefined) faulted = true;
    return new Promise((answer, fail) => {
      const id = actor * PER_ACTOR + index;
      if (fault === "crash before" || fault === "failed") {
        lost.push({ actor, name, key, asked: operation.asked ?? [], answer: undefined, fault });
        if (fault === "failed") fail(new Error("connection refused"));
        return;
      }
      pending.set(id, { operation: { ...operation, id, fault }, answer, fail });
      if (fault === "late") fail(new Error("connection timed out"));
    });
  }

  const started = await start(ask);
  await settle();
  return {
    pending,
    outcome: () => started.outcome(),
    get faulted() {
      return faulted;
    },
    isWaiting(id: number, name: string, key: string | undefined): boolean {
      const operation = pending.get(id)?.operation;
      return operation?.name === name && operation.key === key;
    },
    /** What was lost since the last call. */
    takeLost(): Step[] {
      const since = lost;
      lost = [];
      return since;
    },
    async notice(notice: Notice): Promise<void> {
      if (notice === undefined) started.told?.();
      else {
        const waiting = pending.get(notice.id);
        if (waiting === undefined) throw new Error("The program is not deterministic: it did not ask the same again");
        pending.delete(notice.id);
        const { operation, answer, fail } = waiting;
        if (operation.fault === undefined) answer(notice.answer);
        else if (operation.fault === "answer lost") fail(new Error("connection reset"));
      }
      await settle();
    },
  };
}

/** A tick runs when no microtask is left. */
function microtasks(): Promise<void> {
  return new Promise((resolve) => process.nextTick(resolve));
}
