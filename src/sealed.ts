/**
 * Sealed sessions: the whole session, encrypted, in its cookie, and no store. For small sessions that need no list of
 * devices; `docs/sealed-or-stored.md` says what that costs.
 *
 * @example
 * ```ts
 * import { createSessions } from "@sojourn/session";
 * import { sealedCookies } from "@sojourn/session/sealed";
 *
 * const sessions = createSessions({ store: sealedCookies({ keys: [process.env.SESSION_KEY!] }) });
 * ```
 * @module
 */
import type { BackendSource, CreateBackend } from "./backend.ts";
import { boolean, known } from "./option-checks.ts";
import { createSealedBackend } from "./sealed/backend.ts";
import { MAX_COOKIES } from "./sealed/pieces.ts";
import { createRevocations } from "./sealed/revocations.ts";
import { createSealer } from "./sealed/seal.ts";
import type { SessionStore } from "./store.ts";

export { generateKey } from "./sealed/key.ts";

/** Options of {@link sealedCookies}. */
export interface SealedCookiesOptions {
  /**
   * 32 random bytes each, as base64url, base64 or hex: `openssl rand -base64 32`. The first seals, all of them open;
   * what was sealed with any other is no session.
   */
  keys: readonly string[];
  /**
   * How many cookies of about 3.8 kB a session may take, 1 to 10. Default 3, some 8 kB of JSON: that leaves 4.5 kB of
   * Node's limit of 16 kB for all headers to other cookies and headers.
   */
  maxCookies?: number;
  /**
   * Default `false`. Compresses before it encrypts, so that more fits. The length of a cookie then tells what its
   * content repeats: leave it off where a session holds a secret beside text that others choose.
   */
  compress?: boolean;
  /**
   * Any store. Keeps the ids of ended sessions until they would have expired: logout is final then, for one small read
   * with each request that has a session. Default: none.
   */
  revocations?: SessionStore;
}

/**
 * The `store` option for sessions that live in their cookie.
 *
 * @throws TypeError, RangeError for keys that are short or guessable and options that cannot work; `createSessions`
 * throws TypeError for options that need a store: `maxPerSubject`, `rotation.every`
 */
export function sealedCookies(options: SealedCookiesOptions): BackendSource {
  known("sealedCookies", options, ["keys", "maxCookies", "compress", "revocations"]);
  const { keys, maxCookies = 3, revocations } = options;
  const compress = boolean("compress", options.compress);
  if (!(Number.isInteger(maxCookies) && maxCookies > 0 && maxCookies <= MAX_COOKIES)) {
    throw new RangeError(`maxCookies must be 1 to ${MAX_COOKIES}`);
  }
  if (compress && !globalThis.CompressionStream)
    throw new TypeError("compress needs CompressionStream, which this runtime lacks");
  if (revocations !== undefined && typeof revocations?.create !== "function") {
    throw new TypeError("revocations must be a store");
  }
  const sealer = createSealer(keys);
  const createBackend: CreateBackend = (settings) => {
    if (settings.maxPerSubject !== Number.POSITIVE_INFINITY || settings.rotation.every !== false) {
      throw new TypeError(
        "maxPerSubject and rotation.every need a store: sealed cookies are not counted, and an older one still opens",
      );
    }
    return createSealedBackend({
      sealer,
      maxCookies,
      compress,
      revocations: revocations && createRevocations(revocations, settings),
      settings,
    });
  };
  return { createBackend };
}
