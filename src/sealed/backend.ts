import type { Backend } from "../backend.ts";
import { SessionError } from "../errors.ts";
import { keepSealed, saveSealed } from "./commit.ts";
import { findSealed, type SealedContext, type SealedFound } from "./finder.ts";

/**
 * The session inside its cookie. What a request carried is all that is known of it; the revocation list, if there is
 * one, says what was ended.
 */
export function createSealedBackend(context: SealedContext): Backend<SealedFound> {
  return {
    find: (header, cookie, now) => findSealed(context, header, cookie, now),
    keep: (state, deliverable) => keepSealed(context, state, deliverable),
    save: (state, deliverable) => saveSealed(context, state, deliverable),
    list: notSupported,
    revoke: notSupported,
    revokeAll: notSupported,
    sweep: async () => context.revocations?.sweep() ?? 0,
  };
}

async function notSupported(): Promise<never> {
  throw new SessionError(
    "not_supported",
    "A sealed session exists in its cookie alone: to list or revoke needs a store",
  );
}
