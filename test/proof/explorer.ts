/*
 * An exhaustive explorer of orders. A program starts actors (requests in processes of their own); whatever an actor
 * asks of a store becomes a pending operation, and nothing else happens until the explorer lets one take effect. Its
 * answer is delivered at once and the actor runs to its next operation, so that a state is the sequence of choices that
 * led to it. Each sequence is executed anew from the start (stateless search), and sleep sets (Godefroid, 1996) leave
 * out the sequences that only reorder operations which commute: what remains is at least one execution of every order
 * that can make a difference.
 */

/** Something that an actor asks for. */
export interface Operation {
  /** Who asks. Operations of one actor never commute. */
  readonly actor: number;
  /** For the story, such as `update`. */
  readonly name: string;
  /** The entry that it concerns; `undefined` is the index of subjects. */
  readonly key: string | undefined;
  /** Whether it would leave everything as it is, taking effect now. An update at an outdated version is a read, too. */
  isRead(): boolean;
  /** Whether it would change what a subject's list shows, taking effect now. */
  changesIndex(): boolean;
  /** Carries it out and gives the answer. */
  effect(): unknown;
  /** What was asked, for the story. */
  readonly asked?: readonly unknown[];
  /** It commutes with nothing, as time that passes. */
  readonly isGlobal?: boolean;
}

/** What goes wrong with one operation. */
export type Fault =
  /** The actor's process ends before the operation is sent. */
  | "crash before"
  /** The operation takes effect, and the actor's process ends before the answer arrives. */
  | "crash after"
  /** The operation never takes effect and the store says so. */
  | "failed"
  /** The operation takes effect, and the connection is lost before the answer arrives. */
  | "answer lost"
  /** The actor gives up waiting, and the operation takes effect at any later moment. */
  | "late";

export const FAULTS: readonly Fault[] = ["crash before", "crash after", "failed", "answer lost", "late"];

/** The `index`-th operation of `actor`, counted from 0, goes wrong. */
export interface FaultPlan {
  readonly actor: number;
  readonly index: number;
  readonly fault: Fault;
}

/** One thing that took effect. */
export interface Step {
  readonly actor: number;
  readonly name: string;
  readonly key: string | undefined;
  readonly asked: readonly unknown[];
  readonly answer: unknown;
  readonly fault: Fault | undefined;
}

/** What a program sees of one execution. */
export interface Execution {
  /** Called by the actors: the answer comes when the explorer chooses. */
  ask(operation: Operation): Promise<unknown>;
  /** The actor has nothing more to ask. */
  over(actor: number): void;
  /** What took effect so far. */
  readonly steps: readonly Step[];
  /** The operations in the order of their effects, as `actor.index`: what {@link replay} takes. */
  readonly order: readonly string[];
  /** Whether the planned fault happened. */
  readonly faulted: boolean;
}

/** What is called when an execution is over. */
interface Judged {
  finish(): void | Promise<void>;
}

/** Something to explore. */
export interface Program {
  /**
   * Begins an execution. The actors start at once and ask; `finish` is called when none of them has anything to ask any
   * more, and throws when something is wrong.
   */
  start(execution: Execution): Judged | Promise<Judged>;
  /**
   * Actors that do the same, as groups: an execution is the same as the one in which two of a group have changed
   * places, and only that is tried in which they first write in the order of the group.
   */
  readonly alike?: readonly (readonly number[])[];
  readonly fault?: FaultPlan | undefined;
  /** Waits until no actor moves by itself. Default: until all microtasks are done. */
  settle?(): Promise<void>;
  /** Nothing commutes: for actors that share more than the store. */
  readonly ordered?: boolean;
}

export interface Counts {
  /** Executions that ran to their end and were judged. */
  executions: number;
  /** Executions that were given up, for they only reorder what commutes. */
  redundant: number;
  /** The longest execution, in operations. */
  longest: number;
  /** Executions in which the planned fault happened. */
  faulted: number;
}

/** An order in which a promise does not hold. */
export class OrderError extends Error {
  readonly execution: Execution;
  constructor(execution: Execution, cause: unknown) {
    super(cause instanceof Error ? cause.message : String(cause), { cause });
    this.execution = execution;
  }
}

interface Pending extends Operation {
  readonly id: number;
  readonly fault: Fault | undefined;
  answer(value: unknown): void;
  fail(error: unknown): void;
}

interface Node {
  readonly enabled: readonly number[];
  /** What need not be tried here: it was tried earlier, and all that happened since commutes with it. */
  readonly sleep: readonly number[];
  readonly tried: number[];
  chosen: number;
}

/** Ids of an actor's operations: actor × this + index. */
const PER_ACTOR = 1_000_000;
/** Beyond it something asks for ever. */
const MAX_STEPS = 1_000;

/** Tries every order. Throws an {@link OrderError} for the first that is wrong. */
export async function explore(program: Program): Promise<Counts> {
  const counts: Counts = { executions: 0, redundant: 0, longest: 0, faulted: 0 };
  const stack: Node[] = [];
  do {
    const run = createRun(program);
    await run.begin();
    let sleep: readonly number[] = [];
    for (let depth = 0; ; depth++) {
      const enabled = run.enabled();
      let node = stack[depth];
      if (node === undefined) {
        const first = enabled.find(({ id }) => !sleep.includes(id));
        if (first === undefined) {
          if (enabled.length === 0) await judge(run, counts);
          else {
            counts.redundant++;
            await run.abandon();
          }
          break;
        }
        node = { enabled: enabled.map(({ id }) => id), sleep, tried: [], chosen: first.id };
        stack.push(node);
      }
      const chosen = run.pending(node.chosen);
      if (depth === stack.length - 1) {
        sleep = [...node.sleep, ...node.tried].filter((id) => commute(run.pending(id), chosen, program.ordered));
      }
      await run.take(chosen);
    }
  } while (backtrack(stack));
  return counts;
}

/** Runs the one execution in which the operations take effect in the given order. */
export async function replay(program: Program, order: readonly string[]): Promise<Counts> {
  const counts: Counts = { executions: 0, redundant: 0, longest: 0, faulted: 0 };
  const run = createRun(program);
  await run.begin();
  for (const name of order) {
    const chosen = run.enabled().find(({ id }) => nameOf(id) === name);
    if (chosen === undefined) throw new Error(`There is no ${name} after ${run.execution.order.join(" ")}`);
    await run.take(chosen);
  }
  // Where the code is mended there may be more to do than in the order that failed
  for (let [next] = run.enabled(); next !== undefined; [next] = run.enabled()) await run.take(next);
  await judge(run, counts);
  return counts;
}

/**
 * Runs executions whose orders are drawn at random, for programs with more orders than can be tried. `random` gives a
 * number from 0 to below 1.
 */
export async function sample(program: Program, runs: number, random: () => number): Promise<Counts> {
  const counts: Counts = { executions: 0, redundant: 0, longest: 0, faulted: 0 };
  for (let n = 0; n < runs; n++) {
    const run = createRun(program);
    await run.begin();
    for (let enabled = run.enabled(); enabled.length > 0; enabled = run.enabled()) {
      await run.take(enabled[Math.floor(random() * enabled.length)]!);
    }
    await judge(run, counts);
  }
  return counts;
}

async function judge(run: Run, counts: Counts): Promise<void> {
  counts.executions++;
  counts.longest = Math.max(counts.longest, run.execution.steps.length);
  if (run.execution.faulted) counts.faulted++;
  try {
    await run.finish();
  } catch (error) {
    throw new OrderError(run.execution, error);
  }
}

/** Turns the last choice that has an alternative to it; false when there is none left. */
function backtrack(stack: Node[]): boolean {
  for (let node = stack.at(-1); node !== undefined; node = stack.at(-1)) {
    const { enabled, sleep, tried } = node;
    tried.push(node.chosen);
    const next = enabled.find((id) => !sleep.includes(id) && !tried.includes(id));
    if (next !== undefined) {
      node.chosen = next;
      return true;
    }
    stack.pop();
  }
  return false;
}

/** Whether two operations that may both be next lead from here to the same, whichever is first. */
function commute(a: Operation, b: Operation, ordered = false): boolean {
  if (ordered || a.actor === b.actor) return false;
  if (a.isGlobal || b.isGlobal) return false;
  if (a.isRead() && b.isRead()) return true;
  if (a.key === undefined) return !b.changesIndex();
  if (b.key === undefined) return !a.changesIndex();
  return a.key !== b.key;
}

type Run = ReturnType<typeof createRun>;

function createRun(program: Program) {
  const { fault, alike = [], settle = microtasks } = program;
  const pending = new Map<number, Pending>();
  const steps: Step[] = [];
  const order: string[] = [];
  /** How many operations an actor has asked for. */
  const asked: number[] = [];
  /** Actors that wrote, or will not any more. */
  const settled = new Set<number>();
  let faulted = false;
  let abandoned = false;

  const execution: Execution = {
    steps,
    order,
    get faulted() {
      return faulted;
    },
    over: (actor) => void settled.add(actor),
    ask(operation) {
      if (abandoned) return Promise.reject(new Error("given up"));
      const index = asked[operation.actor] ?? 0;
      asked[operation.actor] = index + 1;
      const mine = fault?.actor === operation.actor && fault.index === index ? fault.fault : undefined;
      if (mine !== undefined) faulted = true;
      return new Promise((answer, fail) => {
        const id = operation.actor * PER_ACTOR + index;
        if (mine === "crash before" || mine === "failed") {
          record(operation, undefined, mine);
          if (mine === "failed") fail(new Error("connection refused"));
          return;
        }
        pending.set(id, { ...operation, id, fault: mine, answer, fail });
        if (mine === "late") fail(new Error("connection timed out"));
      });
    },
  };

  function record({ actor, name, key, asked = [] }: Operation, answer: unknown, fault: Fault | undefined): void {
    steps.push({ actor, name, key, asked, answer, fault });
  }

  /** Of actors that do the same, the earlier one writes first. */
  function mayRun(operation: Pending): boolean {
    const { actor } = operation;
    const group = alike.find((actors) => actors.includes(actor));
    if (group === undefined || operation.isRead()) return true;
    return group.every((other) => other >= actor || settled.has(other));
  }

  let judged: Judged;
  return {
    execution,
    async begin() {
      judged = await program.start(execution);
      await settle();
    },
    finish: () => judged.finish(),
    enabled: () => [...pending.values()].filter(mayRun),
    pending(id: number): Pending {
      const found = pending.get(id);
      if (found === undefined) throw new Error("The program is not deterministic: it did not ask the same again");
      return found;
    },
    /** Lets the actors end: what they hold, such as a place in a queue, must not outlive the execution. */
    async abandon(): Promise<void> {
      abandoned = true;
      for (const { fail } of pending.values()) fail(new Error("given up"));
      await settle();
    },
    async take(chosen: Pending): Promise<void> {
      if (steps.length >= MAX_STEPS) throw new OrderError(execution, `More than ${MAX_STEPS} operations`);
      pending.delete(chosen.id);
      order.push(nameOf(chosen.id));
      if (!chosen.isRead()) settled.add(chosen.actor);
      const answer = chosen.effect();
      record(chosen, answer, chosen.fault);
      if (chosen.fault === undefined) chosen.answer(answer);
      else if (chosen.fault === "answer lost") chosen.fail(new Error("connection reset"));
      await settle();
    },
  };
}

function nameOf(id: number): string {
  return `${Math.floor(id / PER_ACTOR)}.${id % PER_ACTOR}`;
}

/** A tick runs when no microtask is left. */
function microtasks(): Promise<void> {
  return new Promise((resolve) => process.nextTick(resolve));
}
