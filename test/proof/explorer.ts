import { type Behaviour, type Moment, nameOf, type Pending } from "./behaviour.ts";

/*
 * An exhaustive explorer of orders. Whatever the machines of a program ask of a store becomes a pending operation; the
 * explorer lets one take effect, the machine gets its answer and asks for the next. A state is the sequence of choices
 * that led to it, and each sequence is run from the start: the operations on the store, that is, while a machine need
 * not run for answers that it got before (behaviour.ts). Sleep sets (Godefroid, 1996) leave out the sequences that only
 * reorder operations which commute, and what follows from a state is tried once, however it was reached. What remains is
 * at least one execution for everything that can come of an order.
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

/** One order, as far as it went. */
export interface Execution {
  /** What took effect so far. */
  readonly steps: readonly Step[];
  /** The operations in the order of their effects, as `actor.index`: what {@link replay} takes. */
  readonly order: readonly string[];
  /** Whether the planned fault happened. */
  readonly faulted: boolean;
}

/** Something to explore. */
export interface Program {
  readonly machines: readonly Behaviour[];
  /** Puts what the operations work on back to what it was at first. */
  reset(): void;
  /** What the operations work on, as a text: where it is the same, the same can happen. */
  state(): string;
  /** Throws when something is wrong with what came of the machines. It may change what the operations work on. */
  judge(outcomes: readonly unknown[], execution: Execution): void | Promise<void>;
  /**
   * Machines that do the same, as groups: an execution is the same as the one in which two of a group have changed
   * places, and only that is tried in which they first write in the order of the group.
   */
  readonly alike?: readonly (readonly number[])[];
}

export interface Counts {
  /** Executions that ran to their end and were judged. */
  executions: number;
  /** Executions that were given up, since what would follow was tried already. */
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

/** A state from which something was tried. */
interface Fork {
  readonly enabled: readonly number[];
  /** What need not be tried here: it was tried earlier, and all that happened since commutes with it. */
  readonly sleep: readonly number[];
  readonly tried: number[];
  chosen: number;
}

/** Beyond it something asks for ever. */
const MAX_STEPS = 1_000;

/**
 * Tries every order; without `reduce` also those that can make no difference. Throws an {@link OrderError} for the first
 * that is wrong.
 */
export async function explore(program: Program, { reduce = true } = {}): Promise<Counts> {
  const counts: Counts = { executions: 0, redundant: 0, longest: 0, faulted: 0 };
  const stack: Fork[] = [];
  const judged = new Set<string>();
  const visited = new Map<string, (readonly number[])[]>();
  do {
    const run = createRun(program);
    await run.begin();
    let sleep: readonly number[] = [];
    for (let depth = 0; ; depth++) {
      let fork = stack[depth];
      if (fork === undefined) {
        const enabled = run.enabled();
        const first = enabled.find(({ operation }) => !sleep.includes(operation.id))?.operation;
        if (first === undefined) {
          if (enabled.length === 0) await judge(run, counts, judged);
          else counts.redundant++;
          break;
        }
        if (reduce && wasTried(visited, run.state(), sleep)) {
          counts.redundant++;
          break;
        }
        fork = { enabled: enabled.map(({ operation }) => operation.id), sleep, tried: [], chosen: first.id };
        stack.push(fork);
      }
      const chosen = run.pending(fork.chosen);
      if (depth === stack.length - 1 && reduce) {
        sleep = [...fork.sleep, ...fork.tried].filter((id) => commute(run.pending(id), chosen));
      }
      const taken = run.take(chosen);
      if (taken) await taken;
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
    const chosen = run.enabled().find(({ operation }) => nameOf(operation) === name);
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

/** Where the same came of the machines, and the same is stored, it was judged already. */
async function judge(run: Run, counts: Counts, judged = new Set<string>()): Promise<void> {
  counts.executions++;
  counts.longest = Math.max(counts.longest, run.execution.steps.length);
  if (run.execution.faulted) counts.faulted++;
  const state = run.state();
  if (judged.has(state)) return;
  judged.add(state);
  try {
    await run.judge();
  } catch (error) {
    throw new OrderError(run.execution, error);
  }
}

/**
 * Whether all that is to be tried from a state was tried already: it was there before, and no more slept then than now.
 * If not, it will be.
 */
function wasTried(visited: Map<string, (readonly number[])[]>, state: string, sleep: readonly number[]): boolean {
  const before = visited.get(state) ?? [];
  if (before.some((slept) => slept.every((id) => sleep.includes(id)))) return true;
  visited.set(state, [...before, sleep]);
  return false;
}

/** Turns the last choice that has an alternative to it; false when there is none left. */
function backtrack(stack: Fork[]): boolean {
  for (let fork = stack.at(-1); fork !== undefined; fork = stack.at(-1)) {
    const { enabled, sleep, tried } = fork;
    tried.push(fork.chosen);
    const next = enabled.find((id) => !sleep.includes(id) && !tried.includes(id));
    if (next !== undefined) {
      fork.chosen = next;
      return true;
    }
    stack.pop();
  }
  return false;
}

/** Whether two operations that may both be next lead from here to the same, whichever is first. */
function commute({ machine, operation: a }: Choice, { machine: another, operation: b }: Choice): boolean {
  if (machine === another) return false;
  if (a.isGlobal || b.isGlobal) return false;
  if (a.isRead() && b.isRead()) return true;
  if (a.key === undefined) return !b.changesIndex();
  if (b.key === undefined) return !a.changesIndex();
  return a.key !== b.key;
}

/** A pending operation, and the machine that waits for it. */
interface Choice {
  readonly machine: number;
  readonly operation: Pending;
}

type Run = ReturnType<typeof createRun>;

function createRun({ machines, alike = [], ...program }: Program) {
  const steps: Step[] = [];
  const order: string[] = [];
  const moments: Moment[] = [];
  /** Machines that wrote. */
  const wrote = new Set<number>();

  const execution: Execution = {
    steps,
    order,
    get faulted() {
      return moments.some(({ faulted }) => faulted);
    },
  };

  /** Of machines that do the same, the earlier one writes first, or never. */
  function mayRun({ machine, operation }: Choice): boolean {
    const group = alike.find((machines) => machines.includes(machine));
    if (group === undefined || operation.isRead()) return true;
    return group.every((other) => other >= machine || wrote.has(other) || moments[other]!.pending.length === 0);
  }

  function all(): Choice[] {
    return moments.flatMap(({ pending }, machine) => pending.map((operation) => ({ machine, operation })));
  }

  function arrive(machine: number, moment: Moment): void {
    moments[machine] = moment;
    steps.push(...moment.lost);
  }

  return {
    execution,
    async begin() {
      program.reset();
      for (const [machine, behaviour] of machines.entries()) arrive(machine, await behaviour.begin());
    },
    judge: () =>
      program.judge(
        moments.map(({ outcome }) => outcome),
        execution,
      ),
    state: () => [program.state(), [...wrote].sort(), ...moments.map(({ name }) => name)].join("\n"),
    enabled: () => all().filter(mayRun),
    pending: (id: number): Choice => all().find(({ operation }) => operation.id === id) as Choice,
    /** A promise only where a machine has to run. */
    take({ machine, operation }: Choice): void | Promise<void> {
      if (steps.length >= MAX_STEPS) throw new OrderError(execution, `More than ${MAX_STEPS} operations`);
      const { actor, name, key, asked = [], fault } = operation;
      order.push(nameOf(operation));
      if (!operation.isRead()) wrote.add(machine);
      const answer = operation.effect();
      steps.push({ actor, name, key, asked, answer, fault });
      const next = machines[machine]!.after(moments[machine]!, operation, answer);
      if (operation.isGlobal) return this.tell(machine, next);
      if (next instanceof Promise) return next.then((moment) => arrive(machine, moment));
      arrive(machine, next);
    },
    /** All of them notice what is global. */
    async tell(chosen: number, next: Moment | Promise<Moment>): Promise<void> {
      arrive(chosen, await next);
      for (const [machine, behaviour] of machines.entries())
        if (machine !== chosen) arrive(machine, await behaviour.told(moments[machine]!));
    },
  };
}
