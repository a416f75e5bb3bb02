/** The stable codes of {@link SessionError}; `docs/errors.md` says what to do about each. */
export type SessionErrorCode =
  | "session_committed"
  | "session_destroyed"
  | "session_conflict"
  | "session_unavailable"
  | "store_failed"
  | "store_timeout"
  | "value_not_storable"
  | "data_invalid"
  | "foreign_request"
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
  data_invalid: 500,
  foreign_request: 403,
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

  /** What an inspector prints, see below. */
  static {
    Object.defineProperty(SessionError.prototype, Symbol.for("nodejs.util.inspect.custom"), { value: inspected });
  }
}

/**
 * Whether an error is a {@link SessionError}, and of one of the codes where some are named. By its fields, since a
 * process may hold several copies of this package.
 */
export function isSessionError(error: unknown, ...codes: readonly SessionErrorCode[]): error is SessionError {
  const { name, code } = Object(error) as Partial<SessionError>;
  if (name !== "SessionError" || code === undefined || !Object.hasOwn(STATUS, code)) return false;
  return codes.length === 0 || codes.includes(code);
}

/** Whether it is the store that failed, rather than a caller. */
export function isStoreFailure(error: unknown): error is SessionError {
  return isSessionError(error, "store_failed", "store_timeout");
}

/**
 * What `console.error` prints of a {@link SessionError} on Node, Deno and Bun: the stacks, and no fields of the cause.
 * An engine's error holds whatever its client puts there, the command with the whole session among it.
 */
function inspected(this: SessionError): string {
  const { cause, code, status, stack } = this;
  const reason = cause === undefined ? "" : `, [cause]: ${stackOf(cause)}`;
  return `${stack} { code: ${JSON.stringify(code)}, status: ${status}${reason} }`;
}

function stackOf(cause: unknown): string {
  const { name, message, code, stack } = reasonOf(cause);
  return `${stack ?? `${name}: ${message}`}${code === undefined ? "" : ` (${code})`}`;
}

/** What may be logged of somebody else's error. */
export function reasonOf(cause: unknown): { name: string; message: string; code?: string; stack?: string } {
  const { name, message, code, stack } = Object(cause) as Record<string, unknown>;
  return {
    name: String(name ?? typeof cause),
    message: String(message ?? ""),
    ...((typeof code === "string" || typeof code === "number") && { code: String(code) }),
    ...(typeof stack === "string" && { stack }),
  };
}
