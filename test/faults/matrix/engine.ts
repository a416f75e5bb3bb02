import type { SessionStore } from "@sojourn/session";
import type { Service } from "../../services.ts";
import type { NetworkProxy } from "../../support/proxy.ts";

export const faultNames = ["killed", "cut", "slow", "full", "disk full", "read-only"] as const;
export type FaultName = (typeof faultNames)[number];

type Step = () => unknown | Promise<unknown>;
/** What begins a fault, and what ends it. */
export type Faults = Partial<Record<FaultName, readonly [begin: Step, end: Step]>>;

/** A store on its engine, and what can be done to that. */
export interface OpenedEngine {
  readonly store: SessionStore;
  /** Begins a fault; the result ends it. */
  begin(fault: FaultName): Promise<Step>;
  close(): Promise<unknown>;
}

/** An engine of the test's own, and its store. */
export interface MatrixEngine {
  readonly name: string;
  readonly needs: Service | readonly Service[];
  /** Faults that it cannot have, or that this machine cannot give it, with the reason. */
  readonly without: Partial<Record<FaultName, string>>;
  /** Where the three requests must get more than an honest error. */
  readonly expected?: Partial<Record<FaultName, readonly string[]>>;
  open(fault: FaultName): Promise<OpenedEngine>;
}

export function opened(store: SessionStore, faults: Faults, close: () => Promise<unknown>): OpenedEngine {
  return {
    store,
    async begin(fault) {
      const [begin, end] = faults[fault] ?? [];
      if (!begin) throw new Error(`Nothing says how to begin "${fault}"`);
      await begin();
      return () => end?.();
    },
    close,
  };
}

/** What a proxy does to a network. */
export function network(proxy: NetworkProxy): Faults {
  return { cut: [() => proxy.cut(), () => {}], slow: [() => proxy.delay(200), () => {}] };
}
