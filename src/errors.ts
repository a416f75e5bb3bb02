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
 * Which HTTP status answers a request that ended in each error (RFC 9110, section 15). 500 where the application is to
 * be mended; the others are for the client to act on.
 */
const STATUS: Readonly<Record<SessionErrorCode, number>> = {
  session_committed: 500,
  session_destroyed: 500,
  session_conflict: 409,
  session_unavailable: 503,
  store_failed: 503,
  store_timeout: 503,
  value_not_storable: 500,
  not_supported: 500,
  cookie_undeliverable: 500,
  cookie_too_large: 413,
};

/**
 * An error that a caller may want to catch, told apart by its `code`. `cause` keeps what the store or the codec threw.
 */
export class SessionError extends Error {
  /** Always `"SessionError"`. */
  override readonly name = "SessionError";
  /** What happened; stable, for `switch`. */
  readonly code: SessionErrorCode;
  /** The HTTP status for it. Express, Koa, Fastify and h3 look at this field. */
  readonly status: number;

  /** The message gets a link to what to do about the code. */
  constructor(code: SessionErrorCode, message: string, options?: { cause?: unknown }) {
    super(`${message} (see https://github.com/sojourn-dev/session/blob/main/docs/errors.md#${code})`, options);
    this.code = code;
    this.status = STATUS[code];
  }
}
