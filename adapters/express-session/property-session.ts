import type { SessionCookie } from "./session-cookie.ts";

/** A Node callback: called with an error, or with nothing. */
export type Done = (error?: unknown) => void;

/** What the methods of a session do; the request that it belongs to. */
export interface Owner {
  readonly id: string | undefined;
  save(): Promise<void>;
  regenerate(keep: readonly string[]): Promise<void>;
  reload(): Promise<void>;
  destroy(): Promise<void>;
}

/**
 * `req.session` as express-session has it: the data are own properties, the methods are on the prototype. Each method
 * takes a callback and returns the session, or returns a promise where it is given none.
 */
export class PropertySession {
  /** How long this session lives, and how its cookie is sent. */
  cookie: SessionCookie;
  readonly #owner: Owner;

  /** Made by the middleware, one for each request. */
  constructor(owner: Owner, cookie: SessionCookie) {
    this.#owner = owner;
    this.cookie = cookie;
  }

  /** Public name of the session, for lists and logs; it opens nothing. The same as `req.sessionID`. */
  get id(): string | undefined {
    return this.#owner.id;
  }

  /** Stores the session now. Without it the session is stored before the response leaves. */
  save(done?: Done): this | Promise<void> {
    return this.#answer(this.#owner.save(), done);
  }

  /** An empty session with a new id in place of this one, whose id opens nothing from then on. */
  regenerate(done?: Done): this | Promise<void> {
    return this.renew([], done);
  }

  /** A new session that keeps the given keys; behind `regenerate`. */
  protected renew(keep: readonly string[], done: Done | undefined): this | Promise<void> {
    return this.#answer(this.#owner.regenerate(keep), done);
  }

  /** Reads the session from the store, into a new `req.session`; what was not saved is dropped. */
  reload(done?: Done): this | Promise<void> {
    return this.#answer(this.#owner.reload(), done);
  }

  /** Ends the session, also for requests in flight. */
  destroy(done?: Done): this | Promise<void> {
    return this.#answer(this.#owner.destroy(), done);
  }

  /** Starts the time to live anew, which each request does. */
  touch(done?: Done): this {
    return this.resetMaxAge(done);
  }

  /** Gives `cookie.maxAge` back its original value. */
  resetMaxAge(done?: Done): this {
    this.cookie.maxAge = this.cookie.originalMaxAge;
    if (done) process.nextTick(done);
    return this;
  }

  #answer(work: Promise<void>, done: Done | undefined): this | Promise<void> {
    callBack(work, done);
    return typeof done === "function" ? this : work;
  }
}

/** Hands the outcome to a callback, if there is one. */
export function callBack(work: Promise<void>, done: Done | undefined): void {
  // Outside of the promise, so that what the callback throws is an uncaught exception, as in any Node callback. Without
  // a callback nobody need wait for the promise: an unhandled rejection would end the process.
  const settle = typeof done === "function" ? (error?: unknown) => process.nextTick(done, error) : () => {};
  work.then(() => settle(), settle);
}

/** The key under which a session keeps what was set on its own cookie, as a record of express-session does. */
export const COOKIE_KEY = "cookie";

/** Names that are no keys of the data: those of the prototype, and `cookie`. */
export function isReserved(key: string, { prototype }: typeof PropertySession): boolean {
  return key === COOKIE_KEY || key in prototype;
}

/** A context, or a request, whose session has properties, for declarations of your own. */
export interface WithProperties<Data extends object = Record<string, unknown>> {
  /** The session of the request. */
  session: PropertySession & Partial<Data>;
}
