import { isDuration, known, must } from "../option-checks.ts";
import type { OwnLimits } from "./state.ts";

/** Options of `session.signIn`. */
export interface SignInOptions {
  /** "Remember me": the cookie outlives the browser. Default: as it is. */
  persistent?: boolean;
  /** Seconds; limits of this session alone, at most those of `createSessions`. */
  lifetime?: { idle?: number; absolute?: number };
}

/** The limits that a sign-in asks for, in milliseconds. */
export function ownLimits(
  asked: SignInOptions["lifetime"],
  of: { readonly idle: number; readonly absolute: number },
): OwnLimits | undefined {
  if (asked === undefined) return undefined;
  known("lifetime", asked, ["idle", "absolute"]);
  const { idle, absolute } = asked;
  for (const [name, value, most] of [
    ["idle", idle, of.idle],
    ["absolute", absolute, of.absolute],
  ] as const) {
    const what = `a number of seconds above 0, at most the ${most / 1000} of createSessions`;
    must(value === undefined || (isDuration(value) && inMs(value) <= most), `lifetime.${name}`, value, what);
  }
  const isOrdered = idle === undefined || absolute === undefined || idle <= absolute;
  must(isOrdered, "lifetime.idle", idle, "at most lifetime.absolute");
  return { idle: idle && inMs(idle), absolute: absolute && inMs(absolute) };
}

function inMs(seconds: number): number {
  return Math.ceil(seconds * 1000);
}
