import type { SessionErrorCode } from "./errors.ts";

/**
 * What happened to a session, for logs, metrics and alarms. `handle` and `subject` where they are known; never a token,
 * never data.
 */
export type SessionEvent = {
  readonly handle?: string | undefined;
  readonly subject?: string | undefined;
} /** A visitor's first write was stored. */ & (
  | { readonly type: "created" }
  /** `renew()`: a new token, the old one dead. */
  | { readonly type: "renewed" }
  /** Periodic rotation: a new token, the old one led to it for the time of grace. */
  | { readonly type: "rotated" }
  | { readonly type: "signed_in" }
  /** `destroy()`. */
  | { readonly type: "destroyed" }
  /** `revoke()` or `revokeAll()`. */
  | { readonly type: "revoked" }
  /** Ended by a newer sign-in, because of `maxPerSubject`. */
  | { readonly type: "evicted" }
  /** A request came with a session that had passed a limit. */
  | { readonly type: "expired"; readonly limit: "idle" | "absolute" }
  /** The session was ended while a request was on its way, and what that request wrote was not stored. */
  | { readonly type: "changes_dropped"; readonly changes: number }
  /** Another process changed the session first; the changes were applied anew. */
  | { readonly type: "conflict_retried"; readonly attempt: number }
  /** A rotated token came after its time of grace: a copy of it is about (OWASP Session Management: renewal). */
  | { readonly type: "token_reused"; readonly revoked: boolean }
  /** The store, or the cookie, held something under a good key that is not a session of ours. */
  | { readonly type: "record_rejected" }
  | {
      readonly type: "store_failed";
      readonly operation: string;
      readonly code: Extract<SessionErrorCode, "store_failed" | "store_timeout">;
      readonly cause: unknown;
    }
);
