import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

export type Kind = "create" | "read" | "count" | "write" | "sign in" | "renew" | "destroy";
export type Seen = Readonly<Record<string, unknown>>;

/** One operation, as the process that did it wrote it down. */
export interface Operation {
  readonly client: string;
  readonly n: number;
  readonly kind: Kind;
  /** The session it was meant for; every session carries its id in its data. */
  readonly id: string;
  /** The cookie it was sent with. */
  readonly token?: string | undefined;
  /** What a `write` wrote: each client counts its own up. */
  readonly value?: number | undefined;
  /** Nanoseconds on the machine's clock. */
  readonly start: number;
  /** Infinity: the process was killed meanwhile, and nobody knows. */
  readonly end: number;
  readonly outcome: "ok" | "error" | "unknown";
  /** What the handler saw before it changed anything; `undefined`: it did not run, or nobody knows. */
  readonly saw?: Seen | undefined;
  /** The cookie that was given in the answer. */
  readonly given?: string | undefined;
  /** Of an error. */
  readonly code?: string | undefined;
  readonly events: readonly string[];
}

type Line = Partial<Operation> & { client: string; n: number; at: "start" | "end"; time: number };

/** All operations of all processes of a run, or of one, in the order of their starts. */
export function readHistory(folder: string, process?: string): Operation[] {
  const operations = new Map<string, Operation>();
  for (const file of readdirSync(folder).filter((name) =>
    name.endsWith(process === undefined ? ".jsonl" : `${process}.jsonl`),
  )) {
    const lines = readFileSync(join(folder, file), "utf8").split("\n");
    // What stands after the last newline is nothing, or what a killed process did not finish writing.
    for (const text of lines.slice(0, -1)) {
      const { at, time, ...line } = JSON.parse(text) as Line;
      const name = `${line.client} ${line.n}`;
      const before = operations.get(name);
      if (at === "start")
        operations.set(name, {
          end: Number.POSITIVE_INFINITY,
          outcome: "unknown",
          events: [],
          ...line,
          start: time,
        } as never);
      else if (before) operations.set(name, { ...before, ...line, end: time });
    }
  }
  return [...operations.values()].sort((x, y) => x.start - y.start);
}
