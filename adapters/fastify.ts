/**
 * Sessions in Fastify: {@link fastifySession} puts the session on `request.session`.
 *
 * @module
 */
import type { IncomingMessage, ServerResponse } from "node:http";
import {
  type Awaitable,
  addSessionHeaders,
  type HeadersLike,
  type Session,
  type SessionHeaders,
  type Sessions,
  sessionHeaders,
} from "../src/index.ts";
import { type CarrierOptions, carrying } from "./express-session/carrier.ts";
import { MethodSession } from "./express-session/method-session.ts";
import type { Waiting } from "./node/held-response.ts";
import { holdHeaders } from "./node/hold-headers.ts";
import { canHold, isPromise } from "./node/no-response.ts";
import { requestOf } from "./node/node-request.ts";

export type { CarrierOptions } from "./express-session/carrier.ts";
export type { WithProperties } from "./express-session/property-session.ts";
export type { WithSession } from "./node.ts";

/** Options of {@link fastifySession}. */
export interface FastifySessionOptions<Data extends object = Record<string, unknown>> extends CarrierOptions<Data> {
  /** What `createSessions()` returned. */
  sessions: Sessions<Data>;
}

/** Fastify's callback. */
export type FastifyDone = (error?: Error) => void;

/** What is called of a Fastify instance. */
export interface FastifyLike {
  /** Declares a property of requests. */
  decorateRequest(name: string, value: null): unknown;
  /** Hooks into `onRequest`. */
  addHook(
    name: "onRequest",
    hook: (request: FastifyRequestLike, reply: FastifyReplyLike, done: FastifyDone) => void,
  ): unknown;
  /** Hooks into `onSend`. */
  addHook(
    name: "onSend",
    hook: (request: FastifyRequestLike, reply: FastifyReplyLike, payload: unknown, done: FastifyDone) => void,
  ): unknown;
}

/** What is called of a Fastify request. */
export interface FastifyRequestLike {
  /** Node's own request. */
  readonly raw: IncomingMessage;
}

/** What is called of a Fastify reply. */
export interface FastifyReplyLike {
  /** Node's own response. */
  readonly raw: ServerResponse;
}

/**
 * Plugin that puts the session on `request.session`, for the context in which it is registered and all within. It is
 * committed when a reply is ready, before its status line and headers leave; a failing store goes to the error handler.
 * For @fastify/passport, @fastify/flash and @fastify/csrf-protection (`sessionPlugin: "@fastify/session"`) give it
 * `properties: true`.
 *
 * @throws TypeError for options that contradict each other
 * @example
 * ```ts
 * declare module "fastify" {
 *   interface FastifyRequest extends WithSession<{ visits: number }> {}
 * }
 * app.register(fastifySession, { sessions });
 * app.get("/", async (request) => `visit ${request.session.get("visits")}`);
 * ```
 */
export const fastifySession: FastifySessionPlugin = Object.assign(register, {
  // What fastify-plugin sets: the hooks are those of the context that registers it
  [Symbol.for("skip-override")]: true,
  [Symbol.for("fastify.display-name")]: "@sojourn/session",
  [Symbol.for("plugin-meta")]: { name: "@sojourn/session", fastify: ">=4" },
});

/** The type of {@link fastifySession}. */
export type FastifySessionPlugin = <Data extends object>(
  app: FastifyLike,
  options: FastifySessionOptions<Data>,
  done: FastifyDone,
) => void;

function register<Data extends object>(
  app: FastifyLike,
  options: FastifySessionOptions<Data>,
  done: FastifyDone,
): void {
  const { sessions, as = "session", properties, subject } = options;
  const given = { as, ...(properties !== undefined && { properties }), ...(subject !== undefined && { subject }) };
  const carriage = carrying(sessions, given, MethodSession);
  const replies = new WeakMap<FastifyReplyLike, Reply>();
  app.decorateRequest(as, null);

  app.addHook("onRequest", (request, reply, next) => {
    const likened = requestOf(request.raw);
    const begin = (loaded: Session<Data>): Awaitable<void> => {
      const waiting = carriage.attach(request, likened, loaded as unknown as Session);
      const own = new Reply(waiting);
      replies.set(reply, own);
      const held = canHold(request.raw, reply.raw) && holdHeaders(reply.raw, own, own, (error) => fail(reply, error));
      return held ? undefined : carriage.expectNoAnswer(waiting);
    };
    const failed = (error: unknown): void => {
      carriage.attachNone(request, likened);
      next(error as Error);
    };
    try {
      const loading = sessions.loadFrom(likened);
      const beginning = isPromise(loading) ? loading.then(begin) : begin(loading);
      if (beginning === undefined) next();
      else beginning.then(() => next(), failed);
    } catch (error) {
      failed(error);
    }
  });

  app.addHook("onSend", (_request, reply, _payload, next) => {
    try {
      const committing = replies.get(reply)?.commit();
      if (committing === undefined) next();
      else committing.then(() => next(), next);
    } catch (error) {
      next(error as Error);
    }
  });
  done();
}

/** Commits once, when Fastify is about to send; what the head needs is added when it leaves, hijacked or not. */
class Reply {
  readonly #waiting: Pick<Waiting, "sessions" | "session">;
  readonly #additions = sessionHeaders();
  #committed = false;

  constructor(waiting: Pick<Waiting, "sessions" | "session">) {
    this.#waiting = waiting;
  }

  commit(deliverable = true): Awaitable<void> {
    if (this.#committed) return undefined;
    this.#committed = true;
    const { sessions, session } = this.#waiting;
    return sessions.commitTo(session as never, this.#additions, { deliverable });
  }

  /** For the holder of the head, which takes this for sessions. */
  commitTo(
    _self: never,
    headers: HeadersLike | SessionHeaders,
    { deliverable = true }: { deliverable?: boolean } = {},
  ): Awaitable<void> {
    const add = (): void => {
      if (deliverable) addSessionHeaders(headers, this.#additions);
    };
    const committing = this.commit(deliverable);
    return committing === undefined ? add() : committing.then(add);
  }
}

/** The commit of an answer that was written past Fastify failed, where its error handlers cannot be reached. */
function fail({ raw }: FastifyReplyLike, error: unknown): void {
  const { status = 500 } = error as { status?: number };
  raw.writeHead(status).end();
}
