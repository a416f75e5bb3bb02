/** The stable codes of {@link SessionError}; `docs/errors.md` says what to do about each. */
export type SessionErrorCode =
  | "session_committed"
  | "session_destroyed"
  | "session_conflict"
  | "session_unavailable"
  | "store_failed"
  | "store_timeout"
  | "value_not_storable"
  | "not_supported"
  | "cookie_undeliverable"
  | "cookie_too_large";

/**
 * An error that a caller may want to catch, told apart by its `code`. `cause` keeps what the store or the codec threw.
 */
export class SessionError extends Error {
  /** Always `"SessionError"`. */
  override readonly name = "SessionError";
  /** What happened; stable, for `switch`. */
  readonly code: SessionErrorCode;

  /** The message gets a link to what to do about the code. */
  constructor(code: SessionErrorCode, message: string, options?: { cause?: unknown }) {
    super(`${message} (see https://github.com/sojourn-dev/session/blob/main/docs/errors.md#${code})`, options);
    this.code = code;
  }
}
