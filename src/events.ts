import { reasonOf, type SessionError, type SessionErrorCode } from "./errors.ts";

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
  /** `previous`: the handle of the session that it took the place of, where there was one. */
  | { readonly type: "signed_in"; readonly previous?: string | undefined }
  /** `signOut()`: the session of the handle ended. What goes on as a visitor's is a new one. */
  | { readonly type: "signed_out" }
  /** `destroy()`. */
  | { readonly type: "destroyed" }
  /** `revoke()` or `revokeAll()`. */
  | { readonly type: "revoked" }
  /** Ended by a newer sign-in, because of `maxPerSubject`. `by`: the handle of the session that it made. */
  | { readonly type: "evicted"; readonly by?: string | undefined }
  /** A request came with a session that had passed a limit. */
  | { readonly type: "expired"; readonly limit: "idle" | "absolute" }
  /** The session was ended while a request was on its way, and what that request wrote was not stored. */
  | { readonly type: "changes_dropped"; readonly changes: number }
  /** Another process changed the session first; the changes were applied anew. */
  | { readonly type: "conflict_retried"; readonly attempt: number }
  /** A rotated token came after its time of grace: a copy of it is about (OWASP Session Management: renewal). */
  | { readonly type: "token_reused"; readonly revoked: boolean }
  /**
   * A live session was first read after its response had left with a Cache-Control of the handler's own that lets
   * shared caches keep it. Had the session been read before, the response would say `Vary: Cookie`.
   */
  | { readonly type: "read_after_response" }
  /** A session was changed after its response, which threw `session_committed`. */
  | { readonly type: "write_after_response" }
  /** A well-formed token that leads nowhere: a session that is long over, a store that was lost, or guessing. */
  | { readonly type: "unknown" }
  /** The session of another library was taken over; `age` in milliseconds, as far as it is known. */
  | { readonly type: "migrated"; readonly source: string; readonly age: number }
  /** The application's `adopt` threw or gave nonsense, or the old record could not be ended. */
  | {
      readonly type: "migration_failed";
      readonly source: string;
      readonly step: "adopt" | "end";
      readonly message: string;
    }
  /** The data of a session did not fit the schema; the session goes on without it (`onInvalid: "reset"`). */
  | { readonly type: "data_reset" }
  /**
   * A page of another origin sent a request that may change something, and got an empty session or a 403. `origin` and
   * `site` are its headers: anybody can write them.
   */
  | { readonly type: "foreign_request"; readonly origin: string | undefined; readonly site: string | undefined }
  /** The store, or the cookie, held something under a good key that is not a session of ours. */
  | { readonly type: "record_rejected" }
  | {
      readonly type: "store_failed";
      readonly operation: string;
      readonly code: Extract<SessionErrorCode, "store_failed" | "store_timeout">;
      /** The name, the message and the code of what the store threw. */
      readonly reason: { readonly name: string; readonly message: string; readonly code?: string };
      /**
       * What the store threw. Not enumerable, so that neither JSON nor an inspector shows it: an engine's error may
       * hold the command with the whole session.
       */
      readonly cause: unknown;
    }
);

/** The event of an operation of a store that failed. */
export function storeFailed(operation: string, error: SessionError): SessionEvent {
  const { name, message, code } = reasonOf(error.cause ?? error);
  const reason = { name, message, ...(code !== undefined && { code }) };
  const event = { type: "store_failed", operation, code: error.code, reason };
  return Object.defineProperty(event, "cause", { value: error.cause }) as unknown as SessionEvent;
}
