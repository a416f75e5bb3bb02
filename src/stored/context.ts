import type { Settings } from "../rules/options.ts";
import type { SessionStore } from "../store.ts";
import { createQueues, type InTurn } from "./commit-queue.ts";
import { createDecoder, type Decoder } from "./decoder.ts";
import { type GuardedStore, guardStore } from "./guarded-store.ts";

/** What every step of finding, committing and ending sessions works with. Made once for each `createSessions`. */
export interface Context {
  readonly settings: Settings;
  /** The store, with every fault a `SessionError`. Call an optional method only where `can` says so. */
  readonly store: GuardedStore;
  /** Which optional methods the store has. */
  readonly can: { readonly touch: boolean; readonly keysOf: boolean; readonly sweep: boolean };
  readonly decoder: Decoder;
  readonly inTurn: InTurn;
}

export function createContext(store: SessionStore, settings: Settings): Context {
  return {
    settings,
    store: guardStore(store, settings),
    can: { touch: !!store.touch, keysOf: !!store.keysOf, sweep: !!store.sweep },
    decoder: createDecoder(settings.codec),
    inTurn: createQueues(),
  };
}
