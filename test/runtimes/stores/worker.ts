/** A worker that runs the tests of its stores on request, made as a user would make one. */
import { DurableObject, env as moduleEnv } from "cloudflare:workers";
import { d1Store, durableObjectStore, type SessionObjectState, sessionObject } from "../../../adapters/workers.ts";
import { createSessions, type Session } from "../../../src/index.ts";
import { slowStores } from "./slow-stores.ts";
import { runStoreTests } from "./store-tests.ts";
import { moreWorkersTests, type TestEnv, workersStores } from "./workers-stores.ts";

export { SessionObject } from "../../../adapters/workers.ts";

export class OwnSessionObject extends DurableObject<TestEnv> {
  readonly state = this.ctx as SessionObjectState;
  readonly sessions = sessionObject(this.state);

  override async fetch(request: Request): Promise<Response> {
    // When the alarm would come, in milliseconds from now, by the clock of this object.
    if (request.url.endsWith("/alarm")) return Response.json(((await this.state.storage.getAlarm()) ?? 0) - Date.now());
    return this.sessions.fetch(request);
  }

  override alarm(): Promise<void> {
    return this.sessions.alarm();
  }
}

// Made at module scope, before any request: no store and no manager may draw random numbers, start a timer or do I/O
// here.
const store = durableObjectStore(moduleEnv.OBJECTS);
const count = (_request: Request, session: Session<{ n: number }>): Response => {
  session.update("n", (n = 0) => n + 1);
  return new Response();
};
const handlers: Record<string, (request: Request) => Response | Promise<Response>> = {
  "/count": createSessions<{ n: number }>({ store }).wrap(count),
  "/read": createSessions<{ n: number }>({ store }).wrap((_request, session) =>
    Response.json(session.get("n") ?? null),
  ),
};

/** `/slow/<read or write>/<store>/<count, look or end>` */
for (const phase of ["read", "write"] as const) {
  for (const [name, store] of Object.entries(slowStores(moduleEnv as TestEnv, phase))) {
    const sessions = createSessions<{ n: number }>({ store });
    const path = `/slow/${phase}/${encodeURIComponent(name)}`;
    handlers[`${path}/count`] = sessions.wrap(count);
    handlers[`${path}/look`] = sessions.wrap((_request, session) => Response.json(session.get("n") ?? null));
    handlers[`${path}/end`] = sessions.wrap((_request, session) => {
      session.destroy();
      return new Response();
    });
  }
}

/**
 * Sends a request, and goes away while it reads or writes: then workerd ends that request where it is, and its promises
 * never settle.
 */
async function abandon(request: Request, { SELF }: TestEnv): Promise<Response> {
  const path = new URL(request.url).searchParams.get("path");
  const { headers } = request;
  const signal = AbortSignal.timeout(100);
  const answer = await SELF.fetch(`https://self${path}`, { headers, signal }).catch((error: Error) => error.name);
  return new Response(String(answer));
}

export default {
  async fetch(request: Request, env: TestEnv): Promise<Response> {
    const { pathname } = new URL(request.url);
    if (pathname === "/table") return Response.json((await d1Store(env.D1).createTable()) ?? null);
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
