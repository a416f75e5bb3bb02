/** A worker that runs the tests of its stores on request, made as a user would make one. */
import { DurableObject, env as moduleEnv } from "cloudflare:workers";
import { durableObjectStore, type SessionObjectState, sessionObject } from "../../../adapters/workers.ts";
import { createSessions, type Session, type SessionStore } from "../../../src/index.ts";
import { runStoreTests } from "./store-tests.ts";
import { moreWorkersTests, type TestEnv, workersStores } from "./workers-stores.ts";

export { SessionObject } from "../../../adapters/workers.ts";

export class OwnSessionObject extends DurableObject<TestEnv> {
  readonly sessions = sessionObject(this.ctx as SessionObjectState);

  override fetch(request: Request): Promise<Response> {
    return this.sessions.fetch(request);
  }

  override alarm(): Promise<void> {
    return this.sessions.alarm();
  }
}

// Made at module scope, before any request: no store and no manager may draw random numbers, start a timer or do I/O
// here.
const store = durableObjectStore(moduleEnv.OBJECTS);
/** Slow enough that a request can be abandoned while it commits. */
const slowStore: SessionStore = {
  ...store,
  async update(...args) {
    await new Promise((resolve) => setTimeout(resolve, 300));
    return store.update(...args);
  },
};

const count = (_request: Request, session: Session<{ n: number }>): Response => {
  session.update("n", (n = 0) => n + 1);
  return new Response();
};
const handlers: Record<string, (request: Request) => Response | Promise<Response>> = {
  "/count": createSessions<{ n: number }>({ store }).wrap(count),
  "/count-slowly": createSessions<{ n: number }>({ store: slowStore }).wrap(count),
  "/read": createSessions<{ n: number }>({ store }).wrap((_request, session) =>
    Response.json(session.get("n") ?? null),
  ),
};

/**
 * Sends a request that writes, and goes away while it does: then workerd ends that request where it is, and its
 * promises never settle.
 */
async function abandon(request: Request, { SELF }: TestEnv): Promise<Response> {
  const { headers } = request;
  const answer = await SELF.fetch("https://self/count-slowly", { headers, signal: AbortSignal.timeout(100) }).catch(
    (error: Error) => error.name,
  );
  return new Response(String(answer));
}

export default {
  async fetch(request: Request, env: TestEnv): Promise<Response> {
    const { pathname } = new URL(request.url);
    if (pathname === "/abandon") return abandon(request, env);
    const handler = handlers[pathname];
    return handler
      ? handler(request)
      : Response.json(
          await runStoreTests(
            workersStores(() => env),
            moreWorkersTests(() => env),
          ),
        );
  },
};
