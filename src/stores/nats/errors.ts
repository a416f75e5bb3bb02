/** What the clients' errors say: `nats` 2 has the code of JetStream one level deeper. */
interface NatsError {
  readonly code?: unknown;
  readonly message?: unknown;
  readonly api_error?: { readonly err_code?: unknown };
}

/**
 * JetStream's "wrong last sequence": the key has another revision, or is not there. The second one is of newer servers.
 */
const WRONG_SEQUENCE: readonly unknown[] = [10071, 10164];

/** `undefined` when the key was at another revision; any other error stays one. */
export async function unlessOutdated<T>(write: Promise<T>): Promise<T | undefined> {
  try {
    return await write;
  } catch (error) {
    if (WRONG_SEQUENCE.includes(codeOf(error))) return undefined;
    throw error;
  }
}

/** JetStream's "message size exceeds maximum allowed". */
const TOO_LARGE = 10054;

/**
 * The error to throw when nothing was written for certain: JetStream said no, or the client did before it sent
 * anything. `undefined` for a timeout or a lost connection.
 */
export function refusal(error: unknown, key: string): unknown {
  if (codeOf(error) === TOO_LARGE || isTooLarge(error as NatsError | undefined)) {
    const message = `Cannot store session ${key}: NATS takes values up to the server's max_payload (1 MB by default) and the bucket's maxValueSize; keep less in the session, or the bulk of it elsewhere`;
    return new RangeError(message, { cause: error });
  }
  return typeof codeOf(error) === "number" ? error : undefined;
}

function codeOf(error: unknown): unknown {
  const { code, api_error: inner } = (error ?? {}) as NatsError;
  return inner?.err_code ?? code;
}

function isTooLarge(error: NatsError | undefined): boolean {
  return error?.code === "MAX_PAYLOAD_EXCEEDED" || /max_payload/.test(String(error?.message));
}
