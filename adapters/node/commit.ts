/** The commits of a response's sessions, and what becomes of the calls that were held meanwhile. */
import type { SessionHeaders } from "../../src/index.ts";
import { HELD, type HeldResponse, isSent, setStatus, statusOf, type Waiting } from "./held-response.ts";
import { unsealHead } from "./own-head.ts";
import { startOver } from "./response-headers.ts";
import { emitDrain } from "./taken-over.ts";

/** What went wrong, and who decides about the answer. */
type Failure = Pick<Waiting, "fail"> & { readonly error: unknown };

/** From the innermost session outwards; `undefined` when all are done already. Resolves with the failure. */
export function commitAll(
  waiting: Waiting,
  additions: SessionHeaders,
  deliverable: boolean,
): Promise<Failure | undefined> | undefined {
  for (let each: Waiting | undefined = waiting; each; each = each.outer) {
    const { fail, outer } = each;
    try {
      const committing = each.sessions.commitTo(each.session as never, additions, { deliverable });
      if (committing === undefined) continue;
      return committing.then(
        () => outer && commitAll(outer, additions, deliverable),
        (error) => ({ error, fail }),
      );
    } catch (error) {
      // Not at once: until the handler had its turn, what it writes still belongs to the response that is thrown away
      return Promise.resolve({ error, fail });
    }
  }
  return undefined;
}

/** Lets the held calls go when the commits are done, or gives the answer to whoever decides about it. */
export async function settle(response: HeldResponse, committing: Promise<Failure | undefined>): Promise<void> {
  const failure = await committing;
  if (failure) abandon(response, failure);
  else release(response);
}

function release(response: HeldResponse): void {
  const held = response[HELD];
  const { calls = [], began } = held;
  unsealHead(response);
  // A status that is set after the head has left changes nothing, but it can be read
  const late = statusOf(response);
  if (began) setStatus(response, began);
  const [first, ...rest] = calls;
  try {
    first?.();
    if (isChanged(began, late)) setStatus(response, late);
    for (const call of rest) call();
  } catch (error) {
    // What Node refuses although it could be held. The handler has returned, so that nobody is left to catch this.
    if (isSent(response)) response.destroy(error as Error);
    else abandon(response, { error, fail: held.waiting.fail });
    return;
  }
  if (held.drains && !held.ended) emitDrain(response);
}

function isChanged(
  began: ReturnType<typeof statusOf> | undefined,
  { statusCode, statusMessage }: ReturnType<typeof statusOf>,
): boolean {
  return began?.statusCode !== statusCode || began.statusMessage !== statusMessage;
}

function abandon(response: HeldResponse, { error, fail }: Failure): void {
  const held = response[HELD];
  unsealHead(response);
  for (const source of held.sources ?? []) {
    source.unpipe(response);
    // Not at once: `pipeline` would take the response down with its source, before there is an answer
    response.once("close", () => source.destroy?.());
  }
  // A handler that still writes by hand meets an ended response: that is no reason to end the process
  response.on("error", () => {});
  if (!isSent(response)) startOver(response, held);
  try {
    fail(error);
  } catch (failure) {
    // Nobody answers and nobody is left to catch it: the client shall not wait, and the process shall not end
    response.destroy();
    process.emitWarning(
      new Error("A session could not be committed, and the error found no handler", { cause: failure ?? error }),
    );
  }
}
