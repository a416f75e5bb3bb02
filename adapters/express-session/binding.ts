import {
  type Awaitable,
  addSessionHeaders,
  type HeadersLike,
  type RequestLike,
  type Session,
  SessionError,
  type SessionHeaders,
} from "../../src/index.ts";
import { isSessionError } from "../shared/session-error.ts";
import { lateView } from "./late.ts";
import { type Copies, freeze, pair, put, thaw } from "./patch.ts";
import type { PropertyOptions } from "./property-options.ts";
import { COOKIE_KEY, isReserved, type Owner, type PropertySession } from "./property-session.ts";
import { SessionCookie } from "./session-cookie.ts";
import { type Changes, changesOf, transfer } from "./transfer.ts";

type Data = Record<string, unknown>;

/** Until the object is made. */
const NONE: Copies = new Map();

/** One request's session, and the object of properties that the application changes. */
export class Binding implements Owner {
  readonly options: PropertyOptions;
  readonly #request: RequestLike;
  /** Ours. After `reload()`, and after `generate()` behind `destroy()`, it is another. */
  #session: Session;
  /** Made when it is first asked for. */
  #object: PropertySession | undefined;
  /** The data as the application got it, or as it was saved last; frozen. */
  #before: Data = {};
  #copies: Copies = NONE;
  /** `cookie.originalMaxAge` as the application got it. */
  #maxAge: number | null = null;
  #state: "open" | "unset" | "destroyed" | "committed" = "open";
  /** What a session that was destroyed wants the response to carry. */
  #ended: Headers | undefined;
  /** Whether a response waits for the commit; not in the events of a socket. */
  #answers = true;

  /** With `readOnly` it can be looked at: the session of an error page whose own could not be loaded. */
  constructor(options: PropertyOptions, session: Session, request: RequestLike, readOnly = false) {
    this.options = options;
    this.#session = session;
    this.#request = request;
    if (readOnly) this.#state = "committed";
  }

  /** `req.session` */
  get value(): PropertySession | undefined {
    if (this.#state === "unset" || this.#state === "destroyed") return undefined;
    const object = this.#open();
    return this.#state === "committed" ? lateView(object, this.#session) : object;
  }

  /** `req.session = …`, of which `null` has a meaning: the option `unset`. */
  set value(value: unknown) {
    if (value === null || value === undefined) {
      if (this.#state === "open") this.#state = "unset";
    } else if (value !== this.#object)
      throw new TypeError("Cannot replace req.session: set its properties, or call regenerate() for an empty one");
  }

  /** `req.sessionID` */
  get id(): string | undefined {
    return this.#session.handle;
  }

  #open(): PropertySession {
    if (this.#object) return this.#object;
    this.#before = this.#session.all() as Data;
    this.#copies = new Map();
    const own = this.#before[COOKIE_KEY] as { originalMaxAge?: number | null } | undefined;
    this.#maxAge = own?.originalMaxAge === undefined ? this.options.maxAge : own.originalMaxAge;
    this.#object = new this.options.Session(this, new SessionCookie(this.options, this.#maxAge));
    for (const key of Object.keys(this.#before))
      if (!isReserved(key, this.options.Session)) put(this.#object, key, thaw(this.#before[key], this.#copies));
    return this.#object;
  }

  #reset(session: Session): void {
    this.#session = session;
    this.#object = undefined;
    this.#state = "open";
  }

  /** What the application did to the object is done to the session. */
  #transfer(object: PropertySession): Changes {
    const changes = changesOf(object, this.#before, this.#copies, this.options.Session);
    const set = maxAgeOf(object);
    const maxAge = set === undefined ? this.#maxAge : set;
    const asked = lifetimeOf(maxAge, this.options.idle);
    transfer(this.#session, changes, this.options.subject, { ...asked, persistent: maxAge !== null });
    if (maxAge !== this.#maxAge) this.#setMaxAge(maxAge);
    else if (asked && this.#session.isNew) this.#session.persist(maxAge !== null, asked);
    return changes;
  }

  #setMaxAge(maxAge: number | null): void {
    if (maxAge !== null && maxAge <= 0) this.#session.destroy();
    else {
      const { idle } = this.options;
      const asked =
        lifetimeOf(maxAge, idle) ?? (idle < Number.POSITIVE_INFINITY ? { lifetime: { idle: idle / 1000 } } : {});
      this.#session.persist(maxAge !== null, asked);
      this.#session.set(COOKIE_KEY, { originalMaxAge: maxAge });
    }
    this.#maxAge = maxAge;
  }

  /** No response carries what the session needs, and none ends the request: `save()` stores. */
  expectNoAnswer(): void {
    this.#answers = false;
  }

  /** Stores what was done, before the head of the response leaves, and adds what the response needs to `headers`. */
  commitTo(headers: HeadersLike | SessionHeaders, deliverable: boolean): Awaitable<void> {
    if (deliverable && this.#ended) addSessionHeaders(headers, this.#ended);
    if (this.#state === "destroyed" || this.#state === "committed") return;
    if (this.#state === "unset" && this.options.unset === "destroy") this.#session.destroy();
    if (this.#state === "open") this.#close();
    this.#answers = false;
    this.#state = this.#state === "unset" ? "destroyed" : "committed";
    return this.options.sessions.commitTo(this.#session, headers, { deliverable });
  }

  /** From here on a change throws in strict code. What is frozen is ours: an object that was assigned is not. */
  #close(): void {
    if (this.options.saveUninitialized && this.#session.isNew) this.#begin();
    const object = this.#object;
    if (!object) return;
    try {
      const { data, patches } = this.#transfer(object);
      for (const [key] of patches) if (Object.hasOwn(data, key)) put(object, key, freeze(thaw(data[key], new Map())));
    } finally {
      for (const copy of this.#copies.values()) Object.freeze(copy);
      Object.freeze(object);
    }
  }

  /** Something to store, so that there is a session; not for a request that may not have one. */
  #begin(): void {
    try {
      this.#session.set(COOKIE_KEY, {});
    } catch (error) {
      if (!isSessionError(error, "foreign_request", "session_unavailable")) throw error;
    }
  }

  async save(): Promise<void> {
    const object = this.#open();
    const { data } = this.#transfer(object);
    // What changes from here on differs from this, also while the store writes
    this.#copies = new Map();
    for (const key of Object.keys(data)) pair(data[key], (object as unknown as Data)[key], this.#copies);
    this.#before = data;
    await this.options.sessions.save(this.#session, { deliverable: this.#answers });
  }

  async regenerate(keep: readonly string[]): Promise<void> {
    this.#renew(keep);
  }

  async destroy(): Promise<void> {
    this.#session.destroy();
    this.#state = "destroyed";
    this.#ended = await this.options.sessions.commit(this.#session, { deliverable: this.#answers });
  }

  /** `req.sessionStore.get(id)` */
  async stored(id: string): Promise<Data | undefined> {
    if (id !== this.id) throw notOurs();
    const session = await this.options.sessions.reload(this.#session);
    return session.isNew ? undefined : { ...session.all() };
  }

  /** `req.sessionStore.destroy(id)` */
  async end(id: string): Promise<void> {
    if (id === this.id) return this.destroy();
    const { subject } = this.#session;
    if (subject === undefined || !(await this.options.sessions.revoke(subject, id))) throw notOurs();
  }

  async reload(): Promise<void> {
    const session = await this.options.sessions.reload(this.#session);
    if (session.isNew) throw new Error("failed to load session");
    this.#reset(session);
  }

  /** A new, empty session; also in place of one that this request destroyed. */
  generate(): void {
    if (this.#state !== "destroyed") this.#renew([]);
    else this.#reset(this.options.sessions.loadFrom(withoutCookies(this.#request)) as Session);
  }

  #renew(keep: readonly string[]): void {
    if (keep.length > 0) this.#transfer(this.#open());
    this.#session.signOut({ keep });
    this.#reset(this.#session);
  }
}

/** What was set on the cookie of one session; `undefined` where something else was put in its place. */
function maxAgeOf({ cookie }: PropertySession): number | null | undefined {
  const maxAge: unknown = cookie?.originalMaxAge;
  return typeof maxAge === "number" || maxAge === null ? maxAge : undefined;
}

function withoutCookies(request: RequestLike): RequestLike {
  const get = (name: string): string | null => (name === "cookie" ? null : request.headers.get(name));
  return { url: request.url, ...(request.method !== undefined && { method: request.method }), headers: { get } };
}

/** The limit of a session whose cookie was given an age below `idle`, which all have. */
function lifetimeOf(maxAge: number | null, idle: number): { lifetime: { idle: number } } | undefined {
  return maxAge !== null && maxAge > 0 && maxAge < idle ? { lifetime: { idle: maxAge / 1000 } } : undefined;
}

function notOurs(): SessionError {
  return new SessionError(
    "not_supported",
    "req.sessionStore knows this session and, with the option subject, the same user's others; elsewhere call revoke(subject, id)",
  );
}
