import type { MigrationSource, OldSession } from "../migration.ts";
import type { Awaitable } from "../platform/awaitable.ts";
import { fromBase64, textOf, unsigned } from "./crypto.ts";
import { decoded, objectOf, type SourceOptions, secretsOf, source } from "./source.ts";

/** The data of an old session. */
export type RouterData = Record<string, unknown>;

/** Options of {@link reactRouter}. */
export interface ReactRouterOptions extends SourceOptions<RouterData> {
  /** Default `__session`. */
  readonly name?: string;
  /** What the old cookie has as `secrets`. */
  readonly secrets: string | readonly string[];
  /**
   * `readData` and `deleteData` of `createSessionStorage`, where the cookie is an id. Default: the cookie is the
   * session.
   */
  readonly storage?: {
    readData(id: string): Awaitable<unknown>;
    deleteData(id: string): Awaitable<unknown>;
  };
}

/** Options of {@link remixSession}. */
export interface RemixSessionOptions extends SourceOptions<RouterData> {
  /** Of the old cookie. */
  readonly name: string;
  /** What the old cookie has as `secrets`. */
  readonly secrets: string | readonly string[];
  /** The session storage of the old application, unless it is its cookie storage. */
  readonly storage?: { read(cookie: string): Awaitable<unknown>; save(session: never): Awaitable<unknown> };
}

/**
 * Sessions of React Router 7 and 8 and of Remix 2, in the cookie or behind an id. Flash messages come as
 * `__flash_key__`.
 * @throws TypeError when the secrets are none: an unsigned cookie is no proof of anything
 */
export function reactRouter(options: ReactRouterOptions): MigrationSource<RouterData> {
  const { name = "__session", storage } = options;
  const secrets = secretsOf("secrets", options.secrets);
  return source("react-router", options, {
    cookies: [name],
    async read(values) {
      const payload = await signedPayload(values[name], secrets);
      if (payload === undefined) return undefined;
      const id = storage && idOf(payload.text);
      if (storage && id === undefined) return undefined;
      const load = async () => sessionOf(storage ? await storage.readData(id as string) : objectOf(payload.text));
      return { proof: id ?? payload.proof, load };
    },
    ...(storage && { end: (id) => storage.deleteData(id) }),
  });
}

/**
 * Sessions of Remix 3 (`@remix-run/session`), in the cookie or in a session storage.
 * @throws TypeError when the secrets are none: an unsigned cookie is no proof of anything
 */
export function remixSession(options: RemixSessionOptions): MigrationSource<RouterData> {
  const { name, storage } = options;
  const secrets = secretsOf("secrets", options.secrets);
  return source("@remix-run/session", options, {
    cookies: [name],
    async read(values) {
      const payload = await signedPayload(values[name], secrets);
      if (payload === undefined) return undefined;
      const { text } = payload;
      if (!storage) return { proof: payload.proof, load: () => sessionOf(tupleOf(objectOf(text)?.d)[0]) };
      return { proof: text, load: () => stored(storage, text) };
    },
    ...(storage && { end: (id) => ended(storage, id) }),
  });
}

type RemixStorage = NonNullable<RemixSessionOptions["storage"]>;

/** For an id that it does not know the storage makes an empty session, of another id or of this one. */
async function stored(storage: RemixStorage, id: string): Promise<OldSession<RouterData> | undefined> {
  const session = (await storage.read(id)) as { id?: unknown; data?: unknown } | null;
  return session?.id === id ? sessionOf(tupleOf(session.data)[0]) : undefined;
}

async function ended(storage: RemixStorage, id: string): Promise<void> {
  const session = (await storage.read(id)) as { destroy(): void };
  session.destroy();
  await storage.save(session as never);
}

function sessionOf(data: unknown): OldSession<RouterData> | undefined {
  return typeof data === "object" && data !== null ? { data: { ...data } } : undefined;
}

function tupleOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

/** The id that a cookie of React Router holds as JSON. */
function idOf(json: string): string | undefined {
  return /^"[\w.~-]{1,200}"$/.test(json) ? json.slice(1, -1) : undefined;
}

/** What `base64(text).signature` holds. */
async function signedPayload(
  value: string | undefined,
  secrets: readonly string[],
): Promise<{ text: string; proof: string } | undefined> {
  const proof = value === undefined ? undefined : await unsigned(decoded(value), secrets);
  const text = proof === undefined ? undefined : textOf(fromBase64(proof));
  return proof === undefined || text === undefined ? undefined : { text, proof };
}
