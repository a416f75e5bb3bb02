/** What the Workers adapter asks of bindings is what the real ones have. */
import type { D1Database, DurableObjectNamespace, DurableObjectState, KVNamespace } from "@cloudflare/workers-types";
import { describe, expectTypeOf, test } from "vitest";
import {
  binding,
  d1Store,
  durableObjectStore,
  kvStore,
  type SessionObjectHandlers,
  type SessionObjectState,
  sessionObject,
  sessionsFromEnv,
} from "../../adapters/workers.ts";
import { createSessions } from "../../src/index.ts";

interface Env {
  readonly SESSIONS: DurableObjectNamespace;
  readonly CACHE?: KVNamespace;
  readonly DB: D1Database;
}

declare const env: Env;
declare const state: DurableObjectState;

describe("bindings of @cloudflare/workers-types fit", () => {
  test("stores", () => {
    expectTypeOf(durableObjectStore).toBeCallableWith(env.SESSIONS);
    expectTypeOf(durableObjectStore).toBeCallableWith(env.SESSIONS.jurisdiction("eu"));
    expectTypeOf(d1Store).toBeCallableWith(env.DB);
    expectTypeOf(kvStore(binding(env, "CACHE")).consistency).toEqualTypeOf<"eventual">();
    // @ts-expect-error: a binding that may be missing is no namespace yet
    kvStore(env.CACHE);
  });

  test("the state of a Durable Object", () => {
    expectTypeOf<DurableObjectState>().toExtend<SessionObjectState>();
    expectTypeOf(sessionObject(state)).toEqualTypeOf<SessionObjectHandlers>();
  });

  test("binding() knows the names and types of env", () => {
    expectTypeOf(binding(env, "CACHE")).toEqualTypeOf<KVNamespace>();
    // @ts-expect-error: no such binding
    binding(env, "CACHES");
  });

  test("sessionsFromEnv() hands on env and the arguments after it, typed", () => {
    const sessions = sessionsFromEnv((given: Env) => createSessions<{ n: number }>({ store: d1Store(given.DB) }));
    const fetch = sessions.wrap((_request, session, given, ctx: { waitUntil(promise: Promise<unknown>): void }) => {
      expectTypeOf(given).toEqualTypeOf<Env>();
      expectTypeOf(session.get("n")).toEqualTypeOf<number | undefined>();
      ctx.waitUntil(Promise.resolve());
      return new Response();
    });
    expectTypeOf(fetch).parameters.toEqualTypeOf<[Request, Env, { waitUntil(promise: Promise<unknown>): void }]>();
  });
});
