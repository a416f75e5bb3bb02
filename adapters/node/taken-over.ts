/**
 * What another middleware put on a response before ours, beside the methods of Node's: `compression` has a `flush`, and
 * leads who listens for `drain` to a stream of its own, which knows nothing of calls that are held.
 */
import type { ServerResponse } from "node:http";
import { HELD, type Held, type HeldResponse } from "./held-response.ts";

type Listener = NonNullable<Held["drainListeners"]>[number];
type Flushable = HeldResponse & { flush?(): unknown };

/** What there is of it when a head begins to be held. */
export function takenOver(response: object): Pick<Held, "flush" | "on"> {
  const { flush, on } = response as Flushable;
  return {
    flush: typeof flush === "function" ? flush : undefined,
    on: Object.hasOwn(response, "on") ? on : undefined,
  };
}

/** Puts ours over it. */
export function ownTakenOver(response: HeldResponse): void {
  const { flush, on } = response[HELD];
  if (flush) (response as Flushable).flush = heldFlush;
  if (on) (response as ServerResponse).on = heldOn as typeof on;
}

/** What was written before is still held, so that there is nothing to flush yet. */
function heldFlush(this: HeldResponse): unknown {
  const { calls, flush } = this[HELD];
  if (!calls) return flush?.call(this);
  calls.push(() => flush?.call(this));
  return undefined;
}

function heldOn(this: HeldResponse, event: string, listener: Listener): HeldResponse {
  const held = this[HELD];
  const { on, open } = held;
  if (event === "drain" && !open) {
    held.drainListeners ??= [];
    held.drainListeners.push(listener);
  }
  return on?.call(this, event, listener) as HeldResponse;
}

/** The `drain` that is owed to whom a held `write` returned false. */
export function emitDrain(response: HeldResponse): void {
  const { drainListeners = [] } = response[HELD];
  const reached = response.rawListeners("drain");
  if (!response.writableNeedDrain) response.emit("drain");
  for (const listener of drainListeners) if (!reached.includes(listener)) listener.call(response);
}
