import type { RequestLike } from "../http/cookie-options.ts";
import { type Awaitable, isPromise } from "../platform/awaitable.ts";
import { stateOf } from "../session/request-session.ts";
import type { Session } from "../session/session.ts";

/**
 * One request, as one `createSessions` knows it: whoever asks for its session again, further in or in parallel, finds
 * the first. Two sessions of one request would be two records and one cookie, and the writes of one of them lost.
 */
export interface Visit<Data extends object = Record<string, unknown>> {
  /** What the handler is given. */
  request: RequestLike;
  /** Epoch ms. The session is judged by when its request came, however late it is opened. */
  readonly arrivedAt: number;
  session: Awaitable<Session<Data>> | undefined;
  /** A `wrap` is around the handler and commits; one further in leaves it to the outermost. */
  held: boolean;
  /** Whoever loaded the session before that `wrap` may want to commit it too. */
  joined: boolean;
  /** The response was returned: the same `Request`, sent again as tests do, is another visit. */
  over: boolean;
  /** The response left in a form that caches may keep, before the session was opened. */
  exposed: boolean;
}

/**
 * On a request that an adapter made of another one, the one that it was made of: both are one visit. Registered, since
 * the adapter may have another copy of this package.
 */
const MADE_OF: unique symbol = Symbol.for("@sojourn/session made of");

/** The visits of requests, by the request. */
export interface Visits {
  get(request: RequestLike): Visit | undefined;
  set(request: RequestLike, visit: Visit): void;
}

/** A class whose instances are what its constructor was given: a field of a subclass then lies on that. */
class Given {
  constructor(request: object) {
    // biome-ignore lint/correctness/noConstructorReturn: it is what the class is for
    return request;
  }
}

/**
 * What a `WeakMap` does, by a private field on the request, which nobody else can see. A `WeakMap` took half a
 * microsecond of each request, and more of the garbage collector.
 */
export function createVisits(): Visits {
  class Visited extends Given {
    #visit: Visit;

    constructor(request: RequestLike, visit: Visit) {
      super(request);
      this.#visit = visit;
    }

    static get(request: object): Visit | undefined {
      return #visit in request ? request.#visit : undefined;
    }

    static set(request: RequestLike, visit: Visit): void {
      if (#visit in request) request.#visit = visit;
      else new Visited(request, visit);
    }
  }
  return Visited;
}

/** The visit of a request: the one under way, or a new one that begins now. */
export function visitOf(visits: Visits, request: RequestLike, clock: () => number): Visit {
  const origin = (request as RequestLike & { [MADE_OF]?: RequestLike })[MADE_OF] ?? request;
  const known = visits.get(origin);
  if (known !== undefined && !isOver(known)) return known;
  const visit: Visit = {
    request,
    arrivedAt: clock(),
    session: undefined,
    held: false,
    joined: false,
    over: false,
    exposed: false,
  };
  visits.set(origin, visit);
  return visit;
}

function isOver({ over, session }: Visit): boolean {
  return over || (session !== undefined && !isPromise(session) && stateOf(session).closed);
}
