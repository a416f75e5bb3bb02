import type { IncomingMessage, RequestListener, ServerResponse } from "node:http";
import type { Session } from "@sojourn/session";
import type { SessionMiddleware, WithSession } from "@sojourn/session/node";
import connect from "connect";
import express from "express";
import express4 from "express-4";
import fastify from "fastify";
import Koa from "koa";

export type Data = { n: number; text: string };
export type Handler = (
  request: IncomingMessage & WithSession<Data>,
  response: ServerResponse,
  session: Session<Data>,
) => unknown;

/** What a framework makes of the middleware and a handler that answers on Node's own response. */
export type Mount = (
  middleware: SessionMiddleware,
  handler: Handler,
  failed: (error: unknown) => void,
) => Promise<RequestListener>;

const run = (handler: Handler, request: IncomingMessage, response: ServerResponse): unknown => {
  const withSession = request as IncomingMessage & WithSession<Data>;
  return handler(withSession, response, withSession.session);
};

/** Each answers a failure with status 503 and the error's code, by the means that it has for that. */
export const frameworks: Readonly<Record<string, Mount>> = {
  "plain http": async (middleware, handler, failed) => (request, response) =>
    middleware(request, response, (error) => {
      if (error === undefined) return void run(handler, request, response);
      failed(error);
      response.writeHead(503).end(codeOf(error));
    }),

  connect: async (middleware, handler, failed) => {
    const app = connect();
    app.use(middleware);
    app.use((request, response) => run(handler, request, response));
    app.use(((error: unknown, _request: IncomingMessage, response: ServerResponse, _next: () => void) => {
      failed(error);
      response.writeHead(503).end(codeOf(error));
    }) as unknown as connect.NextHandleFunction);
    return app;
  },

  "Express 4": expressMount(express4 as unknown as typeof express),
  "Express 5": expressMount(express),

  // A hook and not @fastify/middie, which has no way to hear of an error once the handler runs
  Fastify: async (middleware, handler, failed) => {
    const app = fastify();
    app.addHook("onRequest", (request, reply, done) =>
      middleware(request.raw, reply.raw, (error) => {
        if (error === undefined || !reply.sent) return done(error as Error);
        // Hijacked below, which makes an answer the handler's own business
        failed(error);
        reply.raw.writeHead(503).end(codeOf(error));
      }),
    );
    app.setErrorHandler((error, _request, reply) => {
      failed(error);
      return reply.code(503).send(codeOf(error));
    });
    app.all("/*", (request, reply) => {
      reply.hijack();
      run(handler, request.raw, reply.raw);
    });
    await app.ready();
    return (request, response) => app.routing(request, response);
  },

  Koa: async (middleware, handler, failed) => {
    const app = new Koa();
    app.on("error", failed);
    app.use(
      (context, next) =>
        new Promise((resolve, reject) => {
          middleware(context.req, context.res, (error) => {
            if (error === undefined) next().then(resolve, reject);
            else context.onerror(Object.assign(error as Error, { status: 503, expose: true, message: codeOf(error) }));
          });
        }),
    );
    app.use((context) => {
      context.respond = false;
      run(handler, context.req, context.res);
    });
    return app.callback();
  },
};

function expressMount(create: typeof express): Mount {
  return async (middleware, handler, failed) => {
    const app = create();
    app.use(middleware);
    app.all(/.*/, (request, response) => run(handler, request, response));
    app.use(((error: unknown, _request: IncomingMessage, response: ServerResponse, _next: () => void) => {
      failed(error);
      response.writeHead(503).end(codeOf(error));
    }) as unknown as express.ErrorRequestHandler);
    return app;
  };
}

export function codeOf(error: unknown): string {
  return String((error as { code?: unknown }).code);
}
