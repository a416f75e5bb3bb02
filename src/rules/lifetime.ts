/**
 * The rules of time, all in epoch milliseconds, all pure. A session ends by the earlier of two limits, whatever its
 * cookie says.
 */

import type { OwnLimits } from "../session/state.ts";

export interface Lifetime {
  /** How long a session lives without a request (ASVS 7.3.1). */
  readonly idle: number;
  /** How long it lives at all after sign-in, or after its first write (ASVS 7.3.2). */
  readonly absolute: number;
  /**
   * How much of the idle time must have passed before a mere request moves the expiry: most requests then write
   * nothing.
   */
  readonly touchEvery: number;
}

/**
 * How far ahead of ours the clock that made a record may be. Beyond it the record is damaged, or would live for ever.
 */
export const CLOCK_SKEW = 86_400_000;

/** RFC 6265bis, section 5.5: browsers cap a cookie's lifetime at 400 days. */
const MAX_COOKIE_SECONDS = 400 * 86_400;

/**
 * Clocks of servers differ by seconds. What decides over a session that is in use waits so much longer, so that it does
 * not depend on which server a request reaches.
 */
export const CLOCK_LEEWAY = 5_000;

/** The limits of a session: its own where it has some, and never above those of the options. */
export function limitsOf(own: OwnLimits | undefined, lifetime: Lifetime): Lifetime {
  if (own === undefined) return lifetime;
  const idle = Math.min(own.idle ?? lifetime.idle, lifetime.idle);
  const absolute = Math.min(own.absolute ?? lifetime.absolute, lifetime.absolute);
  return { idle, absolute, touchEvery: Math.floor((lifetime.touchEvery * idle) / lifetime.idle) };
}

/**
 * When a session reaches its idle limit. `expiresAt` was set under the limit `writtenUnder`, where that is known; one
 * that was made shorter since holds at once.
 */
export function idleEndOf(expiresAt: number, writtenUnder: number | undefined, idle: number): number {
  return writtenUnder === undefined || writtenUnder <= idle ? expiresAt : expiresAt - writtenUnder + idle;
}

/** Which limit a session has passed, if any. `idleEnd` is the entry's own expiry. */
export function limitPassed(
  idleEnd: number,
  createdAt: number,
  now: number,
  lifetime: Lifetime,
): "idle" | "absolute" | undefined {
  if (now >= createdAt + lifetime.absolute) return "absolute";
  if (now >= idleEnd) return "idle";
  return undefined;
}

/** When the session ends if nobody comes. */
export function endOf(idleEnd: number, createdAt: number, lifetime: Lifetime): number {
  return Math.min(idleEnd, createdAt + lifetime.absolute);
}

export function touchDue(idleEnd: number, now: number, lifetime: Lifetime): boolean {
  return now + lifetime.idle - idleEnd >= lifetime.touchEvery;
}

/** `every` is false, or milliseconds; 0 is every request. */
export function rotationDue(every: number | false, renewedAt: number, now: number): boolean {
  return every !== false && now - renewedAt >= every;
}

/** Seconds to the absolute limit for the cookie of a persistent session, so that a touch never has to send it again. */
export function cookieMaxAge(createdAt: number, now: number, lifetime: Lifetime): number {
  return Math.min(MAX_COOKIE_SECONDS, Math.max(1, Math.ceil((createdAt + lifetime.absolute - now) / 1000)));
}

/** Tombstones stay long enough for every request that was on its way. */
export function tombstoneEnd(now: number, grace: number): number {
  return now + Math.max(grace, 30_000) + CLOCK_LEEWAY;
}
