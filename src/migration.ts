/**
 * The contract between sessions and another library's sessions that they take over. `@sojourn/session/migrate` has
 * sources for the libraries that people come from; anything else is an object of this shape.
 */
import type { Awaitable } from "./platform/awaitable.ts";

/** A cookie of another library that proves what it must. */
export interface OldCookie<Old = unknown> {
  /**
   * What only the holder of the old cookie knows, in exactly one spelling: an id, a signed text, an authentication tag.
   * The new token is derived from it, so that parallel first requests derive the same one. Never the whole of a cookie
   * that can be spelled in two ways: after a logout the other spelling would sign in again.
   */
  readonly proof: string;
  /**
   * The session behind it; `undefined` when there is none. Asked only while the session has not been taken over: the
   * cookie may come again, from a browser that never got the answer, when the old record is long gone.
   */
  load(): Awaitable<OldSession<Old> | undefined>;
}

/** A session of another library. */
export interface OldSession<Old = unknown> {
  /** The session as the other library has it. */
  readonly data: Old;
  /** Epoch milliseconds, where it is known; the absolute limit counts from here. */
  readonly createdAt?: number | undefined;
  /** Epoch milliseconds after which the old cookie opens nothing any more. Unknown: `until`, or 400 days. */
  readonly expiresAt?: number | undefined;
}

/** What becomes of an old session. */
export interface Adopted {
  /** Who is signed in; nobody without it. */
  readonly subject?: string | undefined;
  /** The data that is kept. Default none. */
  readonly data?: object | undefined;
  /** Whether the new cookie outlives the browser. Default: the option `persistent` of the sessions. */
  readonly persistent?: boolean | undefined;
}

/**
 * How sessions are taken over. Sources bring it along, so that applications that take over none do not bundle it; the
 * two backends know what each function takes.
 */
export interface TakeOver {
  /** Into a session in a store. */
  readonly stored: (...parameters: never[]) => unknown;
  /** Into a sealed session. */
  readonly sealed: (...parameters: never[]) => unknown;
  /** What an answer says of old cookies, with sessions in a store. */
  readonly storedAnswer: (...parameters: never[]) => unknown;
  /** The same with sealed sessions. */
  readonly sealedAnswer: (...parameters: never[]) => unknown;
}

/** A source for the option `migrateFrom`: made by the functions of `@sojourn/session/migrate`. */
export interface MigrationSource<Old = unknown> extends SourceDefinition<Old> {
  /** Set by `migrationSource` and the functions built on it. */
  readonly takeOver: TakeOver;
}

/** Sessions of another library, to be taken over one by one as their cookies come in. */
export interface SourceDefinition<Old = unknown> {
  /** Names the source in events. */
  readonly name: string;
  /** The cookies to hand to `read`, and to remove once the session is taken over. */
  readonly cookies: readonly string[];
  /**
   * What the values of those cookies prove, as they stand in the Cookie header; `undefined` where that is nothing. Must
   * not throw for anything that a client can send: what it throws means that the old store failed.
   */
  read(values: Readonly<Record<string, string>>): Awaitable<OldCookie<Old> | undefined>;
  /** Who is signed in and which data is kept; `undefined` to leave the session behind. Default: all data, nobody. */
  adopt?(old: Old): Awaitable<Adopted | undefined>;
  /** Ends the old record, by its proof, once its session is taken over. Its failure is an event. */
  end?(proof: string, old: OldSession<Old>): Awaitable<unknown>;
  /** From this moment on the source is ignored. */
  readonly until?: Date | undefined;
  /** Leaves the old cookie and the old record alone, so that a deployment can be rolled back. Default false. */
  readonly keepOld?: boolean | undefined;
  /** The `Path` that the old cookies were set with. Default `/`. */
  readonly path?: string | undefined;
  /** The `Domain` that the old cookies were set with. Default none. */
  readonly domain?: string | undefined;
}
