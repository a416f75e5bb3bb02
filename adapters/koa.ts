/**
 * Sessions in Koa: {@link koaSession} puts the session on `ctx.session`.
 *
 * @module
 */
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Session, Sessions } from "../src/index.ts";
import { type CarrierOptions, carrying } from "./express-session/carrier.ts";
import { PropertySession } from "./express-session/property-session.ts";
import { holdHeaders } from "./node/hold-headers.ts";
import { canHold } from "./node/no-response.ts";
import { requestOf } from "./node/node-request.ts";

export type { CarrierOptions } from "./express-session/carrier.ts";
export type { WithProperties } from "./express-session/property-session.ts";
export type { WithSession } from "./node.ts";

/** What is called of Koa's context. */
export interface KoaContext {
  /** Node's own request. */
  readonly req: IncomingMessage;
  /** Node's own response. */
  readonly res: ServerResponse;
  /** Answers with the error. */
  onerror(error: Error): void;
}

/** Koa middleware. */
export type KoaSessionMiddleware = (context: KoaContext, next: () => Promise<unknown>) => Promise<void>;

/**
 * Middleware that puts the session on `ctx.session`. It is committed before the status line and headers leave; a
 * failing store goes to the middleware before this one, or, once there is an answer, to `ctx.onerror`. For koa-passport
 * give it `{ properties: true }`.
 *
 * @throws TypeError for options that contradict each other
 * @example
 * ```ts
 * const app = new Koa<DefaultState, WithSession<{ visits: number }>>();
 * app.use(koaSession(createSessions<{ visits: number }>()));
 * app.use((ctx) => {
 *   ctx.session.update("visits", (n = 0) => n + 1);
 *   ctx.body = `visit ${ctx.session.get("visits")}`;
 * });
 * ```
 */
export function koaSession<Data extends object>(
  sessions: Sessions<Data>,
  options: CarrierOptions<Data> = {},
): KoaSessionMiddleware {
  const carriage = carrying(sessions, options, PropertySession);
  return async (context, next) => {
    const { req, res } = context;
    const request = requestOf(req);
    let session: Session;
    try {
      session = (await sessions.loadFrom(request)) as unknown as Session;
    } catch (error) {
      carriage.attachNone(context, request);
      throw error;
    }
    const waiting = carriage.attach(context, request, session);
    const fail = (error: unknown): void => context.onerror(error as Error);
    if (!canHold(req, res) || !holdHeaders(res, waiting.sessions, waiting.session, fail))
      await carriage.expectNoAnswer(waiting);
    await next();
  };
}
